/// One keep-alive connection to the API: TCP, TLS (or plain, to a loopback host) and one GET at a time.
///
/// One coroutine lives as long as the socket and always waits for it to become readable, idle or busy, so that a
/// close or unsolicited bytes are seen at once. Sending is not its business: send() runs inside api_client::get.
/// No timer: the pool's sweep ends what takes too long. Which request goes where is the pool's decision.

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

/// Told of what happens on a connection. Loop only.
class connection_owner {
public:
    /// The connection is open and idle for the first time.
    virtual void on_open(https_connection& connection) = 0;

    /// The exchange is over. The connection is idle() again, or about to end. It may be given the next request
    /// from within.
    virtual void on_exchanged(https_connection& connection, api_answer& answer) = 0;

protected:
    ~connection_owner() = default;
};

using connection_list = std::list<https_connection*>;

/// Loop only. Lifetime: owner, scratch and context outlive it; it outlives its run().
class https_connection {
public:
    /// `tls` empty: plain HTTP. `tunnel` empty: no proxy; else the `host:port` that a proxy is asked for.
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
    /// Errors: why it could not be opened: those of connector, proxy_refused, handshake_timeout, tls_failed, certificate_rejected,
    ///         or what end() was given. None once on_open was called.
    /// Cancel: through end().
    [[nodiscard]] task<error_code> run(std::vector<tcp_endpoint> addresses);

    /// Sends one request at once. Precondition: idle(). A failure is answered later, from run().
    ///
    /// A kernel that does not take the few hundred bytes at once has a peer that does not read, so that a partial
    /// write ends the connection.
    void send(const get_request& request, std::string_view text, steady_time now);

    /// Ends it as soon as the loop gets to it; an exchange is answered with `reason`. The first reason counts.
    void end(errc reason) noexcept;

    /// end() with the timeout error of what it is doing now.
    void end_overdue() noexcept;

    /// No exchange after the one under way; at once if there is none.
    void retire() noexcept;

    /// Whether it has carried nothing yet.
    [[nodiscard]] bool is_new() const noexcept { return exchanges_ == 0; }

    /// Reads what has come in while idle, and tells whether the connection can take a request now.
    [[nodiscard]] bool ready();

    [[nodiscard]] bool idle() const noexcept { return state_ == state::idle && !ended_; }

    /// When the present state began: opening, idle or busy.
    [[nodiscard]] steady_time since() const noexcept { return since_; }

    /// How long it may stay idle, by the server's word; nothing if it did not say.
    [[nodiscard]] std::optional<seconds> idle_limit() const noexcept { return idle_limit_; }

    /// Why it ended, for a log line; static text.
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }

    /// The exception that ended it; null: none did.
    [[nodiscard]] const std::exception_ptr& bug() const noexcept { return bug_; }

    [[nodiscard]] const tls_engine* engine() const noexcept { return engine_.get(); }

    [[nodiscard]] const connector& attempts() const noexcept { return connector_; }

    /// Where the pool keeps it; the pool's own.
    connection_list* list = nullptr;
    connection_list::iterator place;

private:
    enum class state : std::uint8_t { connecting, handshaking, idle, busy, closed };

    task<error_code> open(std::vector<tcp_endpoint> addresses);
    task<error_code> ask_proxy();
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
    void say_goodbye() noexcept;
    [[nodiscard]] bool flush(std::string_view bytes) noexcept;

    connection_owner& owner_;
    connection_scratch& scratch_;
    connector connector_;
    tcp_socket socket_;
    std::unique_ptr<tls_engine> engine_;
    std::string tunnel_;
    std::unique_ptr<response_reader> reader_; // while a response is arriving
    std::string backlog_;                     // of a handshake, when the kernel takes only a part
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
