#include "kallglot/tracking/session_tracker.hpp"
#include "tracking/status_bounds.hpp"

namespace kallglot {

namespace {

/// As for a poll, and the time that the answer took from which the API's clock is known.
constexpr steady_duration event_slack = timestamp_slack + seconds(1);

void touch(session_record& record) noexcept {
    record.touched = true;
    record.touched_in_flight = record.in_flight;
}

/// When the status began that an event tells of.
moment_bounds event_happened(const session_record& record, const event_times& times) noexcept {
    const exchange_times exchange{times.received, times.received, times.api_now};
    if (times.made_at) {
        if (const auto latest = later_bound(*times.made_at, exchange)) {
            return {*latest - event_slack, *latest};
        }
    }
    return {record.was_observed() ? record.observed : no_time, times.received};
}

/// Moves the session forward to the status that an event told of.
void move_by_event(session_record& record,
                   session_status status,
                   const moment_bounds& began,
                   tracking& changes) noexcept {
    // A session of which nobody had said anything has left no status.
    if (record.was_observed() || record.status != session_status::unknown) {
        changes.change = status_change{record.status, status, false, dwell_until(record, began)};
    }
    enter(record, status, began);
    record.by_webhook = true;
    record.moved_in_flight = record.in_flight;
    record.backwards_to = session_status::unknown;
}

} // namespace

tracking observe_event(session_record& record,
                       session_event event,
                       const event_times& times) noexcept {
    tracking changes;
    const moment_bounds happened = event_happened(record, times);
    const bool waiting =
        record.status == session_status::created || record.status == session_status::connecting;
    switch (event) {
        case session_event::created:
            if (record.status == session_status::unknown && !record.was_observed()) {
                move_by_event(record, session_status::created, happened, changes);
                record.created = record.created == no_time ? happened.latest : record.created;
                return changes;
            }
            record.by_webhook = record.by_webhook || waiting;
            break;
        case session_event::started:
            if (waiting || record.status == session_status::unknown) {
                move_by_event(record, session_status::active, happened, changes);
                return changes;
            }
            record.by_webhook = record.by_webhook || record.status == session_status::active;
            break;
        case session_event::ended:
            if (record.status != session_status::ended) {
                move_by_event(record, session_status::ended, happened, changes);
                touch(record);
                return changes;
            }
            break;
        case session_event::touched:
            if (record.status != session_status::ended) {
                touch(record);
                return changes;
            }
            break;
    }
    changes.outdated = true;
    return changes;
}

} // namespace kallglot
