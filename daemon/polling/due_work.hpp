/// What a session wants next, and when: the policy of polling as one pure function.
///
/// The schedule asks it whenever a record has changed and keeps nothing else of a session than the answer, so that
/// a change of policy, of the budget or of the webhooks only has to ask again. Pure: record, policy and
/// moment go in; knows nothing of queues, requests or clocks.

#ifndef KALLGLOT_POLLING_DUE_WORK_HPP
#define KALLGLOT_POLLING_DUE_WORK_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <cstdint>

namespace kallglot {

/// The next thing that a session wants.
struct wanted_work {
    enum class kind : std::uint8_t { nothing, confirm, event, routine, audit, expiry };
    kind what = kind::nothing;
    steady_time at = no_time;
    bool not_started = false; ///< a confirm of the list `not_started`
};

/// What the decision needs besides policy and record.
struct demand_state {
    bool shortage = false;    ///< the demand exceeds the budget: intervals age, new sessions wait
    steady_duration spread{}; ///< of this session's first routine poll, from the hash of its id
    double phase = -1; ///< 0 to 1: where in an interval its polls lie; negative: wherever they are
};

/// What the session wants, and when: a pure function. `expiry` is the end of an ended session's retention.
///
/// At equal times a confirm goes before an event, and an event before routine.
[[nodiscard]] wanted_work due_work(const session_record& record,
                                   const poll_policy& policy,
                                   const demand_state& demand,
                                   steady_time now) noexcept;

/// From when the session's next interval runs.
[[nodiscard]] steady_time last_poll(const session_record& record) noexcept;

} // namespace kallglot

#endif
