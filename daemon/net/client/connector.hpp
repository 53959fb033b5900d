/// Connects to the first of several addresses that answers (RFC 8305, "happy eyeballs").
///
/// Asio's async_connect waits for an address that drops packets until the system's timeout of minutes. Here a second
/// attempt starts after 250 ms beside the first, and the first connection wins. No TLS here.

#ifndef KALLGLOT_NET_CLIENT_CONNECTOR_HPP
#define KALLGLOT_NET_CLIENT_CONNECTOR_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "net/sockets.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace kallglot {

/// One connect; used once. Loop only. Lifetime: outlives its connect().
class connector {
public:
    connector(loop_executor executor, milliseconds head_start);

    /// Ends without error when one address is connected; take() then returns the socket.
    ///
    /// Errors: connect_refused, network_unreachable, connect_failed, no_descriptors if every attempt failed (their
    ///         common cause, or connect_failed if the causes differ); cancelled after cancel().
    /// Cancel: only through cancel(), at once. No attempt stays open.
    [[nodiscard]] task<error_code> connect(std::vector<tcp_endpoint> addresses);

    void cancel() noexcept;

    /// The connected socket: non-blocking, without Nagle's delay.
    [[nodiscard]] tcp_socket take();

    [[nodiscard]] bool connected() const noexcept;

    /// The address of the connection. Precondition: connected().
    [[nodiscard]] tcp_endpoint peer() const;

    /// Addresses that refused or failed, or that a later attempt overtook.
    [[nodiscard]] std::vector<tcp_endpoint> losers() const;

    /// The system's error of the last failed attempt.
    [[nodiscard]] const error_code& last_error() const noexcept { return last_error_; }

private:
    struct attempt {
        attempt(loop_executor executor, const tcp_endpoint& to) : socket(executor), address(to) {}

        tcp_socket socket;
        tcp_endpoint address;
    };

    void start(const tcp_endpoint& address);
    void ended(std::size_t index, const error_code& error) noexcept;
    void failed(const error_code& error) noexcept;

    loop_executor executor_;
    milliseconds head_start_;
    steady_timer wake_;
    std::deque<attempt> attempts_; // a deque: elements stay in place while it grows
    std::optional<std::size_t> winner_;
    std::optional<errc> common_cause_; // of the failed attempts so far
    error_code last_error_;
    std::size_t pending_ = 0;
    bool start_next_ = true;
    bool cancelled_ = false;
};

} // namespace kallglot

#endif
