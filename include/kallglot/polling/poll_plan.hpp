/// What the configuration means for 10 to 1,000,000 sessions: the plan that `--config.check` prints.
///
/// Arithmetic over the settings. An operator sees before the first poll whether the budget fits the number of sessions.
/// The plan assumes calls of five minutes with a set-up of six seconds. It sends no request: the account's limit is not
/// known here, so `rate_limit: auto` is planned for a few limits. `tests/bench` simulates the schedule under shortage.

#ifndef KALLGLOT_POLLING_POLL_PLAN_HPP
#define KALLGLOT_POLLING_POLL_PLAN_HPP

#include "kallglot/settings/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kallglot {

/// Units: requests a second; seconds; bytes.
struct plan_row {
    std::size_t sessions = 0; ///< tracked at once and not ended
    double demand = 0;        ///< to keep every interval, with the first poll of each new session
    double budget = 0;        ///< infinity without limit
    double stretch = 1;       ///< factor by which routine intervals grow
    /// Longest time from the creation of a session that never starts until it is counted as stuck. Infinity: more
    /// sessions begin than the budget has first polls.
    double worst_detection = 0;
    std::size_t connections_fast =
        0; ///< needed at 100 ms of latency, whatever max_connections allows
    std::size_t connections_slow = 0; ///< at 300 ms
    std::uint64_t memory_bytes = 0;
};

/// The rows for 10, 100, ... 1,000,000 sessions at a budget of `allowed` requests a second.
[[nodiscard]] std::vector<plan_row> make_poll_plan(const settings& values, double allowed);

/// The plan as text for people: one table, or one for each usual limit with `rate_limit: auto`.
[[nodiscard]] std::string describe_poll_plan(const settings& values);

} // namespace kallglot

#endif
