/// Whether an HTTP/2 connection that says nothing is dead: when a PING asks, and when its absence is the answer.
///
/// A server that TCP still reaches may serve nothing any more, and all requests on its connection would run into their
/// deadlines. Some load balancers never answer a PING, and others take many of them for an attack. So the first PING goes
/// with the first request, and only a server that answers it is asked again: while requests are in flight, after a
/// silence, and at most twice between two frames of responses. Pure: no clock.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_LIVENESS_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_LIVENESS_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>

namespace kallglot {

/// Loop only.
class http2_liveness {
public:
    enum class step : std::uint8_t {
        wait,
        ping, ///< ask now
        dead  ///< it was asked, and stayed silent
    };

    /// What to do while requests are in flight. `silent_since` is when the last byte came or the oldest of them was
    /// sent, whichever is later.
    [[nodiscard]] step look(steady_time now, steady_time silent_since) const noexcept;

    /// When to look again; later than `now`.
    [[nodiscard]] steady_time next_look(steady_time now, steady_time silent_since) const noexcept;

    void note_ping(steady_time now) noexcept;
    void note_ping_answered() noexcept;

    /// A frame of a response has come.
    void note_response() noexcept { pings_ = 0; }

private:
    [[nodiscard]] bool is_asked(steady_time silent_since) const noexcept;

    steady_time asked_at_ = no_time;
    unsigned pings_ = 0; // since the last frame of a response
    bool pending_ = false;
    bool answers_pings_ = false;
};

} // namespace kallglot

#endif
