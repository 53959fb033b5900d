/// The byte stream of one connection of the HTTP server, plain or over TLS.
///
/// Over TLS the owner of the stream takes the steps of the handshake, which cost CPU time, before the first read. Output of
/// OpenSSL, alerts included, is sent before the next wait. Private to http_server.

#ifndef KALLGLOT_NET_SERVER_HTTP_STREAM_HPP
#define KALLGLOT_NET_SERVER_HTTP_STREAM_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "net/sockets.hpp"

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kallglot {

enum class tls_status : std::uint8_t;

/// One operation at a time. Lifetime: outlives its operations; the clock outlives it.
/// Cost: over TLS 4 KiB and OpenSSL's state of 25 KiB while idle.
class http_stream {
public:
    /// `tls`: a server's context, or null for plain TCP.
    http_stream(tcp_socket peer, const tls_context* tls, const clock& time);
    ~http_stream();

    /// Whether a TLS handshake is not complete yet. Then nothing below is called but the operations of the handshake.
    [[nodiscard]] bool is_handshaking() const noexcept;

    /// Reads bytes of the handshake, at least one. Lifetime: until the next operation.
    /// Errors: those of the socket; asio::error::eof at the end of the client's stream.
    [[nodiscard]] task<result<std::string_view>> read_handshake();

    /// Continues the handshake with the bytes that were read. Cost: milliseconds of CPU time. send_output() follows.
    [[nodiscard]] tls_status take_handshake_step();

    /// Sends what the step has to say, alerts included.
    [[nodiscard]] task<error_code> send_output();

    /// The cause of a failed handshake, for the log.
    [[nodiscard]] std::string_view failure() const noexcept;

    /// Expiry of the client's certificate, Unix seconds; 0 if none was verified.
    [[nodiscard]] std::int64_t peer_trusted_until() const noexcept;

    /// The client does not speak TLS: the stream is plain from now on.
    void leave_tls() noexcept;

    /// Precondition: no handshake is under way.
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

    /// When the client last took bytes of the present write, or when it began.
    [[nodiscard]] steady_time progressed_at() const noexcept { return progressed_at_; }

private:
    struct tls_part;

    [[nodiscard]] task<result<std::size_t>> read_raw(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_raw(asio::const_buffer head, asio::const_buffer body);
    [[nodiscard]] task<result<std::size_t>> read_decrypted(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_encrypted(asio::const_buffer head,
                                                   asio::const_buffer body);
    void send_close_notify() noexcept;

    tcp_socket socket_;
    const clock& clock_;
    steady_time progressed_at_{};
    std::unique_ptr<tls_part> tls_; ///< null for plain TCP
    bool cancelled_ = false;
};

} // namespace kallglot

#endif
