/// What the configuration says about polling, as the pure functions that schedule, tracker and census share.
///
/// One place for "how long is a session's interval" and "which threshold comes next", so that the metric
/// `kallglot_sessions_stale` and the schedule cannot disagree.

#ifndef KALLGLOT_TRACKING_POLL_POLICY_HPP
#define KALLGLOT_TRACKING_POLL_POLICY_HPP

#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace kallglot {

/// Immutable after construction; swapped whole on reload.
struct poll_policy {
    poll_settings poll{};
    threshold_settings thresholds{};

    /// Webhooks flow: sessions whose state a webhook told are polled at intervals.audit.
    bool webhooks_flow = false;
};

/// The thresholds of a status; empty for `ended` and `unknown`.
[[nodiscard]] const threshold_settings::list& thresholds_of(const threshold_settings& thresholds,
                                                            session_status status) noexcept;

/// The interval of one kind of session; sessions that were never observed have that of `created`. Never zero.
[[nodiscard]] steady_duration plain_interval(const poll_intervals& intervals,
                                             poll_kind kind) noexcept;

/// The interval of the session: of its kind, or of audits while webhooks report its status. Never zero.
///
/// Precondition: not ended; ended sessions are not polled.
[[nodiscard]] steady_duration plain_interval(const poll_policy& policy,
                                             const session_record& record) noexcept;

/// The interval that follows a poll at `last`: under shortage at least a tenth of the age in the status that the
/// session has when the next one is due.
[[nodiscard]] steady_duration effective_interval(const poll_policy& policy,
                                                 const session_record& record,
                                                 steady_time last,
                                                 bool shortage) noexcept;

/// A threshold that has no confirming observation yet.
struct threshold_crossing {
    steady_time at = no_time; ///< no_time: none is left
    bool not_started = false; ///< of the list `not_started` rather than of the status
};

/// The earliest crossing, past or to come, that no observation has settled.
[[nodiscard]] threshold_crossing next_crossing(const poll_policy& policy,
                                               const session_record& record) noexcept;

/// What an operator is called for: confirmed past the first threshold of `created`, `connecting`, `ending` or
/// `not_started`. A long call is not stuck.
[[nodiscard]] bool is_stuck(const threshold_settings& thresholds,
                            const session_record& record) noexcept;

} // namespace kallglot

#endif
