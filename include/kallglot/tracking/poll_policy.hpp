/// Polling rules from the configuration, as pure functions: the interval of a session and its next threshold.
///
/// Schedule, tracker and census share them. So the metric `kallglot_sessions_stale` and the schedule cannot disagree.

#ifndef KALLGLOT_TRACKING_POLL_POLICY_HPP
#define KALLGLOT_TRACKING_POLL_POLICY_HPP

#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace kallglot {

/// Immutable after construction; a reload replaces it as a whole.
struct poll_policy {
    poll_settings poll{};
    threshold_settings thresholds{};

    /// Webhooks are reliable: sessions whose status a webhook reported are polled at intervals.audit.
    bool webhooks_flow = false;
};

/// The thresholds of a status; empty for `ended` and `unknown`.
[[nodiscard]] const threshold_settings::list& thresholds_of(const threshold_settings& thresholds,
                                                            session_status status) noexcept;

/// The interval of one kind of session. Sessions that were never observed have the interval of `created`. Never zero.
[[nodiscard]] steady_duration plain_interval(const poll_intervals& intervals,
                                             poll_kind kind) noexcept;

/// The interval of a session: that of its kind, or the audit interval while webhooks report its status. Never zero.
///
/// Precondition: not ended; ended sessions are not polled.
[[nodiscard]] steady_duration plain_interval(const poll_policy& policy,
                                             const session_record& record) noexcept;

/// The interval after a poll at `last`. Under shortage it is at least a tenth of the age that the status has when the
/// next poll is due.
[[nodiscard]] steady_duration effective_interval(const poll_policy& policy,
                                                 const session_record& record,
                                                 steady_time last,
                                                 bool shortage) noexcept;

/// The next threshold without a confirming observation.
struct threshold_crossing {
    steady_time at = no_time; ///< no_time: none is left
    bool not_started = false; ///< of the list `not_started` rather than of the status
};

/// The earliest crossing, past or future, that no observation has settled.
[[nodiscard]] threshold_crossing next_crossing(const poll_policy& policy,
                                               const session_record& record) noexcept;

/// Whether an operator must look at the session: it is confirmed past the first threshold of `created`, `connecting`,
/// `ending` or `not_started`. A long call is not stuck.
[[nodiscard]] bool is_stuck(const threshold_settings& thresholds,
                            const session_record& record) noexcept;

} // namespace kallglot

#endif
