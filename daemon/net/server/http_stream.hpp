/// The byte stream of one connection of the HTTP server, plain or over TLS.
///
/// Over TLS the handshake is part of the first read, so that the timeout of the first request bounds it too. Output of
/// OpenSSL, alerts included, is sent before the next wait. Private to http_server.

#ifndef KALLGLOT_NET_SERVER_HTTP_STREAM_HPP
#define KALLGLOT_NET_SERVER_HTTP_STREAM_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "net/sockets.hpp"

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <memory>

namespace kallglot {

/// One operation at a time. Lifetime: outlives its operations.
/// Cost: over TLS 4 KiB and OpenSSL's state of 25 KiB while idle.
class http_stream {
public:
    /// `tls`: a server's context, or null for plain TCP.
    http_stream(tcp_socket peer, const tls_context* tls);
    ~http_stream();

    /// Errors: those of the socket, or tls_failed; asio::error::eof at the end of the client's stream.
    [[nodiscard]] task<result<std::size_t>> read_some(asio::mutable_buffer into);

    /// Writes the head, then the body. Lifetime: the memory of both outlives the call.
    [[nodiscard]] task<error_code> write(asio::const_buffer head, asio::const_buffer body);

    /// Aborts the present operation, and every operation before resume(), with operation_aborted. Without the second
    /// part an operation of several steps would continue with its next step.
    void cancel() noexcept;

    /// Allows operations again after cancel().
    void resume() noexcept { cancelled_ = false; }

    /// Ends the sending direction: the client sees the end of the stream. Reading is still possible.
    void shut_down_send() noexcept;

    void close() noexcept;

private:
    struct tls_part;

    [[nodiscard]] task<error_code> send_output();
    [[nodiscard]] task<result<std::size_t>> read_raw(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_raw(asio::const_buffer head, asio::const_buffer body);
    [[nodiscard]] task<result<std::size_t>> read_decrypted(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_encrypted(asio::const_buffer head,
                                                   asio::const_buffer body);
    void send_close_notify() noexcept;

    tcp_socket socket_;
    std::unique_ptr<tls_part> tls_; ///< null for plain TCP
    bool cancelled_ = false;
};

} // namespace kallglot

#endif
