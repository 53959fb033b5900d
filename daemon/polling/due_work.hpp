/// The polling policy as one pure function: what a session is due for next, and when.
///
/// The schedule calls it whenever a record has changed, and stores only the result. So after a change of policy,
/// budget or webhooks the schedule only calls it again. Pure: record, policy and moment go in. Knows nothing of
/// queues, requests or clocks.

#ifndef KALLGLOT_POLLING_DUE_WORK_HPP
#define KALLGLOT_POLLING_DUE_WORK_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "polling/request_supply.hpp"

#include <cstdint>

namespace kallglot {

/// What a session is due for next.
struct pending_work {
    enum class kind : std::uint8_t { nothing, confirm, event, routine, audit, expiry };
    kind what = kind::nothing;
    steady_time at = no_time;
    bool not_started = false; ///< confirms a threshold of the list `not_started`
    bool alert = false; ///< an alert waits for this confirm; set only when requests are hard to get
};

/// The inputs of the decision besides policy and record.
struct demand_state {
    scarcity degree = scarcity::plenty; ///< of requests
    steady_duration spread{};           ///< of the first routine poll of a bulk import
    double phase = -1; ///< 0 to 1: position of its polls in an interval; negative: do not move them
};

/// What the session is due for, and when. `expiry` is the end of an ended session's retention.
///
/// At equal times a confirm comes before an event, and an event before routine.
[[nodiscard]] pending_work due_work(const session_record& record,
                                    const poll_policy& policy,
                                    const demand_state& demand,
                                    steady_time now) noexcept;

/// Whether only a poll can tell the status: no poll, restart or reliable webhook has reported it.
[[nodiscard]] bool is_new(const session_record& record, const poll_policy& policy) noexcept;

/// The beginning of the session's current interval: the last poll, or the registration.
[[nodiscard]] steady_time last_poll(const session_record& record) noexcept;

} // namespace kallglot

#endif
