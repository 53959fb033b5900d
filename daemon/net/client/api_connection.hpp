/// One open connection to the API, as the pool sees it: what a transport implements.
///
/// The pool owns the requests and their deadlines and decides which connection gets which request. A transport sends
/// requests, answers each of them once, and says how many more it can take. HTTP/1.1 (http1_connection) takes one, HTTP/2
/// (http2_connection) a hundred.

#ifndef KALLGLOT_NET_CLIENT_API_CONNECTION_HPP
#define KALLGLOT_NET_CLIENT_API_CONNECTION_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/api_client.hpp"
#include "net/client/exchanges.hpp"
#include "net/client/request_text.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>

namespace kallglot {

/// What an API asks for over HTTP/2, apart from the answers.
struct http2_notice {
    http2_code code = http2_code::no_error;
    bool goaway = true; ///< false: RST_STREAM of one request
    /// Requests that the API took from this connection; nothing if that does not follow from the notice.
    std::optional<std::uint32_t> requests;
};

/// Receives the answers of a connection. Implemented by the pool. Loop only.
class exchange_listener {
public:
    /// The exchange is over, with a response or an error. The connection has room() again, or it is about to end. The
    /// listener may send the next request from inside this call. `answer` is complete but for the slot.
    virtual void on_exchanged(exchange_ref done, api_answer& answer) = 0;

    /// The exchange is over, and the API certainly has not processed the request: it may be sent again.
    virtual void on_unprocessed(exchange_ref done, resend_cause cause) = 0;

    /// room() or ending() of an open connection has changed without an exchange.
    virtual void on_changed(pooled_connection& connection) = 0;

    /// The API asked this connection, or the pool, to do less.
    virtual void on_notice(pooled_connection& connection, const http2_notice& notice) = 0;

protected:
    ~exchange_listener() = default;
};

/// Loop only. Lifetime: the listener outlives it; it outlives its run().
class api_connection {
public:
    virtual ~api_connection() = default;
    api_connection(const api_connection&) = delete;
    api_connection& operator=(const api_connection&) = delete;

    /// Does what the protocol needs before the first request. With an error, the connection is closed.
    /// Errors: the reason passed to end(), or a protocol error of the API.
    /// Cancel: through end().
    [[nodiscard]] virtual task<error_code> prepare() = 0;

    /// Serves the connection until it ends. Every exchange is answered before this returns. Precondition: prepare()
    /// has ended without error.
    /// Cancel: through end().
    [[nodiscard]] virtual task<> run() = 0;

    /// How many requests it takes now; 0 once it is ending().
    [[nodiscard]] virtual std::size_t room() const noexcept = 0;

    /// Whether it takes no further request, now or later.
    [[nodiscard]] virtual bool ending() const noexcept = 0;

    /// How many requests it takes at once when it is unused.
    [[nodiscard]] virtual std::size_t max_room() const noexcept = 0;

    /// Whether it will soon take no further request, so that another one should open in its place.
    [[nodiscard]] virtual bool worn() const noexcept { return false; }

    /// Looks once more before a request is sent. False: the connection must not be used for another one.
    [[nodiscard]] virtual bool ready() = 0;

    /// Sends one request. Precondition: room() > 0. run() answers a failure later. With `hold` the request may stay until
    /// send_held(), so that several leave together.
    virtual void send(exchange_ref next, request_text& text, bool hold) = 0;

    /// Sends the requests that were held.
    virtual void send_held() noexcept {}

    /// Answers an exchange whose deadline has passed with request_timeout, in a later turn of the loop.
    virtual void give_up(exchange_ref overdue) noexcept = 0;

    /// Ends the connection if the server was silent for too long with exchanges in flight. The result is when to check
    /// again; max() if nothing is in flight.
    virtual steady_time check_life(steady_time /*now*/) noexcept { return steady_time::max(); }

    /// Whether it ended because the server was silent while it owed an answer.
    [[nodiscard]] virtual bool was_silent() const noexcept { return false; }

    /// Ends the connection in a later turn of the loop; exchanges in flight are answered with `reason`. The first
    /// reason counts.
    virtual void end(errc reason) noexcept = 0;

    /// Ends the connection after the exchanges in flight; at once if there are none.
    virtual void retire() noexcept = 0;

    /// The cause of a failed prepare(), for a log line; static text.
    [[nodiscard]] virtual std::string_view detail() const noexcept { return {}; }

    /// The server's timeout for an idle connection; nothing if it sent none.
    [[nodiscard]] virtual std::optional<seconds> idle_limit() const noexcept { return {}; }

    /// The exception that ended the connection; null if none did.
    [[nodiscard]] virtual std::exception_ptr bug() const noexcept = 0;

protected:
    api_connection() = default;
};

} // namespace kallglot

#endif
