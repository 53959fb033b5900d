/// What a run is made of, and the list of runs that the table shows.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_SCENARIO_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_SCENARIO_HPP

#include "bench/policy/api_model.hpp"
#include "bench/policy/session_life.hpp"
#include "kallglot/base/time.hpp"
#include "polling/request_budget.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::policy {

/// Who decides which session is polled next.
enum class polling { ours, ours_with_webhooks, fixed_interval };
[[nodiscard]] const char* to_string(polling value) noexcept;

struct webhook_model {
    double lost = 0;
    double late = 0; ///< share of those that come two minutes later
    /// The ids are told by the session API as well, as where webhooks cannot be relied upon.
    bool told_twice = false;
};

struct scenario {
    std::string name;
    steady_duration length = std::chrono::hours(24);
    double new_a_minute = 200;
    double spendable_a_minute = 600; ///< after the share and what others take; 0 = unlimited
    budget_settings budget{};
    api_model_settings api{};
    life_settings lives{};
    webhook_model webhooks{};
    std::size_t restored = 0;   ///< sessions that are restored at the start
    std::size_t long_stuck = 0; ///< sessions told at the start that stay stuck to the end
    std::vector<std::pair<steady_duration, milliseconds>> wall_jumps; ///< of our own clock
    std::size_t connections = 256;
    bool only_webhook_policy = false; ///< says something about webhooks alone
};

/// An account whose limit is twice `spendable`, half of it ours (`budget_share: 50%`), and others that use a
/// quarter of it.
[[nodiscard]] scenario account(std::string name, double spendable_a_minute, double new_a_minute);

/// The scenarios of the table: hours and days.
[[nodiscard]] std::vector<scenario> all_scenarios();

/// The same kinds of trouble in minutes, for tests: fewer sessions, and 2.5 requests or more for each of them.
[[nodiscard]] std::vector<scenario> short_scenarios();

} // namespace kallglot::policy

#endif
