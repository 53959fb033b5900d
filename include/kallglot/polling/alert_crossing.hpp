/// The crossings that an alert waits for, among all thresholds of a session.
///
/// While requests are hard to get, these are confirmed before the others. Pure: policy and record go in.

#ifndef KALLGLOT_POLLING_ALERT_CROSSING_HPP
#define KALLGLOT_POLLING_ALERT_CROSSING_HPP

#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session_record.hpp"

namespace kallglot {

/// The earliest crossing, past or future, that an alert waits for and no observation has settled: of the age that the
/// shipped alert of the status uses, and of the first one of `not_started`, which decides whether a session is stuck. If
/// the configuration lacks an alert's age, the next larger one counts.
///
/// One poll settles crossings within two seconds: then the later one is returned.
///
/// Source: config/prometheus/alerts.yml.
[[nodiscard]] threshold_crossing next_alert_crossing(const poll_policy& policy,
                                                     const session_record& record) noexcept;

/// The age since registration at which one poll decides whether a session is stuck: the first age of `not_started`, else
/// of `connecting`, else of `created`; and a second, because timestamps of the API are whole seconds.
/// steady_duration::max() without thresholds.
[[nodiscard]] steady_duration deciding_age(const threshold_settings& thresholds) noexcept;

} // namespace kallglot

#endif
