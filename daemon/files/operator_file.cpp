#include "kallglot/files/operator_file.hpp"

#include "files/path_walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace kallglot {

namespace {

// Not strerror, which is not thread-safe; loading may run on any thread.
std::string reason_of(int error) {
    return std::generic_category().message(error);
}

opened_file failed(int error) {
    opened_file file;
    file.error = error;
    file.reason = reason_of(error);
    return file;
}

// O_NONBLOCK, because opening a pipe waits for its writer; O_NOCTTY, because a terminal must not become ours.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// The observer of this thread.
thread_local const std::function<void(const std::string&)>* observer = nullptr;

// After opening, on the descriptor: a check of the path could race with a replacement of the file.
opened_file checked(file_descriptor descriptor) {
    opened_file file;
    file.descriptor = std::move(descriptor);
    if (!file.descriptor.is_open() || ::fstat(file.descriptor.number(), &file.status) != 0) {
        return failed(errno);
    }
    if (!S_ISREG(file.status.st_mode)) {
        file.reason =
            S_ISDIR(file.status.st_mode) ? "it is a directory" : "it is not a regular file";
        file.descriptor = {};
    }
    return file;
}

} // namespace

file_observer::file_observer(std::function<void(const std::string& path)> opening)
    : opening_(std::move(opening)) {
    // Of this thread: each worker may be watched by another object.
    observer = &opening_;
}

file_observer::~file_observer() {
    observer = nullptr;
}

void file_observer::notify(const std::string& path) {
    if (observer != nullptr) {
        (*observer)(path);
    }
}

file_descriptor& file_descriptor::operator=(file_descriptor&& other) noexcept {
    // `other` closes what this one had.
    std::swap(number_, other.number_);
    return *this;
}

file_descriptor::~file_descriptor() {
    if (is_open()) {
        ::close(number_);
    }
}

opened_file open_operator_file(const std::filesystem::path& path, link_rule links) {
    file_observer::notify(path.string());
    // A file that the configuration names: the operator chose the path, whatever links it has.
    if (links == link_rule::all) {
        return checked(file_descriptor(::open(path.c_str(), read_flags)));
    }
    opened_file walked = path_walk(path.string()).open(read_flags);
    if (!walked.descriptor.is_open()) {
        return walked;
    }
    opened_file file = checked(std::move(walked.descriptor));
    // checked() makes a new result, so the path is added after it.
    file.real_path = std::move(walked.real_path);
    return file;
}

file_contents read_file(const std::filesystem::path& path, std::size_t limit) {
    file_contents contents;
    const opened_file file = open_operator_file(path);
    contents.reason = file.reason;
    if (!file.descriptor.is_open()) {
        return contents;
    }
    // One buffer of the final size: growing would leave copies of secrets in freed memory. One byte more than the limit
    // reveals a file that is too large, also one that grows while it is read.
    contents.bytes.resize(limit + 1);
    std::size_t filled = 0;
    while (filled < contents.bytes.size()) {
        const ssize_t got = ::read(file.descriptor.number(),
                                   contents.bytes.data() + filled,
                                   contents.bytes.size() - filled);
        // A signal is no reason to give up.
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            contents.reason = reason_of(errno);
        }
        // The end of the file, or an error whose reason is noted; what was read before it is returned all the same.
        if (got <= 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
    }
    if (filled > limit) {
        // No part of the file is returned: half a file could parse as something else. None stays in freed memory either.
        ::explicit_bzero(contents.bytes.data(), filled);
        contents.too_large = true;
        contents.reason = "it exceeds " + std::to_string(limit) + " bytes";
        filled = 0;
    }
    contents.bytes.resize(filled);
    return contents;
}

// Opens and closes: access(2) would check the real user id and not see a directory.
std::string check_readable(const std::filesystem::path& path) {
    return open_operator_file(path).reason;
}

} // namespace kallglot
