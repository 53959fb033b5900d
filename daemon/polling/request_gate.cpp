#include "kallglot/polling/request_gate.hpp"

#include <algorithm>

namespace kallglot {

namespace {
/// A ramp never starts below this, or a daemon with two sessions would take minutes to come back.
constexpr double least_ramp_rate = 1.0;

/// The rate changes with time alone, as a window ends or a ramp rises: a slow pace is not slept through.
constexpr steady_duration longest_wait = std::chrono::milliseconds(500);
} // namespace

std::variant<request_permit, steady_time> request_gate::permit(steady_time now) noexcept {
    const steady_time healthy = health_.next_request(now);
    if (healthy > now) {
        return healthy;
    }
    const double allowed = rate(now);
    if (allowed <= 0) {
        return now + longest_wait;
    }
    if (const steady_time paced = budget_.next_request(allowed); paced > now) {
        return std::min(paced, now + longest_wait);
    }
    budget_.on_sent(now, allowed);
    health_.on_sent(now);
    return request_permit{};
}

double request_gate::rate(steady_time now) const noexcept {
    if (health_.paused_until(now) != no_time) {
        return 0;
    }
    const double allowed = budget_.allowed(now);
    const double ramp = health_.ramp(now);
    if (ramp >= 1) {
        return allowed;
    }
    return std::min(allowed, std::max(ramp * std::min(allowed, demand_), least_ramp_rate));
}

} // namespace kallglot
