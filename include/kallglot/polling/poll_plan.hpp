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
    std::size_t requests_fast = 0; ///< in flight at 100 ms of latency, whatever the limits allow
    std::size_t requests_slow = 0; ///< at 300 ms
    std::size_t connections_http_1_1 = 0; ///< for these: one for each
    std::size_t connections_http_2 = 0;   ///< a few, with a quarter in reserve
    std::uint64_t memory_bytes = 0;
};

/// The rows for 10, 100, ... 1,000,000 sessions at a budget of `allowed` requests a second.
[[nodiscard]] std::vector<plan_row> make_poll_plan(const settings& values, double allowed);

/// The least requests a minute, for us alone, that keep each promise for calls of five minutes. Source: the simulation in
/// tests/bench, rounded up.
struct least_budgets {
    std::size_t sessions = 0; ///< tracked at once and not ended
    double new_sessions = 0;  ///< a minute
    double intervals = 0;     ///< every interval is kept
    double ends = 0;          ///< stuck sessions are counted within 5 s, and ends are seen
    double all_stuck = 0;     ///< stuck sessions are counted within 12 s
    double half_stuck = 0;    ///< half of them within 10 s, the others are unobserved
    double webhooks = 0;      ///< as `ends`, with reliable webhooks
};

[[nodiscard]] least_budgets least_budgets_for(const settings& values, std::size_t sessions);

/// The plan as text for people: one table, or one for each usual limit with `rate_limit: auto`.
[[nodiscard]] std::string describe_poll_plan(const settings& values);

} // namespace kallglot

#endif
