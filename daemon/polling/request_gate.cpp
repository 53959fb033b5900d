#include "kallglot/polling/request_gate.hpp"

#include <algorithm>

namespace kallglot {

namespace {
/// The lowest rate of a ramp. A tenth of the demand of two sessions would be one request in minutes.
constexpr double min_ramp_rate = 1.0;
} // namespace

std::variant<request_permit, steady_time> request_gate::permit(steady_time now) noexcept {
    // First question: may a request be sent at all, with regard to pauses and probes?
    const steady_time healthy = health_.next_request(now);
    if (healthy > now) {
        return healthy;
    }
    // Second question: does the budget have a request left, and has its time come?
    const double allowed = rate(now);
    // The window is used up, or a pause has begun: ask again soon.
    if (allowed <= 0) {
        return budget_.next_change(now);
    }
    if (const steady_time paced = budget_.next_request(allowed); paced > now) {
        return std::min(paced, budget_.next_change(now));
    }
    // Both count the request now. A permit is used at once, and nothing else can make one.
    budget_.on_sent(now, allowed);
    health_.on_sent(now);
    return request_permit{};
}

double request_gate::rate(steady_time now) const noexcept {
    // For the status page: during a pause nothing is sent.
    if (health_.paused_until(now) != no_time) {
        return 0;
    }
    const double allowed = budget_.allowed(now);
    const double ramp = health_.ramp(now);
    if (ramp >= 1) {
        return allowed;
    }
    // The ramp rises from a tenth of what is needed, not of what is allowed: without a limit the latter is
    // infinite.
    return std::min(allowed, std::max(ramp * std::min(allowed, demand_), min_ramp_rate));
}

void request_gate::report(gauge_sink& gauges, steady_time now, api_time wall_now) const {
    if (const auto up = health_.up()) {
        gauges.set(metric::up, *up ? 1 : 0);
    }
    for (const auto& state : api_state_words) {
        gauges.set(metric::api_state, state.text, state.value == health_.state() ? 1 : 0);
    }
    const steady_time pause = health_.paused_until(now);
    gauges.set(metric::api_paused_until,
               pause == no_time ? 0.0 : unix_seconds(wall_now) + to_seconds(pause - now));
    gauges.set(metric::poll_budget, spendable(now));
    gauges.set(metric::foreign_requests, static_cast<double>(budget_.foreign_requests()));
}

} // namespace kallglot
