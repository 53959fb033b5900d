// What HTTP/1.1 and HTTP/2 have in common: a session takes bytes and gives bytes; the connection has the socket.

#ifndef KALLGLOT_SIMULATOR_SERVER_SESSION_HPP
#define KALLGLOT_SIMULATOR_SERVER_SESSION_HPP

#include "simulator/api_state.hpp"
#include "simulator/http_answer.hpp"
#include "simulator/http_request.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// An endless answer: so many bytes at once, until the client has read them, up to the maximum.
inline constexpr std::size_t flood_at_once = 64 * std::size_t{4096};
inline constexpr std::uint64_t max_flooded_bytes = std::uint64_t{1} << 30U;
inline constexpr std::chrono::milliseconds flood_pause{1};
inline constexpr std::chrono::seconds drip_pause{1};

/// Where a request came from.
struct request_origin {
    bool from_this_machine{false};
    bool http2{false};
    std::uint64_t position{1}; // in its connection, from 1
};

/// The functions of the server that a session uses.
class request_host {
public:
    struct verdict {
        std::chrono::milliseconds delay{0};
        bool counted{false}; // in flight until `request_stats::request_over`
    };

    /// Fills the answer to `request`.
    virtual verdict answer(const http_request& request,
                           const request_origin& origin,
                           http_answer& out) = 0;

    /// Counters and switches.
    virtual api_state& state() = 0;

    /// An empty answer that a session may use until it returns.
    virtual http_answer& blank_answer() = 0;

protected:
    ~request_host() = default;
};

/// What the connection has to do after the bytes of a session were sent.
enum class session_end : std::uint8_t {
    open,  // nothing
    leave, // close in order
    cut,   // close at once, without close_notify
};

/// One client's session, without a socket. Loop only.
///
/// Lifetime:   the host must outlive it
class server_session {
public:
    using moment = std::chrono::steady_clock::time_point;

    server_session() = default;
    virtual ~server_session() = default;
    server_session(const server_session&) = delete;
    server_session& operator=(const server_session&) = delete;

    /// Takes bytes of the client. Appends bytes for the client to `out`.
    virtual void receive(std::string_view plain, moment now, std::string& out) = 0;

    /// Continues what is due. Called at the start, at `next_due`, and after a change of the switches; never while bytes of
    /// earlier calls wait for the socket, so that a flood uses no memory.
    virtual void resume(moment now, std::string& out) = 0;

    /// The time of the next `resume`, if any.
    [[nodiscard]] virtual std::optional<moment> next_due() const = 0;

    [[nodiscard]] virtual session_end end() const = 0;
};

} // namespace kallglot::simulator

#endif
