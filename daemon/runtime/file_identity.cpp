#include "kallglot/runtime/file_identity.hpp"

#include <sys/stat.h>

namespace kallglot {

std::optional<file_identity> file_identity::of(const std::string& path) noexcept {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
        return std::nullopt;
    }
    return file_identity{found.st_dev,
                         found.st_ino,
                         found.st_size,
                         found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec};
}

file_group::file_group(std::vector<std::string> paths) {
    for (std::string& path : paths) {
        if (!path.empty()) {
            const auto now = file_identity::of(path);
            files_.emplace_back(std::move(path), now);
        }
    }
}

bool file_group::changed() {
    bool any = false;
    for (auto& [path, seen] : files_) {
        const auto now = file_identity::of(path);
        any = any || now != seen;
        seen = now;
    }
    return any;
}

} // namespace kallglot
