#include "kallglot/tracking/session_tracker.hpp"

#include "tracking/status_bounds.hpp"

#include <algorithm>
#include <limits>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// The earliest moment of a timestamp whose latest is known: the answer may have been on its way since the
/// moment it was asked for.
steady_time earlier_bound(steady_time latest, const exchange_times& times) noexcept {
    return latest - timestamp_slack - (times.received - times.sent);
}

/// The time between two timestamps; none if one is missing, they run backwards, or it is too long to be believed.
std::optional<milliseconds> believable_length(std::optional<api_time> begin,
                                              std::optional<api_time> end) noexcept {
    if (!begin || !end || *end < *begin || *end - *begin > longest_believed) {
        return std::nullopt;
    }
    return *end - *begin;
}

bool is_backwards(session_status from, session_status to) noexcept {
    return from != session_status::unknown && to != session_status::unknown && to < from;
}

template <class Counter>
void increment_saturating(Counter& counter) noexcept {
    if (counter != std::numeric_limits<Counter>::max()) {
        ++counter;
    }
}

moment_bounds status_began(const session_record& record,
                           const session_snapshot& snapshot,
                           const exchange_times& times,
                           bool backwards) noexcept {
    // A step backwards began anew: the timestamps are those of the first time.
    const auto began_at = rules_of(snapshot.status).began_at;
    if (began_at != nullptr && snapshot.*began_at && !backwards) {
        if (const auto latest = later_bound(*(snapshot.*began_at), times)) {
            return {earlier_bound(*latest, times), *latest};
        }
    }
    // Otherwise between the last poll that saw the earlier status and this receipt; for a session that
    // was never seen before, not earlier than its creation.
    if (record.was_observed()) {
        return {record.observed, times.received};
    }
    const bool dated = record.created != no_time;
    return {dated ? earlier_bound(record.created, times) : no_time, times.received};
}

/// When the stay in the present status ended, if `next` was seen then. A call whose start nobody saw
/// waited until it started, and not until it ended.
moment_bounds stay_ended(const session_record& record,
                         const session_snapshot& next,
                         const moment_bounds& began,
                         const exchange_times& times) noexcept {
    const bool waited =
        record.status == session_status::created || record.status == session_status::connecting;
    const auto started = next.started_at ? later_bound(*next.started_at, times) : std::nullopt;
    if (waited && next.status > session_status::active && started && *started >= record.since) {
        return {earlier_bound(*started, times), *started};
    }
    return began;
}

/// Webhooks tell of every status but these; the next one that they tell ends these too.
bool is_between_webhooks(session_status status) noexcept {
    return status == session_status::connecting || status == session_status::ending;
}

/// The poll answers what asked for it, unless the event came after the GET had left.
/// True if it was the last one of a session that a webhook had ended: nothing that the webhook told is open any more.
bool settle_touch(session_record& record) noexcept {
    const bool was_last = awaits_final_poll(record) && !record.touched_in_flight;
    record.by_webhook = record.by_webhook && !was_last;
    record.touched = record.touched_in_flight;
    record.touched_in_flight = false;
    return was_last;
}

/// Fields that any answer may fill, and the durations that become known with them.
void take_facts(session_record& record,
                const session_snapshot& snapshot,
                const exchange_times& times,
                tracking& changes) noexcept {
    record.mode = snapshot.mode;
    record.provider = snapshot.provider;
    if (record.created == no_time && snapshot.created_at) {
        record.created = later_bound(*snapshot.created_at, times).value_or(no_time);
    }
    const bool is_or_was_active =
        snapshot.started_at.has_value() || snapshot.status == session_status::active;
    if (record.started == no_time && is_or_was_active) {
        record.started = times.received;
        if (snapshot.started_at) {
            record.started = later_bound(*snapshot.started_at, times).value_or(times.received);
            changes.setup = believable_length(snapshot.created_at, snapshot.started_at);
        }
    }
}

/// What the end of a session tells, once.
void take_end(session_record& record,
              const session_snapshot& snapshot,
              tracking& changes) noexcept {
    record.reason = snapshot.reason;
    // Whatever else had asked for a poll, there is nothing more to learn, and the end counts once.
    record.touched = false;
    changes.ended = true;
    changes.ended_without_start = record.started == no_time;
    if (const auto length = believable_length(snapshot.started_at, snapshot.ended_at)) {
        changes.call_duration = length;
        record.call_duration_ms = static_cast<std::uint32_t>(
            std::min<milliseconds::rep>(length->count(),
                                        std::numeric_limits<std::uint32_t>::max()));
    }
}

} // namespace

tracking observe(session_record& record,
                 const session_snapshot& snapshot,
                 const exchange_times& times) noexcept {
    tracking changes;
    record.failures = 0;
    record.not_found_since = no_time;
    record.not_found_count = 0;
    record.unverified = false;
    const bool older = record.moved_in_flight || times.sent < record.since;
    record.moved_in_flight = false;
    const bool final_poll = settle_touch(record);

    const bool first = never_observed(record);
    const bool backwards = is_backwards(record.status, snapshot.status);
    if (record.status == session_status::ended && snapshot.status != session_status::ended) {
        // The API says less than its webhook; nobody is asked again, so this is all there is to count.
        changes.outdated = true;
        changes.ended = final_poll;
        changes.ended_without_start =
            final_poll && record.started == no_time && !snapshot.started_at;
        return changes;
    }
    // Nor does an answer from before an event say that nothing is known.
    if (older && snapshot.status == session_status::unknown
        && record.status != session_status::unknown) {
        changes.outdated = true;
        return changes;
    }
    // A step back needs a second poll in a row, and none of them older than the present status.
    if (backwards && (older || record.backwards_to == session_status::unknown)) {
        if (!older) {
            record.backwards_to = snapshot.status;
        }
        changes.outdated = true;
        return changes;
    }
    record.backwards_to = session_status::unknown;

    const session_status previous = record.status;
    // It waits again, but has been active since the last look: this stay is not the one that we knew.
    const bool came_back = record.started == no_time && snapshot.started_at.has_value()
                           && previous == snapshot.status
                           && snapshot.status < session_status::active;
    take_facts(record, snapshot, times, changes);
    if (first || previous != snapshot.status) {
        const moment_bounds began = status_began(record, snapshot, times, backwards);
        if (!first) {
            const moment_bounds left = stay_ended(record, snapshot, began, times);
            changes.change =
                status_change{previous, snapshot.status, backwards, dwell_until(record, left)};
        }
        if (snapshot.status == session_status::ended) {
            take_end(record, snapshot, changes);
        }
        record.by_webhook = record.by_webhook && !backwards && is_between_webhooks(snapshot.status);
        enter(record, snapshot.status, began);
    } else if (came_back) {
        enter(record, snapshot.status, {record.observed, times.received});
    } else if (final_poll) {
        take_end(record, snapshot, changes);
    }
    record.observed = std::max(record.observed, times.sent);
    return changes;
}

void observe_not_found(session_record& record, steady_time sent) noexcept {
    if (record.not_found_since == no_time) {
        record.not_found_since = sent;
    }
    increment_saturating(record.not_found_count);
    record.failures = 0;
    settle_touch(record);
    record.moved_in_flight = false;
    record.backwards_to = session_status::unknown;
}

void observe_failure(session_record& record, failure_reason reason) noexcept {
    record.last_failure = reason;
    increment_saturating(record.failures);
    record.touched_in_flight = false;
    record.moved_in_flight = false;
}

} // namespace kallglot
