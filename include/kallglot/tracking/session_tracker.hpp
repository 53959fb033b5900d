/// Compares what an answer says with what was known, and says what changed.
///
/// Pure: the record and the moments go in, the changes come out. This is where ages are bounded, so that an
/// alert is never false: a status began at the latest when we received the first answer that showed it, and
/// an API timestamp is aged by the API's own clock (the `Date` of the same response), never by ours.

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
    steady_time sent = no_time;     ///< first byte written
    steady_time received = no_time; ///< last byte read
    /// The API's clock at the answer (`Date`); without it timestamps are not aged and receipts count.
    std::optional<api_time> api_now;
};

/// What a webhook can tell of a session.
enum class session_event : std::uint8_t {
    created,
    started,
    ended,
    touched ///< `session.provider.*`: something happened, ask
};

/// When an event happened and when we heard of it.
struct event_times {
    steady_time received = no_time;
    /// When the event was made, by the API's clock; without it the receipt counts.
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
    bool ended = false;               ///< its end became known, with what a poll says of it
    bool ended_without_start = false; ///< and never was active
    bool outdated = false; ///< older than what is known, or the first sight of a step backwards
};

/// Brings `record` up to what the poll said.
///
/// `ended` is final. A lower status moves the session only when two polls in a row show one. An answer to
/// a GET that was sent before the present status began does not move it backwards either. The first
/// observation is no change of status. A session that waits as before but has a start by now was active between
/// two polls: its stay begins anew. Of an end that a webhook told, the answer to the final poll brings the
/// details and counts as the end.
[[nodiscard]] tracking observe(session_record& record,
                               const session_snapshot& snapshot,
                               const exchange_times& times) noexcept;

/// Brings `record` up to what a webhook said.
///
/// Events move a session forward only: a late or repeated one changes nothing and is `outdated`. An end asks for
/// one final poll (`touched`), a start for none. A status begins at the latest at the receipt; the event's own time,
/// aged by the API's clock, bounds it closer, so that deliveries that were retried for hours understate no call.
/// `started` is left to the poll that brings `started_at`, and the setup time with it.
[[nodiscard]] tracking observe_event(session_record& record,
                                     session_event event,
                                     const event_times& times) noexcept;

/// The poll was answered with 404 or 410: the session keeps its status but counts for no threshold.
void observe_not_found(session_record& record, steady_time sent) noexcept;

/// The poll failed in any other way: the session keeps its status.
void observe_failure(session_record& record, failure_reason reason) noexcept;

/// The latest moment at which `timestamp` may have been on the steady clock: receipt less (`Date` -
/// timestamp - 1 s), as both are whole seconds. Empty without `Date`, or if the timestamp lies more than a
/// day in the future or 400 days in the past.
[[nodiscard]] std::optional<steady_time> later_bound(api_time timestamp,
                                                     const exchange_times& times) noexcept;

} // namespace kallglot

#endif
