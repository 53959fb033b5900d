#include "config/file_reading.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace kallglot::config {

namespace {

// Not strerror, which is not thread-safe; loading may run on any thread.
std::string reason_of(int error) {
    return std::generic_category().message(error);
}

// Closes a file descriptor at the end of its scope.
class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}

    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;

    ~descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

// Opens a regular file. O_NONBLOCK, because opening a pipe waits for its writer; O_NOCTTY, because a terminal must not
// become ours.
std::pair<int, std::string> open_regular(const std::filesystem::path& path, struct stat& status) {
    const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (number < 0) {
        return {-1, reason_of(errno)};
    }
    if (::fstat(number, &status) != 0) {
        const std::string reason = reason_of(errno);
        ::close(number);
        return {-1, reason};
    }
    // After opening, on the descriptor: a check of the path could race with a replacement of the file.
    if (!S_ISREG(status.st_mode)) {
        ::close(number);
        return {-1, S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file"};
    }
    return {number, {}};
}

} // namespace

file_contents read_file(const std::filesystem::path& path, std::size_t limit) {
    file_contents contents;
    struct stat status{};
    auto [number, reason] = open_regular(path, status);
    const descriptor file(number);
    // The mode of the opened file, for the warning about permissions.
    contents.mode = status.st_mode;
    contents.reason = std::move(reason);
    if (number < 0) {
        return contents;
    }
    // One buffer of the final size: growing would leave copies of secrets in freed memory. One byte more than the limit
    // reveals a file that is too large, also one that grows while it is read.
    contents.bytes.resize(limit + 1);
    std::size_t filled = 0;
    while (filled < contents.bytes.size()) {
        const ssize_t got =
            ::read(file.number(), contents.bytes.data() + filled, contents.bytes.size() - filled);
        // A signal is no reason to give up.
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            contents.reason = reason_of(errno);
        }
        if (got <= 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
    }
    if (filled > limit) {
        // No part of the file is returned: half a file could parse as something else.
        contents.too_large = true;
        contents.reason = "it exceeds " + std::to_string(limit) + " bytes";
        filled = 0;
    }
    contents.bytes.resize(filled);
    return contents;
}

// Opens and closes: access(2) would check the real user id and not see a directory.
std::string check_readable(const std::filesystem::path& path) {
    struct stat status{};
    auto [number, reason] = open_regular(path, status);
    const descriptor file(number);
    return reason;
}

} // namespace kallglot::config
