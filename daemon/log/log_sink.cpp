#include "log/log_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace kallglot {

log_sink::log_sink(int descriptor) noexcept : descriptor_(descriptor) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || S_ISREG(status.st_mode)) {
        return;
    }
    if (S_ISSOCK(status.st_mode)) {
        method_ = method::socket;
        return;
    }
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    own_descriptor_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own_descriptor_ >= 0) {
        descriptor_ = own_descriptor_;
    } else {
        method_ = method::polled;
    }
}

log_sink::~log_sink() {
    if (own_descriptor_ >= 0) {
        ::close(own_descriptor_);
    }
}

long log_sink::write_once(std::string_view bytes) noexcept {
    if (method_ == method::socket) {
        return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (method_ == method::polled) {
        pollfd wanted{descriptor_, POLLOUT, 0};
        if (::poll(&wanted, 1, 0) != 1 || (wanted.revents & POLLOUT) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    return ::write(descriptor_, bytes.data(), bytes.size());
}

bool log_sink::write(std::string_view line) noexcept {
    // A torn line ends first, or this one would continue it.
    if (torn_ && write_once("\n") != 1) {
        return false;
    }
    torn_ = false;
    long written = write_once(line);
    // A signal may come before the first byte; once more is enough, twice would be a storm.
    if (written < 0 && errno == EINTR) {
        written = write_once(line);
    }
    torn_ = written > 0 && static_cast<std::size_t>(written) < line.size();
    return written > 0 && !torn_;
}

} // namespace kallglot
