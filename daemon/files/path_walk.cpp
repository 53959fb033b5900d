#include "files/path_walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <iterator>
#include <ranges>
#include <system_error>
#include <utility>

namespace kallglot {

namespace {

// As in the kernel.
constexpr std::size_t max_links = 40;

// O_PATH opens nothing: a pipe or a device on the way has no effect, and no right to read is needed.
constexpr int step_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

opened_file refused(int error, std::string reason) {
    opened_file file;
    file.error = error;
    file.reason = std::move(reason);
    return file;
}

opened_file refused(int error) {
    return refused(error, std::generic_category().message(error));
}

} // namespace

void path_walk::push(std::string_view path) {
    // An absolute path, also that of a link, starts at the root.
    if (path.starts_with('/')) {
        folder_ = file_descriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        real_.clear();
    }
    std::vector<std::string> components;
    for (const auto part : std::views::split(path, '/')) {
        if (!part.empty()) {
            components.emplace_back(part.begin(), part.end());
        }
    }
    // "/" alone leads to the root itself.
    if (components.empty()) {
        components.emplace_back(".");
    }
    // `rest_` is a stack: the next component is at its end, and the target of a link goes on top.
    std::ranges::reverse_copy(components, std::back_inserter(rest_));
}

opened_file path_walk::open(int flags) {
    while (!rest_.empty()) {
        // One component at a time, each below a folder that is open. So a rename on the way cannot lead the walk
        // elsewhere.
        const std::string name = std::move(rest_.back());
        rest_.pop_back();
        switch (step(name)) {
            case step_kind::failed:
                return refused(errno);
            case step_kind::link:
                if (!follow(found_, status_.st_uid)) {
                    return refused(errno);
                }
                continue;
            case step_kind::node:
                break;
        }
        // After each component, because the target of a link may be a folder in the middle of the path.
        if (!trusts_links()) {
            return refused(0, "a symbolic link of another user leads to it");
        }
        if (!rest_.empty()) {
            folder_ = std::move(found_);
            continue;
        }
        // O_NOFOLLOW, and the comparison below: the name may have been replaced since it was looked up.
        opened_file file;
        file.descriptor =
            file_descriptor(::openat(folder_.number(), name.c_str(), flags | O_NOFOLLOW));
        struct stat opened{};
        if (!file.descriptor.is_open() || ::fstat(file.descriptor.number(), &opened) != 0) {
            return refused(errno);
        }
        // The checks above were of the node that step() found, so another one is not opened.
        if (opened.st_dev != status_.st_dev || opened.st_ino != status_.st_ino) {
            return refused(0, "it was replaced while it was opened");
        }
        // The path without links. It says whether a file is in a folder of secrets, however a path leads there.
        for (const std::string& component : real_) {
            file.real_path += '/' + component;
        }
        return file;
    }
    return refused(ENOENT);
}

// Looks one component up, without following it.
path_walk::step_kind path_walk::step(const std::string& name) {
    const int folder = folder_.number();
    // O_DIRECTORY mounts what an automounter has there. A link or a file is looked up without it.
    found_ = file_descriptor(::openat(folder, name.c_str(), step_flags | O_DIRECTORY));
    if (!found_.is_open() && (errno == ENOTDIR || errno == ELOOP)) {
        found_ = file_descriptor(::openat(folder, name.c_str(), step_flags));
    }
    if (!found_.is_open() || ::fstat(found_.number(), &status_) != 0) {
        return step_kind::failed;
    }
    if (S_ISLNK(status_.st_mode)) {
        return step_kind::link;
    }
    if (name == "..") {
        if (!real_.empty()) {
            // `..` of the root is the root, as for the kernel.
            real_.pop_back();
        }
    } else if (name != ".") {
        real_.push_back(name);
    }
    return step_kind::node;
}

// Puts the target of a link in front of the components that are left. False and errno if that is not possible.
bool path_walk::follow(const file_descriptor& found, uid_t owner) {
    if (++followed_ > max_links) {
        errno = ELOOP;
        return false;
    }
    std::array<char, PATH_MAX> target{};
    // With an empty name the call reads the link that is open (Linux 2.6.39). The kernel stores at most PATH_MAX - 1
    // bytes, so the target is complete.
    const ssize_t size = ::readlinkat(found.number(), "", target.data(), target.size());
    if (size <= 0) {
        return false;
    }
    // Where the stack is when the target is reached. trusts_links() compares the owners there.
    links_.push_back({owner, rest_.size()});
    push({target.data(), static_cast<std::size_t>(size)});
    return true;
}

// Whether the links whose target was just reached may lead there.
bool path_walk::trusts_links() {
    while (!links_.empty() && links_.back().rest == rest_.size()) {
        // As fs.protected_symlinks of Linux, but in every folder: otherwise a user could make the daemon read the
        // file of another.
        if (links_.back().owner != 0 && links_.back().owner != status_.st_uid) {
            return false;
        }
        links_.pop_back();
    }
    return true;
}

} // namespace kallglot
