/// Applies answers and events to a session record, and returns what changed.
///
/// Pure: the record and the moments go in, the changes come out. The tracker bounds ages so that an alert is never
/// false. A status began at the latest at the receipt of the first answer that showed it. An API timestamp is aged by
/// the API's own clock (the `Date` of the same response), never by this machine's.

#ifndef KALLGLOT_TRACKING_SESSION_TRACKER_HPP
#define KALLGLOT_TRACKING_SESSION_TRACKER_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// When an exchange took place.
struct exchange_times {
    /// The session was as shown at this moment or later: the first byte of the request was written, or the answer comes
    /// from a cache and was made then.
    steady_time made = no_time;
    steady_time received = no_time; ///< last byte read
    /// The API's clock at the answer (`Date`); without it timestamps are not used and receipts count.
    std::optional<api_time> api_now;
};

/// What a webhook can report about a session.
enum class session_event : std::uint8_t {
    created,
    started,
    ended,
    touched ///< `session.provider.*`: something happened, poll the session
};

/// When an event happened and when the daemon received it.
struct event_times {
    steady_time received = no_time;
    /// When the API created the event, by its clock; without it the receipt counts.
    std::optional<api_time> made_at{};
    /// The API's clock at the receipt; without it the receipt counts.
    std::optional<api_time> api_now{};
};

/// A session left one status for another.
struct status_change {
    session_status from = session_status::unknown;
    session_status to = session_status::unknown;
    bool backwards = false; ///< seen by two polls in a row
    /// Middle of the bounds of the stay in `from`; empty when they are too far apart ("imprecise").
    std::optional<steady_duration> dwell;
};

/// Everything that one answer changed, for the metrics.
struct tracking {
    std::optional<status_change> change;
    std::optional<steady_duration> setup;         ///< started_at - created_at, when first known
    std::optional<steady_duration> call_duration; ///< ended_at - started_at, when first known
    bool ended = false;               ///< the end became known, with the details from a poll
    bool ended_without_start = false; ///< the session was never active
    bool outdated = false; ///< older than what is known, or the first sight of a step back
};

/// Applies the answer of a poll to `record`.
///
/// `ended` is final. A lower status moves the session back only when two polls in a row show one. An answer to a GET
/// that was sent before the present status began does not move it back either. The first observation is not a change
/// of status. An answer that was made before its request (`made` before `last_sent`) settles no event. A session that waits
/// as before but has a start by now was active between two polls: its stay begins
/// again. If a webhook reported the end, the answer to the final poll brings the details and counts as the end.
[[nodiscard]] tracking observe(session_record& record,
                               const session_snapshot& snapshot,
                               const exchange_times& times) noexcept;

/// Applies a webhook event to `record`.
///
/// Events move a session forward only: a late or repeated one changes nothing and is `outdated`. An end asks for one
/// final poll (`touched`), a start for none. A status begins at the latest at the receipt. The event's own time, aged
/// by the API's clock, is a closer bound: so a delivery that was retried for hours does not make a call look shorter.
/// The poll that brings `started_at` sets `started` and the setup time.
[[nodiscard]] tracking observe_event(session_record& record,
                                     session_event event,
                                     const event_times& times) noexcept;

/// The poll was answered with 404 or 410: the session keeps its status but counts for no threshold.
void observe_not_found(session_record& record, steady_time sent) noexcept;

/// The poll failed in any other way: the session keeps its status.
void observe_failure(session_record& record, failure_reason reason) noexcept;

/// The latest steady time that `timestamp` can stand for: receipt - (`Date` - timestamp - 1 s), as both are whole
/// seconds. Empty without `Date`, or for a timestamp more than a day in the future or 400 days in the past.
[[nodiscard]] std::optional<steady_time> later_bound(api_time timestamp,
                                                     const exchange_times& times) noexcept;

} // namespace kallglot

#endif
