/// Record of one tracked session: a struct of fixed size in the registry's table.
///
/// A million sessions are data, not tasks: a session has no timer, string or heap node of its own. The record has
/// nothing that can be derived. Whether a threshold is confirmed follows from `since`, `observed` and the configured
/// age, for example. It has no secrets and no personal data.

#ifndef KALLGLOT_TRACKING_SESSION_RECORD_HPP
#define KALLGLOT_TRACKING_SESSION_RECORD_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace kallglot {

/// Times are `no_time` while they are not known.
///
/// More than 15 members: everything that is known of a session, in one place of a table. Groups of their own would cost
/// padding.
struct session_record {
    /// Later bound of the moment the present status began. Before the first observation, the moment the id was
    /// registered. An age computed from it is never too long.
    steady_time since = no_time;

    /// When the last GET was sent, answered or not.
    steady_time last_sent = no_time;

    /// When the last GET was sent whose answer showed this session. Confirms every threshold crossed before it.
    steady_time observed = no_time;

    steady_time created = no_time; ///< created_at, later bound
    steady_time started = no_time; ///< started_at from a poll, later bound; no_time: not started

    /// First 404 answer since the last good one.
    steady_time not_found_since = no_time;

    /// How much earlier than `since` the status may have begun; unknown_slack if that is not known.
    std::uint32_t since_slack_ms = unknown_slack;

    /// `ended_at - started_at`, once the session has ended after a start.
    std::uint32_t call_duration_ms = 0;

    std::uint32_t id_place = 0; ///< where the id's text is; used by the registry only

    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    end_reason reason = end_reason::none;
    failure_reason last_failure = failure_reason::other; ///< of the newest of `failures`

    /// The lower status that the last poll saw. Only a second such poll in a row moves the session back.
    session_status backwards_to = session_status::unknown;

    std::uint8_t id_size = 0;
    std::uint8_t failures = 0;        ///< polls that failed since the last good answer, saturating
    std::uint8_t not_found_count = 0; ///< 404 answers since the last good one, saturating
    std::uint8_t sources = 0;         ///< set of session_source: source_bit

    bool in_flight : 1 = false;  ///< a GET is in flight; the slot stays reserved until it returns
    bool forgotten : 1 = false;  ///< removed from the index while a GET was in flight
    bool unverified : 1 = false; ///< restored, and not yet polled
    bool bulk : 1 = false;       ///< registered with many others: its first poll is routine
    bool touched : 1 = false;    ///< an event asks for a poll at once
    /// That event came while a GET was in flight; the GET's answer is older and does not settle it.
    bool touched_in_flight : 1 = false;
    /// An event moved it while a GET was in flight; the GET's answer is older.
    bool moved_in_flight : 1 = false;
    /// A webhook reported its present status, or the one before `connecting` or `ending`, for which there are no
    /// webhooks.
    bool by_webhook : 1 = false;
    bool unstored : 1 = false;   ///< from a file; the store has rejected it so far
    bool in_episode : 1 = false; ///< its present stay is a stuck episode that has begun

    static constexpr std::uint32_t unknown_slack = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] constexpr bool was_observed() const noexcept { return observed != no_time; }

    /// Copies everything from `other` but the place of the id's text, which belongs to this record's registry.
    constexpr void assign_all_but_id(const session_record& other) noexcept {
        const std::uint32_t place = id_place;
        const std::uint8_t size = id_size;
        *this = other;
        id_place = place;
        id_size = size;
    }
};

/// The memory budget of a million sessions. Each added byte costs 1 MB: check that the field is worth it.
static_assert(sizeof(session_record) == 72);

/// Kind of session for the interval of routine polls: its status, or that it was never observed.
enum class poll_kind : std::uint8_t { never_observed = 0 };

inline constexpr std::size_t poll_kind_count = session_status_count + 1;

[[nodiscard]] constexpr poll_kind kind_of(session_status status) noexcept {
    return static_cast<poll_kind>(static_cast<std::uint8_t>(status) + 1);
}

/// No poll, webhook or restart has reported its status.
[[nodiscard]] constexpr bool never_observed(const session_record& r) noexcept {
    return r.status == session_status::unknown && !r.was_observed();
}

[[nodiscard]] constexpr poll_kind kind_of(const session_record& r) noexcept {
    return never_observed(r) ? poll_kind::never_observed : kind_of(r.status);
}

/// A webhook reported its end, and the final poll for the details is still to come.
[[nodiscard]] constexpr bool awaits_final_poll(const session_record& r) noexcept {
    return r.status == session_status::ended && r.touched;
}

/// In a status that waits for the start, with `started_at` empty: counted by `not_started`.
[[nodiscard]] constexpr bool not_started(const session_record& r) noexcept {
    return r.started == no_time && r.created != no_time && rules_of(r.status).waits_for_start;
}

/// Confirmed: last observed after `begin + age` had passed, and not answering 404.
[[nodiscard]] constexpr bool confirmed_over(const session_record& r,
                                            steady_time begin,
                                            steady_duration age) noexcept {
    return r.was_observed() && r.not_found_since == no_time && begin != no_time
           && r.observed - begin >= age;
}

/// Past the age by the clock, confirmed or not.
[[nodiscard]] constexpr bool past(steady_time begin,
                                  steady_duration age,
                                  steady_time now) noexcept {
    return begin != no_time && now - begin >= age;
}

} // namespace kallglot

#endif
