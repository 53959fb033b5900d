#include "kallglot/tracking/poll_policy.hpp"

#include <algorithm>

namespace kallglot {

namespace {

/// The first threshold of `ages` whose crossing lies after the last observation.
steady_time first_unsettled(const threshold_settings::list& ages,
                            steady_time begin,
                            const session_record& record) noexcept {
    // Without a known beginning there is no age, and no threshold can be crossed.
    if (begin == no_time) {
        return no_time;
    }
    // Ages are in ascending order, so the first one that no observation has confirmed is the next to cross.
    const auto unsettled = std::find_if(ages.begin(), ages.end(), [&](milliseconds age) {
        return !record.was_observed() || record.observed - begin < age;
    });
    return unsettled == ages.end() ? no_time : begin + *unsettled;
}

} // namespace

const threshold_settings::list& thresholds_of(const threshold_settings& thresholds,
                                              session_status status) noexcept {
    // One empty list for all statuses without thresholds, so that the result can be a reference.
    static const threshold_settings::list none;
    const auto list = rules_of(status).thresholds;
    return list == nullptr ? none : thresholds.*list;
}

steady_duration plain_interval(const poll_intervals& intervals, poll_kind kind) noexcept {
    if (kind == poll_kind::never_observed) {
        return intervals.created;
    }
    // Kinds are the statuses, after the one for sessions that no poll has seen.
    const auto interval = session_status_rules[static_cast<std::size_t>(kind) - 1].interval;
    return interval == nullptr ? intervals.unknown : intervals.*interval;
}

steady_duration plain_interval(const poll_policy& policy, const session_record& record) noexcept {
    const poll_intervals& intervals = policy.poll.intervals;
    // Both conditions: webhooks are reliable in general, and have reported this session. Otherwise a session that
    // webhooks do not cover would be polled every 30 minutes only.
    return policy.webhooks_flow && record.by_webhook ? steady_duration(intervals.audit)
                                                     : plain_interval(intervals, kind_of(record));
}

steady_duration effective_interval(const poll_policy& policy,
                                   const session_record& record,
                                   steady_time last,
                                   bool shortage) noexcept {
    const steady_duration plain = plain_interval(policy, record);
    // With enough requests every session keeps its plain interval.
    if (!shortage || record.since == no_time) {
        return plain;
    }
    // A ninth of the age at one poll is a tenth of the age at the next. The present age is no basis: the interval would
    // grow while its poll waits, and the poll would never be overdue.
    return std::max(plain, (last - record.since) / 9);
}

threshold_crossing next_crossing(const poll_policy& policy, const session_record& record) noexcept {
    // Without any report, the first poll decides. The status may also be known from a webhook or a restart.
    if (never_observed(record)) {
        return {};
    }
    threshold_crossing next{
        first_unsettled(thresholds_of(policy.thresholds, record.status), record.since, record),
        false};
    if (not_started(record)) {
        const steady_time other =
            first_unsettled(policy.thresholds.not_started, record.created, record);
        // At the same moment, `not_started` is the more urgent of the two.
        if (other != no_time && (next.at == no_time || other <= next.at)) {
            next = {other, true};
        }
    }
    return next;
}

bool is_stuck(const threshold_settings& thresholds, const session_record& record) noexcept {
    // The age since the creation, over both statuses that wait. A session may pass each threshold of its own status
    // and still be late.
    if (not_started(record) && !thresholds.not_started.empty()
        && confirmed_over(record, record.created, thresholds.not_started.front())) {
        return true;
    }
    // Long calls are normal, so `active` is left out: its thresholds serve other alerts.
    const auto& own = thresholds_of(thresholds, record.status);
    return record.status != session_status::active && !own.empty()
           && confirmed_over(record, record.since, own.front());
}

} // namespace kallglot
