/// HTTP/1.1 server with limits and timeouts on every input, for the private listener and for webhooks.
///
/// Each connection is one coroutine; one sweep serves all deadlines instead of a timer each. At the connection limit one
/// connection is closed for the new one (net/server/eviction.hpp), so idle and slow clients cannot lock out a scrape. The
/// server does not know what it serves (http_server_routes.hpp) nor the syntax of requests (http_server_parser.hpp).
/// `http_stream` puts TLS on the socket.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/settings.hpp"
#include "net/server/body_memory.hpp"
#include "net/server/handshake_turns.hpp"
#include "net/sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only. More members than usual: every connection needs most of them.
///
/// Lifetime: routes, clock and logger outlive it. Before it is destroyed: finish() or cut(), then join().
class http_server {
public:
    /// `name` is for the log and the names of tasks: `private` or `webhook`.
    http_server(loop_executor executor,
                std::string name,
                const http_routes& routes,
                http_limits limits,
                clock& time,
                logger& log);
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    /// `callback` receives the status of each request that is rejected before a handler sees it: 400, 404, 405, 408, 413
    /// and similar. Precondition: before listen().
    void on_refusal(std::function<void(int status)> callback) { on_refusal_ = std::move(callback); }

    /// `callback` receives the reason, a constant text, when a client cannot finish a TLS handshake, or speaks TLS to a plain
    /// port. Precondition: before listen().
    void on_handshake_failure(std::function<void(std::string_view reason)> callback) {
        on_handshake_failure_ = std::move(callback);
    }

    /// Makes the response of a request that no handler answers. `path` is empty if the request has none that is valid.
    /// Must repeat nothing of the path. By default: the standard phrase as plain text. Precondition: before listen().
    using error_page = std::function<http_response(int status, std::string_view path)>;

    void use_error_pages(error_page page) { error_page_ = std::move(page); }

    /// New connections use TLS with this certificate, or plain TCP without one. Open connections do not change.
    void use_tls(std::optional<tls_context> identity) { tls_ = std::move(identity); }

    /// Limits for new connections; the limit of their number applies at once.
    void use_limits(const http_limits& limits) { limits_ = limits; }

    /// While memory is short the server accepts a quarter of the connections, and only small bodies; larger ones get 503.
    void hold_off(bool is_short) noexcept { bodies_.hold_off(is_short); }

    /// New connections drop this prefix from their paths (http_server_parser). Precondition: before listen().
    void use_prefix(std::string prefix) { prefix_ = std::move(prefix); }

    /// Header fields of every response, unless the response sets them itself.
    void use_fields(std::vector<std::pair<std::string, std::string>> fields) {
        fields_ = std::move(fields);
    }

    /// Admits requests (authentication). Called once for each request, also for paths without a route, and before a body is
    /// read that has not arrived with its head. A response rejects the request: the client receives it, and no handler is called.
    ///
    /// Lifetime: the request is valid during the call. Precondition: before listen().
    using gate = std::function<task<std::optional<http_response>>(const http_request*)>;

    void use_gate(gate admission) { gate_ = std::move(admission); }

    /// Binds and accepts connections. May be called for several addresses; an empty host means all, IPv6 and IPv4.
    ///
    /// Errors: the system's (address in use, permission), or name_not_resolved; nothing is open then.
    /// Cost:   blocks while it resolves a host name; for the start only.
    [[nodiscard]] error_code listen(const listen_address& address);

    /// Accepts connections on a listening socket that another process (systemd) has bound, and owns the socket.
    ///
    /// Errors: invalid_argument if it is no listening TCP socket; it stays open and the caller's.
    [[nodiscard]] error_code adopt(int descriptor);

    /// The listening addresses, as `127.0.0.1:10455`, in the order of listen(), with the real port instead of 0.
    [[nodiscard]] std::vector<std::string> addresses() const;

    /// The port of the first address; 0 before listen().
    [[nodiscard]] std::uint16_t port() const;

    [[nodiscard]] std::size_t connections() const noexcept;

    /// First stage of stopping: stops listening. Complete requests are answered; other connections are closed.
    void finish();

    /// Second stage: closes every connection at once.
    void cut();

    /// Ends when the last connection has ended. Precondition: finish() or cut().
    ///
    /// Cancel: terminal; the connections keep running.
    [[nodiscard]] task<> join();

private:
    struct listener;
    struct connection;
    class connection_entry;
    using connection_list = std::list<connection>;

    // Listeners and deadlines: http_server.cpp.
    void begin(std::unique_ptr<listener> fresh);
    [[nodiscard]] task<> accept(listener* from);
    void admit(tcp_socket peer, const http_client_place& from);
    void admit_waiting(listener& from);
    void make_room(const peer_network& newcomer);
    [[nodiscard]] std::size_t connection_limit() const noexcept;
    void set_deadline(connection& client, steady_time when);
    void sweep();

    // The TLS handshake: http_server_handshake.cpp.
    [[nodiscard]] task<bool> shake_hands(connection* client);
    [[nodiscard]] task<bool> take_turn(connection* client);
    void note_handshake_failure(std::string_view reason);

    // One connection: http_server_connection.cpp.
    [[nodiscard]] task<> serve(connection_entry entry);
    [[nodiscard]] task<bool> read_request(connection* client);
    [[nodiscard]] task<bool> admit_head(connection* client);
    void note_progress(connection* client);
    [[nodiscard]] bool hold_body(connection* client);
    [[nodiscard]] task<bool> exchange(connection* client);
    [[nodiscard]] task<http_response> answer(http_request request, bool is_admitted);
    [[nodiscard]] task<bool> write(connection* client,
                                   http_response answered,
                                   bool keep_alive,
                                   bool head_only);
    [[nodiscard]] task<> refuse(connection* client);
    [[nodiscard]] task<> linger(connection* client);

    loop_executor executor_;
    std::string name_;
    const http_routes& routes_;
    http_limits limits_;
    clock& clock_;
    logger& log_;
    std::unique_ptr<wake_timer> sweep_timer_;
    std::vector<std::unique_ptr<listener>> listeners_;
    body_memory bodies_;
    /// In the order of their last complete request; the front is longest without one.
    connection_list connections_;
    task_group group_;
    steady_time next_sweep_ = steady_time::max();
    handshake_turns turns_;
    std::function<void(int)> on_refusal_;
    std::function<void(std::string_view)> on_handshake_failure_;
    error_page error_page_;
    std::string prefix_;
    std::optional<tls_context> tls_;
    gate gate_;
    std::vector<std::pair<std::string, std::string>> fields_;
    bool finishing_ = false;
};

} // namespace kallglot

#endif
