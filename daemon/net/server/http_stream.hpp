/// Bytes to and from a client of the HTTP server, plain or over TLS.
///
/// Over TLS the handshake is part of the first read, so that the deadline of a first request bounds it too. What
/// OpenSSL wants to say, alerts included, leaves before anything else is waited for. Private to http_server.

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
    /// `tls`: of a server, or null for plain TCP.
    http_stream(tcp_socket peer, const tls_context* tls);
    ~http_stream();

    /// Errors: of the socket or tls_failed; asio::error::eof at the client's end of stream.
    [[nodiscard]] task<result<std::size_t>> read_some(asio::mutable_buffer into);

    /// Writes both, one behind the other. Lifetime: what they show outlives the call.
    [[nodiscard]] task<error_code> write(asio::const_buffer head, asio::const_buffer body);

    /// The operation under way, and any that is begun before go_on(), ends with operation_aborted: one that is half
    /// done, or ends in this moment, does not go on unseen.
    void cancel() noexcept;

    void go_on() noexcept { cancelled_ = false; }

    /// Tells the client that nothing follows; reading goes on.
    void end_of_answers() noexcept;

    void close() noexcept;

private:
    struct tls_part;

    [[nodiscard]] task<error_code> send_output();
    [[nodiscard]] task<result<std::size_t>> read_raw(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_raw(asio::const_buffer head, asio::const_buffer body);
    [[nodiscard]] task<result<std::size_t>> read_decrypted(asio::mutable_buffer into);
    [[nodiscard]] task<error_code> write_encrypted(asio::const_buffer head,
                                                   asio::const_buffer body);
    void say_farewell() noexcept;

    tcp_socket socket_;
    std::unique_ptr<tls_part> tls_; ///< null for plain TCP
    bool cancelled_ = false;
};

} // namespace kallglot

#endif
