#include "kallglot/tracking/session_tracker.hpp"

#include "tracking/status_bounds.hpp"

#include <algorithm>
#include <limits>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// The earliest moment of a timestamp, from its latest: the API may have written the answer at any time since it was
/// asked.
steady_time earlier_bound(steady_time latest, const exchange_times& times) noexcept {
    return latest - timestamp_slack - (times.received - times.made);
}

/// The time between two timestamps; empty if one is missing, they run backwards, or it exceeds max_believed_age.
std::optional<milliseconds> believable_length(std::optional<api_time> begin,
                                              std::optional<api_time> end) noexcept {
    if (!begin || !end || *end < *begin || *end - *begin > max_believed_age) {
        return std::nullopt;
    }
    return *end - *begin;
}

template <class Counter>
void increment_saturating(Counter& counter) noexcept {
    if (counter != std::numeric_limits<Counter>::max()) {
        // A counter of 8 bits that wraps to 0 would look like a first failure.
        ++counter;
    }
}

moment_bounds status_began(const session_record& record,
                           const session_snapshot& snapshot,
                           const exchange_times& times,
                           bool backwards) noexcept {
    // After a step backwards the status began again, but the timestamps are those of the first time.
    // The rules name the timestamp that belongs to the status, if it has one.
    const auto began_at = rules_of(snapshot.status).began_at;
    if (began_at != nullptr && snapshot.*began_at && !backwards) {
        if (const auto latest = later_bound(*(snapshot.*began_at), times)) {
            return {earlier_bound(*latest, times), *latest};
        }
    }
    // Without a timestamp, the status began between the last poll that saw the previous one and this receipt. The
    // first observation of a session has its creation as the earlier bound.
    if (record.was_observed()) {
        return {record.observed, times.received};
    }
    // A session cannot have a status before it was created.
    const bool dated = record.created != no_time;
    return {dated ? earlier_bound(record.created, times) : no_time, times.received};
}

/// When the stay in the present status ended, if `next` is the new observation. A session that waited and was active
/// between two polls waited until its start, not until its end.
moment_bounds stay_ended(const session_record& record,
                         const session_snapshot& next,
                         const moment_bounds& began,
                         const exchange_times& times) noexcept {
    const auto started = next.started_at ? later_bound(*next.started_at, times) : std::nullopt;
    if (is_before_start(record.status) && next.status > session_status::active && started
        && *started >= record.since) {
        return {earlier_bound(*started, times), *started};
    }
    return began;
}

/// Settles the event that asked for this poll, unless the event arrived after the GET was sent.
/// True if this was the final poll of a session whose end a webhook reported.
bool settle_touch(session_record& record) noexcept {
    const bool was_last = awaits_final_poll(record) && !record.touched_in_flight;
    record.by_webhook = record.by_webhook && !was_last;
    // An event during the poll asks for another one.
    record.touched = record.touched_in_flight;
    record.touched_in_flight = false;
    return was_last;
}

/// Takes the fields that any answer may fill, and the durations that become known with them.
void take_facts(session_record& record,
                const session_snapshot& snapshot,
                const exchange_times& times,
                tracking& changes) noexcept {
    // These may be filled later than the first answer, so the last one counts.
    record.mode = snapshot.mode;
    record.provider = snapshot.provider;
    if (record.created == no_time && snapshot.created_at) {
        record.created = later_bound(*snapshot.created_at, times).value_or(no_time);
    }
    const bool is_or_was_active =
        snapshot.started_at.has_value() || snapshot.status == session_status::active;
    // The start counts once, also when the session was active only between two polls.
    if (record.started == no_time && is_or_was_active) {
        // Without a timestamp the receipt is the later bound.
        record.started = times.received;
        if (snapshot.started_at) {
            record.started = later_bound(*snapshot.started_at, times).value_or(times.received);
            // Both timestamps are from the API's clock. Their difference needs no bounds of ours.
            changes.setup = believable_length(snapshot.created_at, snapshot.started_at);
        }
    }
}

/// Takes what the end of a session brings: reason and duration. Runs once for each session.
void take_end(session_record& record,
              const session_snapshot& snapshot,
              tracking& changes) noexcept {
    record.reason = snapshot.reason;
    // An ended session is not polled again, so an event that asked for a poll is settled as well.
    record.touched = false;
    changes.ended = true;
    // take_facts() has run before, so a start in the same answer counts.
    changes.ended_without_start = record.started == no_time;
    if (const auto length = believable_length(snapshot.started_at, snapshot.ended_at)) {
        changes.call_duration = length;
        record.call_duration_ms = static_cast<std::uint32_t>(
            std::min<milliseconds::rep>(length->count(),
                                        std::numeric_limits<std::uint32_t>::max()));
    }
}

/// Whether the answer says less than what is known already.
bool is_outdated(session_record& record,
                 const session_snapshot& snapshot,
                 bool final_poll,
                 bool older,
                 tracking& changes) noexcept {
    if (record.status == session_status::ended && snapshot.status != session_status::ended) {
        // A webhook reported the end and the API lags behind it. `ended` is final, and after the final poll no other
        // one follows: the end counts now, without details.
        changes.ended = final_poll;
        changes.ended_without_start =
            final_poll && record.started == no_time && !snapshot.started_at;
        return true;
    }
    // An answer from before an event must not replace a known status by an unknown one.
    if (older && snapshot.status == session_status::unknown
        && record.status != session_status::unknown) {
        return true;
    }
    // A step back needs two polls in a row, neither of them older than the present status.
    const bool is_first_step_back = is_backwards(record.status, snapshot.status)
                                    && (older || record.backwards_to == session_status::unknown);
    if (is_first_step_back && !older) {
        // Remember it, and let the next poll decide.
        record.backwards_to = snapshot.status;
    }
    return is_first_step_back;
}

/// Takes what an accepted answer says: the facts, and a status or a stay that began since the last poll.
void take_status(session_record& record,
                 const session_snapshot& snapshot,
                 const exchange_times& times,
                 bool final_poll,
                 tracking& changes) noexcept {
    // Facts before anything is changed.
    const bool first = never_observed(record);
    const bool backwards = is_backwards(record.status, snapshot.status);
    const session_status previous = record.status;
    // The session waits as before, but has a start by now: it was active between two polls. This is another stay.
    const bool came_back = record.started == no_time && snapshot.started_at.has_value()
                           && previous == snapshot.status
                           && snapshot.status < session_status::active;
    // Before the status: the bounds of a new status use the creation that this may bring.
    take_facts(record, snapshot, times, changes);
    // A new status, or the first one: its bounds come from the timestamps or from the polls.
    if (first || previous != snapshot.status) {
        const moment_bounds began = status_began(record, snapshot, times, backwards);
        // The first observation is not a change: it left no status.
        if (!first) {
            const moment_bounds left = stay_ended(record, snapshot, began, times);
            changes.change =
                status_change{previous, snapshot.status, backwards, dwell_until(record, left)};
        }
        if (snapshot.status == session_status::ended) {
            take_end(record, snapshot, changes);
        }
        // A poll saw this status first. Webhooks still cover it only if they report nothing for it.
        record.by_webhook =
            record.by_webhook && !backwards && rules_of(snapshot.status).is_between_webhooks;
        // After `change`, which needs the bounds of the old stay.
        enter(record, snapshot.status, began);
    } else if (came_back) {
        // Same status, other stay: it began between the last poll and this one.
        enter(record, snapshot.status, {record.observed, times.received});
    } else if (final_poll) {
        // The end is known from a webhook; this poll brings its details.
        take_end(record, snapshot, changes);
    }
}

} // namespace

tracking observe(session_record& record,
                 const session_snapshot& snapshot,
                 const exchange_times& times) noexcept {
    tracking changes;
    // Made before its request: perhaps also before the event that asked for it, which then stays to be settled.
    record.touched_in_flight =
        record.touched_in_flight || (record.touched && times.made < record.last_sent);
    // Any answer with this session ends a series of failures or of 404 answers.
    record.failures = 0;
    record.not_found_since = no_time;
    record.not_found_count = 0;
    record.unverified = false;
    // The answer may be older than what is known: an event arrived, or the status began, after the GET was
    // sent.
    const bool older = record.moved_in_flight || times.made < record.since;
    record.moved_in_flight = false;
    const bool final_poll = settle_touch(record);

    // What is final, what is older than an event, and what may be a glitch does not change the record further.
    if (is_outdated(record, snapshot, final_poll, older, changes)) {
        changes.outdated = true;
        return changes;
    }
    record.backwards_to = session_status::unknown;
    take_status(record, snapshot, times, final_poll, changes);
    // When it was made, not when it was received: the answer says nothing about later moments.
    record.observed = std::max(record.observed, times.made);
    return changes;
}

void observe_not_found(session_record& record, steady_time sent) noexcept {
    // The first 404 answer starts the time after which the session is forgotten.
    if (record.not_found_since == no_time) {
        record.not_found_since = sent;
    }
    increment_saturating(record.not_found_count);
    record.failures = 0;
    // The API has answered, if only with 404: an event that asked for this poll is settled.
    settle_touch(record);
    record.moved_in_flight = false;
    record.backwards_to = session_status::unknown;
}

void observe_failure(session_record& record, failure_reason reason) noexcept {
    record.last_failure = reason;
    increment_saturating(record.failures);
    // The touch itself stays: a failed poll answers nothing, so the event still asks for one.
    record.touched_in_flight = false;
    record.moved_in_flight = false;
}

} // namespace kallglot
