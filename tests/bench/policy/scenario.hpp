/// The parameters of a run, and the list of runs in the table.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_SCENARIO_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_SCENARIO_HPP

#include "bench/policy/api_model.hpp"
#include "bench/policy/session_life.hpp"
#include "kallglot/base/time.hpp"
#include "polling/request_budget.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::policy {

/// The policy that chooses the next session to poll.
enum class polling { ours, ours_with_webhooks, fixed_interval };
[[nodiscard]] const char* to_string(polling value) noexcept;

struct webhook_model {
    double lost = 0;
    double late = 0; ///< share of events that arrive two minutes late
    /// The ids are registered over the session API as well, as operators do where webhooks are unreliable.
    bool registered_twice = false;
};

struct scenario {
    std::string name;
    steady_duration length = std::chrono::hours(24);
    double new_a_minute = 200;
    double spendable_a_minute = 600; ///< after the share and the requests of others; 0: unlimited
    bool left_by_others = false;     ///< count what others leave instead of `spendable_a_minute`
    budget_settings budget{};
    api_model_settings api{};
    life_settings lives{};
    webhook_model webhooks{};
    std::size_t restored = 0;   ///< sessions that are restored at the start
    std::size_t long_stuck = 0; ///< sessions registered at the start that stay stuck to the end
    std::vector<std::pair<steady_duration, milliseconds>> wall_jumps; ///< of the daemon's clock
    std::vector<period> surges; ///< twice as many sessions arrive
    std::optional<period>
        provider_outage;          ///< every session of one provider is stuck from its start
    steady_duration status_lag{}; ///< the API reports a status so late, but timestamps at once
    std::size_t connections = 256;
    bool only_webhook_policy = false; ///< makes sense with webhooks only
};

/// An account whose limit is twice `spendable`: half of it is the daemon's (`budget_share: 50%`), and others use a
/// quarter.
[[nodiscard]] scenario account(std::string name, double spendable_a_minute, double new_a_minute);

/// The scenarios of the table; they last hours and days.
[[nodiscard]] std::vector<scenario> all_scenarios();

/// The same kinds of failure in minutes, for tests: fewer sessions, with at least 2.5 requests for each.
[[nodiscard]] std::vector<scenario> short_scenarios();

} // namespace kallglot::policy

#endif
