#include "kallglot/tracking/session_tracker.hpp"
#include "tracking/status_bounds.hpp"

namespace kallglot {

namespace {

/// As for a poll, plus the time in flight of the response that set the API's clock.
constexpr steady_duration event_slack = timestamp_slack + seconds(1);

void touch(session_record& record) noexcept {
    record.touched = true;
    // The answer of a GET that is in flight may be older than the event, so it must not settle the touch.
    record.touched_in_flight = record.in_flight;
}

/// Bounds of the moment at which the status in an event began.
moment_bounds event_happened(const session_record& record, const event_times& times) noexcept {
    // An event is no exchange: it was made and received at one moment, as far as is known here.
    const exchange_times exchange{times.received, times.received, times.api_now};
    // The time in the event is closest to the truth, if the API's clock is known.
    if (times.made_at) {
        if (const auto latest = later_bound(*times.made_at, exchange)) {
            return {*latest - event_slack, *latest};
        }
    }
    // Otherwise the status began between the last poll that saw another one and the receipt.
    return {record.was_observed() ? record.observed : no_time, times.received};
}

/// Moves the session forward to the status that an event reports.
void move_by_event(session_record& record,
                   session_status status,
                   const moment_bounds& began,
                   tracking& changes) noexcept {
    // A session without any report so far has no status that it could leave.
    if (record.was_observed() || record.status != session_status::unknown) {
        changes.change = status_change{record.status, status, false, dwell_until(record, began)};
    }
    // After dwell_until(), which reads the bounds of the stay that ends.
    enter(record, status, began);
    record.by_webhook = true;
    // The answer of a GET in flight may show the older status. It must not move the session back.
    record.moved_in_flight = record.in_flight;
    // A step back needs two polls in a row; the event is between them.
    record.backwards_to = session_status::unknown;
}

} // namespace

tracking observe_event(session_record& record,
                       session_event event,
                       const event_times& times) noexcept {
    tracking changes;
    // Senders deliver events late, twice and out of order. So each case says from which statuses it moves the session
    // forward, and no event moves it back.
    const moment_bounds happened = event_happened(record, times);
    const bool waiting = is_before_start(record.status);
    switch (event) {
        case session_event::created:
            // created: only news for a session without any report; anything else is at least that far.
            if (record.status == session_status::unknown && !record.was_observed()) {
                move_by_event(record, session_status::created, happened, changes);
                record.created = record.created == no_time ? happened.latest : record.created;
                return changes;
            }
            // The event arrives late, but it shows that webhooks cover this session.
            record.by_webhook = record.by_webhook || waiting;
            break;
        case session_event::started:
            // started: moves a waiting session to active. A session that is active or beyond stays where it is.
            if (waiting || record.status == session_status::unknown) {
                move_by_event(record, session_status::active, happened, changes);
                return changes;
            }
            record.by_webhook = record.by_webhook || record.status == session_status::active;
            break;
        case session_event::ended:
            // ended: final, with one poll for the reason and the duration.
            if (record.status != session_status::ended) {
                move_by_event(record, session_status::ended, happened, changes);
                touch(record);
                return changes;
            }
            break;
        case session_event::touched:
            // touched: something changed that webhooks do not describe; a poll finds out.
            if (record.status != session_status::ended) {
                touch(record);
                return changes;
            }
            break;
    }
    // Every branch that changed something has returned: the event is late or repeated.
    changes.outdated = true;
    return changes;
}

} // namespace kallglot
