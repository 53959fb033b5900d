#include "intake/file_looks.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace kallglot {

void file_looks::run() {
    for (std::size_t at = 0; at < paths_.size(); ++at) {
        // The loop has given up this call. Further answers are not read, so order between threads does not matter.
        if (abandoned_.load(std::memory_order_relaxed)) {
            return;
        }
        answers_[at] = look(paths_[at]);
        // The loop reads the answers below this number while the call goes on, hence the release.
        done_.store(at + 1, std::memory_order_release);
    }
}

file_look file_looks::look(const std::string& path) const {
    file_look found;
    // lstat first: most session files are no links, and cost one call.
    if (::lstat(path.c_str(), &found.status) != 0) {
        found.error = errno;
        return found;
    }
    if (!S_ISLNK(found.status.st_mode)) {
        return found;
    }
    // The folder is watched before the target is looked at, so that no change in between is missed.
    std::error_code failed;
    const std::filesystem::path target = std::filesystem::canonical(path, failed);
    if (!failed) {
        folder_watches watches = watches_;
        watches.add(target.parent_path().string() + '/');
        found.watches = watches.numbers();
    }
    if (::stat(path.c_str(), &found.status) != 0) {
        found.error = errno;
    }
    return found;
}

} // namespace kallglot
