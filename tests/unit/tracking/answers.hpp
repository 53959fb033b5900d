/// Answers of the API as the tracker gets them: a snapshot and the moments of its exchange.

#ifndef KALLGLOT_TESTS_UNIT_TRACKING_ANSWERS_HPP
#define KALLGLOT_TESTS_UNIT_TRACKING_ANSWERS_HPP

#include "kallglot/tracking/session_tracker.hpp"
#include "unit/tracking/property.hpp"

namespace kallglot::test {

/// What the API's clock shows at t0.
inline constexpr api_time api_t0{1'776'160'000'000ms};

/// The API's time at a moment of ours.
[[nodiscard]] constexpr api_time api_at(steady_time at) noexcept {
    return api_t0 + std::chrono::floor<milliseconds>(at - t0);
}

/// An exchange that was sent at `sent` and answered `latency` later, with an exact `Date`.
[[nodiscard]] inline exchange_times polled(steady_time sent, steady_duration latency = 100ms) {
    return {sent, sent + latency, api_at(sent + latency)};
}

[[nodiscard]] inline session_snapshot snapshot(session_status status) {
    session_snapshot said;
    said.status = status;
    said.mode = session_mode::ai_agent;
    said.provider = session_provider::sip;
    return said;
}

/// A record as the intake makes it.
[[nodiscard]] inline session_record registered(steady_time at) {
    session_record record;
    record.since = at;
    return record;
}

/// A record that was observed in `status`, which it has had since `since`.
[[nodiscard]] inline session_record observed(session_status status,
                                             steady_time since,
                                             steady_time at) {
    session_record record = registered(since);
    record.status = status;
    record.since_slack_ms = 0;
    record.observed = at;
    record.last_sent = at;
    return record;
}

} // namespace kallglot::test

#endif
