#include "net/client/http2_liveness.hpp"

#include <chrono>

namespace kallglot {

namespace {

// Together half of the default request_timeout, so that a request of a dead connection can still be sent again in time.
constexpr steady_duration ask_after = std::chrono::seconds(2);
constexpr steady_duration dead_after = std::chrono::seconds(3);

// Servers count PINGs without other frames as an attack.
constexpr unsigned max_pings = 2;

} // namespace

// Whether a PING was sent into this silence.
bool http2_liveness::is_asked(steady_time silent_since) const noexcept {
    return answers_pings_ && pending_ && asked_at_ >= silent_since;
}

http2_liveness::step http2_liveness::look(steady_time now,
                                          steady_time silent_since) const noexcept {
    if (is_asked(silent_since)) {
        return now >= asked_at_ + dead_after ? step::dead : step::wait;
    }
    const bool may_ask = answers_pings_ && pings_ < max_pings;
    return may_ask && now >= silent_since + ask_after ? step::ping : step::wait;
}

steady_time http2_liveness::next_look(steady_time now, steady_time silent_since) const noexcept {
    const steady_time due =
        is_asked(silent_since) ? asked_at_ + dead_after : silent_since + ask_after;
    return due > now ? due : now + ask_after;
}

void http2_liveness::note_ping(steady_time now) noexcept {
    asked_at_ = now;
    pending_ = true;
    ++pings_;
}

void http2_liveness::note_ping_answered() noexcept {
    pending_ = false;
    answers_pings_ = true;
}

} // namespace kallglot
