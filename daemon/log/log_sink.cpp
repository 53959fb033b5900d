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
    // Regular files never block on a reader; a closed descriptor fails at each write, and the lines are counted.
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || S_ISREG(status.st_mode)) {
        return;
    }
    // The journal's socket cannot be opened through /proc, but send(2) has a flag.
    if (S_ISSOCK(status.st_mode)) {
        method_ = method::socket;
        return;
    }
    // A new open file for the same pipe or terminal: its O_NONBLOCK does not affect other processes. O_NOCTTY, because
    // a service must not acquire a terminal by logging to it.
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    own_descriptor_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    // Fails for a pipe of another user, for example behind sudo.
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
    // MSG_NOSIGNAL: a journal that restarts must not send SIGPIPE.
    if (method_ == method::socket) {
        return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (method_ == method::polled) {
        // A pipe is writable if PIPE_BUF bytes fit, so a whole line fits.
        pollfd room{descriptor_, POLLOUT, 0};
        if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    return ::write(descriptor_, bytes.data(), bytes.size());
}

bool log_sink::write(std::string_view line) noexcept {
    // End a torn line first, otherwise this line would continue it.
    if (torn_ && write_once("\n") != 1) {
        return false;
    }
    torn_ = false;
    long written = write_once(line);
    // A signal can interrupt before the first byte. One retry is enough; more would mean a storm of signals.
    if (written < 0 && errno == EINTR) {
        written = write_once(line);
    }
    // Terminals and nearly full sockets can accept a part of a line.
    torn_ = written > 0 && static_cast<std::size_t>(written) < line.size();
    return written > 0 && !torn_;
}

} // namespace kallglot
