#include "net/sockets.hpp"

#include <boost/asio/error.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kallglot {

// Errors that operators handle differently have a code of their own; all others are connect_failed.
errc translate_connect_error(const error_code& system) noexcept {
    switch (system.value()) {
        case ECONNREFUSED:
        // A listener that closes resets the connections that it has not accepted.
        case ECONNRESET:
            return errc::connect_refused;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN:
            return errc::network_unreachable;
        case ETIMEDOUT:
            return errc::connect_timeout;
        // Local shortages: no other address would help.
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case EADDRNOTAVAIL:
            return errc::no_descriptors;
        default:
            return errc::connect_failed;
    }
}

std::string_view describe_system_error(const error_code& system) noexcept {
    // Errors of Asio and of the resolver have other numbers, which would get a wrong text.
    if (!system || system.category() != boost::system::system_category()) {
        return {};
    }
    // Unlike message(), static and without a locale.
    const char* const text = strerrordesc_np(system.value());
    return text != nullptr ? text : std::string_view();
}

tcp_socket armed_for_reading(tcp_socket& connected, const tcp_endpoint& peer) {
    tcp_socket socket(connected.get_executor());
    error_code error;
    const tcp_socket::native_handle_type handle = connected.release(error);
    if (error) {
        return std::move(connected);
    }
    socket.assign(peer.protocol(), handle, error);
    if (error) {
        ::close(handle);
        return socket;
    }
    socket.non_blocking(true, error);
    if (error) {
        // Asio would wait in a read that finds nothing, and the loop with it.
        error_code ignored;
        socket.close(ignored);
    }
    return socket;
}

} // namespace kallglot
