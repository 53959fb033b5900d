/// One keep-alive connection to the API: TCP, TLS (or plain, to a loopback host) and one GET at a time.
///
/// One coroutine lives as long as the socket and always waits for it to become readable, idle or busy. So a close or
/// unsolicited bytes are noticed at once. send() does not use the coroutine: it runs inside api_client::get. There is
/// no timer here: the pool's sweep ends overdue connections. The pool decides which request uses which connection.

#ifndef KALLGLOT_NET_CLIENT_HTTPS_CONNECTION_HPP
#define KALLGLOT_NET_CLIENT_HTTPS_CONNECTION_HPP

#include "kallglot/ports/api_client.hpp"
#include "net/client/connection_scratch.hpp"
#include "net/client/connector.hpp"
#include "net/sockets.hpp"
#include "net/tls/tls_engine.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

class https_connection;

/// Receives the events of a connection. Implemented by the pool. Loop only.
class connection_owner {
public:
    /// The connection is open and idle for the first time.
    virtual void on_open(https_connection& connection) = 0;

    /// The exchange is complete. The connection is idle() again, or about to end. The owner may send the next request
    /// from inside this call.
    virtual void on_exchanged(https_connection& connection, api_answer& answer) = 0;

protected:
    ~connection_owner() = default;
};

using connection_list = std::list<https_connection*>;

/// Loop only. Lifetime: owner, scratch and context outlive it; it outlives its run().
class https_connection {
public:
    /// `tls` empty: plain HTTP. `tunnel` empty: no proxy; otherwise the `host:port` for the proxy's CONNECT.
    https_connection(loop_executor executor,
                     connection_owner& owner,
                     connection_scratch& scratch,
                     const std::optional<tls_context>& tls,
                     std::string tunnel,
                     std::size_t body_limit_bytes);
    https_connection(const https_connection&) = delete;
    https_connection& operator=(const https_connection&) = delete;

    /// Opens the connection and serves it until it ends. Every exchange is answered before this returns.
    ///
    /// Errors: why it did not open: the errors of connector, proxy_refused, handshake_timeout, tls_failed,
    ///         certificate_rejected, or the reason passed to end(). None once on_open was called.
    /// Cancel: through end().
    [[nodiscard]] task<error_code> run(std::vector<tcp_endpoint> addresses);

    /// Sends one request at once. Precondition: idle(). run() answers a failure later.
    ///
    /// A partial write ends the connection: if the kernel does not take a few hundred bytes, the peer does not read.
    void send(const get_request& request, std::string_view text, steady_time now);

    /// Ends the connection in a later turn of the loop; an exchange in flight is answered with `reason`. The first
    /// reason counts.
    void end(errc reason) noexcept;

    /// end() with the timeout error of the present state.
    void end_overdue() noexcept;

    /// Ends the connection after the exchange in flight; at once if there is none.
    void retire() noexcept;

    /// Whether it has completed no exchange yet.
    [[nodiscard]] bool is_new() const noexcept { return exchanges_ == 0; }

    /// Reads what arrived while idle, and returns whether the connection can take a request now.
    [[nodiscard]] bool ready();

    [[nodiscard]] bool idle() const noexcept { return state_ == state::idle && !ended_; }

    /// When the present state began: opening, idle or busy.
    [[nodiscard]] steady_time since() const noexcept { return since_; }

    /// The server's timeout for an idle connection; nothing if it sent none.
    [[nodiscard]] std::optional<seconds> idle_limit() const noexcept { return idle_limit_; }

    /// The cause of a failure, for a log line; static text.
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }

    /// The exception that ended the connection; null if none did.
    [[nodiscard]] const std::exception_ptr& bug() const noexcept { return bug_; }

    [[nodiscard]] const tls_engine* engine() const noexcept { return engine_.get(); }

    [[nodiscard]] const connector& attempts() const noexcept { return connector_; }

    /// Its list and position in the pool. Only the pool uses them.
    connection_list* list = nullptr;
    connection_list::iterator position;

private:
    enum class state : std::uint8_t {
        connecting,  ///< TCP connect, and CONNECT to a proxy
        handshaking, ///< the TLS handshake
        idle,        ///< open, without a request
        busy,        ///< a request was sent, its response is incomplete
        closed       ///< failed to open, or ended
    };

    task<error_code> open(std::vector<tcp_endpoint> addresses);
    task<error_code> open_tunnel();
    task<error_code> shake_hands();
    task<error_code> write_all();
    template <class Step>
    void guard(Step step) noexcept;
    void receive();
    void decrypt(std::span<const char> input);
    void take_plaintext(std::span<char> bytes);
    void peer_left(bool reset) noexcept;
    void finish_exchange();
    void fail_exchange();
    void close() noexcept;
    [[nodiscard]] bool flush(std::string_view bytes) noexcept;

    connection_owner& owner_;
    connection_scratch& scratch_;
    connector connector_;
    tcp_socket socket_;
    std::unique_ptr<tls_engine> engine_;
    std::string tunnel_;
    std::unique_ptr<response_reader> reader_; // while a response arrives
    std::string backlog_; // bytes of the opening that the kernel has not taken yet
    std::string_view detail_;
    std::optional<get_request> request_;
    std::optional<seconds> idle_limit_;
    steady_time since_ = no_time;
    steady_time sent_ = no_time;
    std::size_t body_limit_;
    std::size_t exchanges_ = 0;
    std::optional<errc> ended_;
    std::exception_ptr bug_;
    state state_ = state::connecting;
    bool retiring_ = false;
    bool complete_ = false; // the reader has a whole response
    bool drained_ = false;  // the socket was read empty in this turn
};

} // namespace kallglot

#endif
