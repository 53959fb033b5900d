/// A small HTTP/1.1 server for the private listener and for the webhooks: bounded, patient with nobody.
///
/// One coroutine a connection; one sweep for all deadlines instead of a timer each; at the cap the connection that is
/// longest without a complete request makes room for the new one, so that idle and slow clients cannot lock out a
/// scrape. It does not know what it serves (http_server_routes.hpp) nor how requests look (http_server_parser.hpp).
/// TLS comes between `http_stream` and the socket.

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
#include "net/sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only.
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

    /// Told of the status of each request that no handler sees, because it is none or too much: 400, 408, 413, 431
    /// and the like. Precondition: before listen().
    void on_refusal(std::function<void(int status)> told) { on_refusal_ = std::move(told); }

    /// Connections that are accepted from now on speak TLS with this certificate, or none; those there are go on as
    /// they are.
    void use_tls(std::optional<tls_context> identity) { tls_ = std::move(identity); }

    /// Limits of connections that are accepted from now on; that of their number holds at once.
    void use_limits(const http_limits& limits) { limits_ = limits; }

    /// Fields that every answer carries unless it has them itself.
    void use_fields(std::vector<std::pair<std::string, std::string>> fields) {
        fields_ = std::move(fields);
    }

    /// Asked once about each request, those to paths without a route too, and before a large body is read: an answer here
    /// is all that the client gets.
    /// Lifetime: of the request for the call. Precondition: before listen().
    using gate = std::function<task<std::optional<http_response>>(const http_request*)>;

    void use_gate(gate asked) { gate_ = std::move(asked); }

    /// Binds and begins to accept. May be called for several addresses; an empty host is all addresses, IPv6 and IPv4.
    ///
    /// Errors: what the system says (address in use, permission), or name_not_resolved; nothing was opened then.
    /// Cost:   a host name is resolved while the caller waits; use it at start only.
    [[nodiscard]] error_code listen(const listen_address& address);

    /// Begins to accept on a listening socket that somebody else has bound, and owns it from now on.
    ///
    /// Errors: invalid_argument if it is no listening TCP socket; it is still open then.
    [[nodiscard]] error_code adopt(int descriptor);

    /// The addresses that listen, as `127.0.0.1:10455`, in the order of listen(); port 0 is replaced by the real one.
    [[nodiscard]] std::vector<std::string> addresses() const;

    /// The port of the first address; 0 before listen().
    [[nodiscard]] std::uint16_t port() const;

    [[nodiscard]] std::size_t connections() const noexcept;

    /// First stage of stopping: no new connection; requests that have arrived are answered, the rest is closed.
    void finish();

    /// Second stage: everything ends now.
    void cut();

    /// Ends when the last connection has. Needs finish() or cut() before.
    ///
    /// Cancel: terminal; the connections go on.
    [[nodiscard]] task<> join();

private:
    struct listener;
    struct connection;
    class connection_entry;
    using connection_list = std::list<connection>;

    // Listeners and deadlines: http_server.cpp.
    void begin(std::unique_ptr<listener> fresh);
    [[nodiscard]] task<> accept(listener* from);
    void admit(tcp_socket peer);
    void admit_waiting(tcp_acceptor& acceptor);
    void make_room();
    void set_deadline(connection& client, steady_time when);
    void sweep();
    static void on_sweep(void* self);

    // One connection: http_server_connection.cpp.
    [[nodiscard]] task<> serve(connection_entry entry);
    [[nodiscard]] task<bool> read_request(connection* client);
    [[nodiscard]] task<bool> admit_head(connection* client);
    void note_progress(connection* client);
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
    /// In the order of their last complete request; the front is longest without one.
    connection_list connections_;
    task_group group_;
    steady_time next_sweep_ = steady_time::max();
    std::function<void(int)> on_refusal_;
    std::optional<tls_context> tls_;
    gate gate_;
    std::vector<std::pair<std::string, std::string>> fields_;
    bool finishing_ = false;
};

} // namespace kallglot

#endif
