/// An open connection to the API without a request: a socket, its TLS and the version of HTTP, as connection_opening hands it to a transport.

#ifndef KALLGLOT_NET_CLIENT_API_CHANNEL_HPP
#define KALLGLOT_NET_CLIENT_API_CHANNEL_HPP

#include "kallglot/ports/api_client.hpp"
#include "net/sockets.hpp"
#include "net/tls/tls_engine.hpp"

#include <boost/asio/buffer.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace kallglot {

/// Loop only.
struct api_channel {
    tcp_socket socket;
    std::unique_ptr<tls_engine> tls; ///< null: plain HTTP
    http_version version = http_version::http_1_1;
    std::string early; ///< what an HTTP/2 server sent together with its part of the handshake

    /// Writes without waiting; false if the kernel does not take all of it.
    [[nodiscard]] bool flush(std::string_view bytes) noexcept {
        // Most reads produce no output.
        error_code error;
        return bytes.empty() || socket.write_some(asio::buffer(bytes), error) == bytes.size();
    }

    /// Closes the socket. An alert or close_notify, so that the server keeps the session resumable, leaves only if the
    /// kernel takes it at once. `output` is the shared buffer.
    void close(std::string& output) noexcept {
        if (tls) {
            output.clear();
            tls->close(output);
            static_cast<void>(flush(output));
        }
        error_code ignored;
        socket.close(ignored);
    }
};

} // namespace kallglot

#endif
