// An HTTP/2 server over TLS in the process of the test: ordinary by nghttp2, and as odd as a test wants.
//
// A test decides for each connection which protocol it agrees on, and for each request what becomes of it.

#ifndef KALLGLOT_TEST_NET_HTTP2_SERVER_HPP
#define KALLGLOT_TEST_NET_HTTP2_SERVER_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "net/sockets.hpp"
#include "net/tls/tls_engine.hpp"
#include "support/http2_peer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace kallglot::test {

/// Lifetime: before it is destroyed, stop() it and run the loop until it is finished().
class http2_server {
public:
    /// One connection, as the server sees it.
    struct connection {
        connection(tcp_socket taken, const tls_context& tls, std::size_t at)
            : socket(std::move(taken)),
              engine(tls),
              number(at) {}

        tcp_socket socket;
        tls_engine engine;
        std::optional<http2_peer> peer; ///< if HTTP/2 was agreed on, or forced
        std::size_t number;             ///< from 0, in the order of arrival
        std::size_t requests = 0;
        std::string early;   ///< encrypted, behind the handshake
        std::string http1;   ///< incomplete request of HTTP/1.1
        bool silent = false; ///< reads, and answers nothing more
        bool ended = false;
    };

    /// What to do with a request; good_answer() is the usual.
    using handler = std::function<void(connection&, const http2_peer::request&)>;

    http2_server(loop_executor executor, tls_context tls, const std::string& address = "127.0.0.1");
    http2_server(const http2_server&) = delete;
    http2_server& operator=(const http2_server&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// A 200 about the session that was asked for.
    static void good_answer(connection& to, const http2_peer::request& request);

    /// Sends what the peer of a connection has to send, and other bytes behind it.
    void send(connection& to, const std::string& more = {});

    /// Ends a connection: with close_notify, or by a reset of TCP.
    void close(connection& which, bool reset = false);

    void stop();

    /// Refuses connections until listen(), as while it is restarted. Ends those that are open.
    void refuse();
    void listen();

    [[nodiscard]] bool finished() const { return group_.size() == 0; }

    /// Requests over all connections.
    [[nodiscard]] std::size_t requests() const;

    handler answer = good_answer;
    /// The protocols that the next connection accepts, the preferred one first; none: no ALPN.
    std::vector<std::string> protocols = {"h2", "http/1.1"};
    /// SETTINGS_MAX_CONCURRENT_STREAMS of new connections.
    std::uint32_t max_streams = 128;
    /// Says nothing after the handshake, so that no SETTINGS come.
    bool silent = false;
    /// Sent in place of anything else after the handshake.
    std::string greeting;
    std::list<connection> connections;

private:
    task<> accept();
    task<> serve(connection* which);
    task<bool> shake_hands(connection* which);
    bool absorb(connection& from, std::span<const char> input);
    void take(connection& from, std::string_view plaintext);
    void take_http1(connection& from, std::string_view plaintext);
    void write(connection& to, std::string_view plaintext);

    tls_context tls_;
    tcp_acceptor acceptor_;
    std::uint16_t port_;
    task_group group_;
};

} // namespace kallglot::test

#endif
