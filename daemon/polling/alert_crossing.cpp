#include "kallglot/polling/alert_crossing.hpp"

#include <algorithm>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// The ages of the shipped alerts SessionsStuckConnecting, SessionsStuckEnding and SessionsNotStarted.
constexpr milliseconds connecting_alert_age = 30s;
constexpr milliseconds ending_alert_age = 60s;
constexpr milliseconds not_started_alert_age = 60s;

/// Crossings of one session that are so close are settled by one poll.
constexpr steady_duration settled_together = 2s;

/// Timestamps of the API are whole seconds: an age may be a second longer than they say.
constexpr steady_duration timestamp_rounding = 1s;

/// The configured age that the alert uses: its own, or the next larger one. Null: there is none.
const milliseconds* configured_age(const threshold_settings::list& ages,
                                   milliseconds alert_age) noexcept {
    // The ages ascend; the configuration rejects any other order.
    const auto found = std::lower_bound(ages.begin(), ages.end(), alert_age);
    return found == ages.end() ? nullptr : &*found;
}

/// The crossing of `age`, unless an observation has settled it; then no_time.
steady_time unsettled(steady_time begin, const milliseconds* age, const session_record& record) {
    // Settled: a poll has seen the session past the age, so a further one would confirm nothing new.
    const bool none = age == nullptr || begin == no_time;
    return none || (record.was_observed() && record.observed - begin >= *age) ? no_time
                                                                              : begin + *age;
}

/// The earlier of two crossings, or the later one if one poll can settle both.
threshold_crossing first_of(const threshold_crossing& one, const threshold_crossing& other) {
    if (one.at == no_time || other.at == no_time) {
        return one.at == no_time ? other : one;
    }
    const threshold_crossing& first = one.at <= other.at ? one : other;
    const threshold_crossing& second = one.at <= other.at ? other : one;
    // At the later crossing both are past, so one request serves both alerts.
    return second.at - first.at > settled_together ? first : second;
}

} // namespace

threshold_crossing next_alert_crossing(const poll_policy& policy,
                                       const session_record& record) noexcept {
    // Without any report, the first poll decides.
    if (never_observed(record)) {
        return {};
    }
    const threshold_settings& thresholds = policy.thresholds;
    threshold_crossing next;
    if (record.status == session_status::connecting) {
        const auto* const age = configured_age(thresholds.connecting, connecting_alert_age);
        next = {unsettled(record.since, age, record), false};
    } else if (record.status == session_status::ending) {
        const auto* const age = configured_age(thresholds.ending, ending_alert_age);
        next = {unsettled(record.since, age, record), false};
    }
    if (not_started(record)) {
        const auto& ages = thresholds.not_started;
        const auto* const age = configured_age(ages, not_started_alert_age);
        // The first age too, although no shipped alert uses it: it is where a new session is decided (deciding_age).
        const auto* const first = ages.empty() ? nullptr : &ages.front();
        next = first_of(next, {unsettled(record.created, first, record), true});
        next = first_of(next, {unsettled(record.created, age, record), true});
    }
    return next.at == no_time ? threshold_crossing{} : next;
}

steady_duration deciding_age(const threshold_settings& thresholds) noexcept {
    for (const auto* const list :
         {&thresholds.not_started, &thresholds.connecting, &thresholds.created}) {
        if (!list->empty()) {
            return list->front() + timestamp_rounding;
        }
    }
    return steady_duration::max();
}

} // namespace kallglot
