#include "failing_calls.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <set>

namespace {

bool counting = false;
int seen = 0;
int failing = 0;
int with_error = 0;

// Sockets of servers. Created at the first use, which may be before the statics of this file.
std::set<long>& of_servers() {
    static std::set<long> sockets;
    return sockets;
}

bool refused(long socket) {
    if (!counting || of_servers().contains(socket) || ++seen != failing) {
        return false;
    }
    errno = with_error;
    return true;
}

} // namespace

extern "C" {

int socket(int domain, int type, int protocol) {
    if (refused(-1)) {
        return -1;
    }
    const long made = ::syscall(SYS_socket, domain, type, protocol);
    of_servers().erase(made);
    return static_cast<int>(made);
}

int listen(int socket, int waiting) noexcept {
    of_servers().insert(socket);
    return static_cast<int>(::syscall(SYS_listen, socket, waiting));
}

int accept(int listener, sockaddr* address, socklen_t* size) {
    const long made = ::syscall(SYS_accept, listener, address, size);
    if (made >= 0) {
        of_servers().insert(made);
    }
    return static_cast<int>(made);
}

int connect(int socket, const sockaddr* address, socklen_t size) {
    return refused(socket) ? -1 : static_cast<int>(::syscall(SYS_connect, socket, address, size));
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
    return refused(socket) ? -1 : ::syscall(SYS_sendmsg, socket, message, flags);
}

ssize_t recvmsg(int socket, msghdr* message, int flags) {
    return refused(socket) ? -1 : ::syscall(SYS_recvmsg, socket, message, flags);
}

ssize_t send(int socket, const void* bytes, std::size_t size, int flags) {
    return refused(socket) ? -1
                           : ::syscall(SYS_sendto, socket, bytes, size, flags, nullptr, nullptr);
}

ssize_t recv(int socket, void* bytes, std::size_t size, int flags) {
    return refused(socket) ? -1
                           : ::syscall(SYS_recvfrom, socket, bytes, size, flags, nullptr, nullptr);
}

int getsockopt(int socket, int level, int name, void* value, socklen_t* size) noexcept {
    return refused(socket)
               ? -1
               : static_cast<int>(::syscall(SYS_getsockopt, socket, level, name, value, size));
}

int setsockopt(int socket, int level, int name, const void* value, socklen_t size) noexcept {
    return refused(socket)
               ? -1
               : static_cast<int>(::syscall(SYS_setsockopt, socket, level, name, value, size));
}

int ioctl(int file, unsigned long request, ...) noexcept {
    std::va_list more;
    va_start(more, request);
    void* const value = va_arg(more, void*);
    va_end(more);
    return request == FIONBIO && refused(file)
               ? -1
               : static_cast<int>(::syscall(SYS_ioctl, file, request, value));
}
}

namespace kallglot::test {

void fail_call(int number, int error) noexcept {
    seen = 0;
    failing = number;
    with_error = error;
    counting = true;
}

int let_calls_pass() noexcept {
    counting = false;
    return seen;
}

} // namespace kallglot::test
