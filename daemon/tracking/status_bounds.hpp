/// Bounds of the moment a status began and of the length of a stay, from two observations.
///
/// Shared by the two sources of observations: polls (session_tracker.cpp) and webhooks (session_events.cpp).

#ifndef KALLGLOT_TRACKING_STATUS_BOUNDS_HPP
#define KALLGLOT_TRACKING_STATUS_BOUNDS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "kallglot/tracking/session_tracker.hpp"

#include <optional>

namespace kallglot {

/// Longest time from the true moment to a timestamp's later bound: two roundings to whole seconds.
inline constexpr steady_duration timestamp_slack = seconds(2);

/// Older timestamps and longer sessions are treated as mistakes of the API.
inline constexpr std::chrono::hours max_believed_age{400 * 24};

/// Bounds of the moment a status began.
struct moment_bounds {
    steady_time earliest = no_time; ///< no_time: not known
    steady_time latest = no_time;
};

/// The stay that ends with `end`, if its bounds are closer than the larger of a tenth of it and 5 s.
[[nodiscard]] std::optional<steady_duration> dwell_until(const session_record& record,
                                                         const moment_bounds& end) noexcept;

/// Sets the status of the session, which began within `began`.
void enter(session_record& record, session_status status, const moment_bounds& began) noexcept;

} // namespace kallglot

#endif
