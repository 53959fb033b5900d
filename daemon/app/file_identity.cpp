#include "app/file_identity.hpp"

#include "kallglot/files/operator_file.hpp"

#include <sys/stat.h>

namespace kallglot {

std::optional<file_identity> file_identity::of(const std::string& path) {
    // stat, not lstat: a swapped symlink leads to another file. st_ctim: it cannot be set back, unlike st_mtim.
    file_observer::notify(path);
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
        return std::nullopt;
    }
    return file_identity{
        found.st_dev,
        found.st_ino,
        found.st_size,
        // Beside the time, inode and size: a file may be replaced twice within one tick of the kernel's clock.
        found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec};
}

file_group::file_group(std::vector<std::string> paths) {
    add(std::move(paths));
}

void file_group::add(std::vector<std::string> paths) {
    // An unset key of the configuration is an empty path. A missing file is recorded: its creation is a change.
    for (std::string& path : paths) {
        if (!path.empty()) {
            // At the time of add(), which comes before the reading.
            const auto now = file_identity::of(path);
            files_.emplace_back(std::move(path), now);
        }
    }
}

file_group file_group::unread(std::vector<std::string> paths) {
    file_group files(std::move(paths));
    // Differs from every file, and from a missing one.
    for (auto& [path, seen] : files.files_) {
        seen = file_identity{0, 0, -1, 0};
    }
    return files;
}

file_group file_group::again() const {
    file_group now = *this;
    for (auto& [path, seen] : now.files_) {
        seen = file_identity::of(path);
    }
    return now;
}

} // namespace kallglot
