#include "polling/due_work.hpp"

#include "kallglot/polling/alert_crossing.hpp"

#include <algorithm>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// During a shortage a new session waits this long for its first poll.
constexpr steady_duration shortage_delay = 5s;

/// A failed confirm or event poll is retried after this time. It doubles each time, up to the plain interval.
constexpr steady_duration first_retry_delay = 500ms;

constexpr std::uint8_t bit(pending_work::kind kind) noexcept {
    return static_cast<std::uint8_t>(kind);
}

steady_time retry_time(const session_record& record, steady_duration interval) noexcept {
    // Bounded, so that the shift stays within its type; the interval bounds the result long before.
    // Called for failing sessions only, so `failures` is at least 1.
    const unsigned doublings = std::min<unsigned>(record.failures, 10U) - 1U;
    return record.last_sent + std::min(interval, first_retry_delay * (1U << doublings));
}

/// Keeps the better of two candidates: the more urgent one if both are due or come at the same time, else the earlier.
void consider(pending_work& best, const pending_work& other, steady_time now) noexcept {
    // A candidate without a time does not exist.
    if (other.at == no_time) {
        return;
    }
    // A due candidate beats one that is not; among due ones the kind decides, in the order of its enumerators.
    const bool best_due = best.what != pending_work::kind::nothing && best.at <= now;
    const bool other_due = other.at <= now;
    const bool together = other_due == best_due && (other_due || other.at == best.at);
    const bool better = together                ? bit(other.what) < bit(best.what)
                        : other_due == best_due ? other.at < best.at
                                                : other_due;
    if (best.what == pending_work::kind::nothing || better) {
        best = other;
    }
}

/// The confirm of a crossing; after a failure not before `retry`.
void consider_confirm(pending_work& best,
                      const threshold_crossing& crossing,
                      bool alert,
                      steady_time retry,
                      steady_time now) noexcept {
    if (crossing.at == no_time) {
        return;
    }
    const steady_time at = retry == no_time ? crossing.at : std::max(retry, crossing.at);
    consider(best, {pending_work::kind::confirm, at, crossing.not_started, alert}, now);
}

/// The next poll after `last`: one interval later, or up to a quarter of it earlier, towards the session's own phase.
/// So sessions that were polled together, for example after an import, spread within a few intervals and stay spread.
steady_time next_routine(steady_time last, steady_duration interval, double phase) noexcept {
    using std::chrono::nanoseconds;
    const steady_time latest = last + interval;
    // Failing sessions and shortages: no shift, the interval alone decides.
    if (phase < 0) {
        return latest;
    }
    // The phase as a distance from the multiples of the interval.
    const auto own = std::chrono::duration_cast<nanoseconds>(interval * phase);
    const steady_duration beyond = (latest.time_since_epoch() - own) % interval;
    // Rounding can put it just before its phase; that counts as on it.
    return beyond > interval - milliseconds(2) ? latest : latest - std::min(beyond, interval / 4);
}

/// Time of the first poll of a session.
steady_time first_poll_time(const session_record& record,
                            const poll_policy& policy,
                            const demand_state& demand) noexcept {
    // One request for each session must be enough: it decides when the threshold is crossed, and no earlier.
    const steady_duration deciding = deciding_age(policy.thresholds);
    if (demand.degree >= scarcity::hard && deciding != steady_duration::max()) {
        return record.since + deciding;
    }
    // A webhook is expected to report the start. A poll helps only if none does before the first threshold of a waiting
    // session.
    const auto& ages = policy.thresholds;
    auto first = steady_duration::max();
    for (const auto* const list : {&ages.created, &ages.connecting, &ages.not_started}) {
        first = list->empty() ? first : std::min<steady_duration>(first, list->front());
    }
    if (policy.webhooks_flow && first != steady_duration::max()) {
        return record.since + first;
    }
    // In a shortage confirms must go first: a few seconds cost a new session little.
    return demand.degree != scarcity::plenty ? record.since + shortage_delay : record.since;
}

} // namespace

bool is_new(const session_record& record, const poll_policy& policy) noexcept {
    // A webhook that reports `created` counts as knowledge only while webhooks are reliable: it would also report the
    // start.
    const bool waits = record.status == session_status::unknown
                       || (record.status == session_status::created
                           && !(policy.webhooks_flow && record.by_webhook));
    return waits && !record.was_observed() && record.not_found_since == no_time;
}

steady_time last_poll(const session_record& record) noexcept {
    // Of the sending and not of the answer: a slow API must not stretch intervals.
    return record.last_sent != no_time ? record.last_sent : record.since;
}

pending_work due_work(const session_record& record,
                      const poll_policy& policy,
                      const demand_state& demand,
                      steady_time now) noexcept {
    using kind = pending_work::kind;
    // One GET at a time for each session; its answer brings the next decision.
    if (record.in_flight || record.forgotten) {
        return {};
    }
    pending_work best;
    const steady_duration plain = plain_interval(policy, record);
    const bool failing = record.failures != 0 && record.last_sent != no_time;
    // Without a failure there is nothing to retry, and no_time never wins.
    const steady_time retry = failing ? retry_time(record, plain) : no_time;

    // An event asks for a poll at once, after a failure with the delay of a retry.
    if (record.touched) {
        consider(best, {kind::event, failing ? retry : now}, now);
    }
    // No more polls: only the end of the retention is left, besides a final poll.
    if (record.status == session_status::ended) {
        // The retention runs from the last sign of the session, so that a late poll does not shorten it.
        const steady_time seen = std::max(record.observed, record.since);
        consider(best, {kind::expiry, seen + policy.poll.ended_retention}, now);
        return best;
    }
    // A new session: polled at once if it was registered alone, spread over an interval if in bulk.
    // When requests are hard to get, both wait for the poll that decides.
    const bool first = is_new(record, policy);
    const bool hard = demand.degree >= scarcity::hard;
    if (first && record.bulk && record.last_sent == no_time && !hard) {
        consider(best, {kind::routine, record.since + demand.spread}, now);
        return best;
    }
    // Its first poll is an event: until then nothing is known that could be confirmed.
    if (first && (!record.bulk || hard)) {
        consider(best,
                 {kind::event, failing ? retry : first_poll_time(record, policy, demand)},
                 now);
        return best;
    }
    // A session that answers 404 confirms nothing, so its crossings wait for its return.
    if (record.not_found_since == no_time) {
        // A confirming poll is due at the moment of the crossing: earlier it would confirm nothing.
        // If both are due, the first one stays: a confirm that an alert waits for.
        if (hard) {
            consider_confirm(best, next_alert_crossing(policy, record), true, retry, now);
        }
        consider_confirm(best, next_crossing(policy, record), false, retry, now);
    }
    // While webhooks report the status, the routine poll is an audit at a long interval.
    const bool audit = policy.webhooks_flow && record.by_webhook;
    const steady_time last = last_poll(record);
    const steady_duration interval =
        effective_interval(policy, record, last, demand.degree != scarcity::plenty);
    // A failing session is not polled earlier than its retries.
    const double phase = failing ? -1 : demand.phase;
    consider(best, {audit ? kind::audit : kind::routine, next_routine(last, interval, phase)}, now);
    return best;
}

} // namespace kallglot
