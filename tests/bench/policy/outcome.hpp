/// The results of a run, in the columns of the table.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_OUTCOME_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_OUTCOME_HPP

#include "bench/policy/scenario.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace kallglot::policy {

/// Seconds after the crossing.
struct delay_figures {
    double p50 = 0;
    double p99 = 0;
    double max = 0;
};

struct outcome {
    std::string scenario;
    polling policy = polling::ours;
    std::uint64_t seed = 0;

    std::uint64_t sessions = 0; ///< registered during the run
    std::uint64_t requests = 0;
    std::uint64_t busiest_minute = 0; ///< maximum of the daemon's requests in one window
    std::uint64_t throttled = 0;      ///< answers 429
    double budget_spent = 0;          ///< used share of the request budget; -1 without a limit
    /// The most that can be spent without taking requests from others; -1 if they leave our share anyway.
    double attainable = -1;
    double spendable_each = 0; ///< budget for each session; -1 without a limit

    std::uint64_t false_alarms = 0;
    std::uint64_t stuck = 0;    ///< sessions that crossed the threshold and stayed a minute longer
    std::uint64_t missed = 0;   ///< of these: never counted
    std::uint64_t detected = 0; ///< all that were counted
    std::uint64_t in_time = 0;  ///< of the stuck: counted within 10 s of the crossing
    double in_time_p99 = 0;     ///< delay of these
    std::uint64_t others_refused = 0; ///< requests of others, because of ours
    /// Of a provider's outage: seconds from its start to the first counted session, and the share of the sessions that a
    /// full budget would count within two minutes. -1 without an outage.
    double outage_first = -1;
    double outage_shown = -1;
    delay_figures delay;

    double requests_each = 0;
    double stretch = 1; ///< mean over the run
    double stretch_max = 1;
    double late_share = 0;    ///< of all polls
    double webhook_share = 0; ///< share of the run with reliable webhooks

    std::uint64_t polled_twice = 0;   ///< requested while a request was in flight: always a bug
    std::uint64_t census_differs = 0; ///< scrapes whose counts differ from the run's: always a bug
    double cpu_seconds = 0;
};

/// One line for each run, with headings.
void print_table(std::ostream& out, const std::vector<outcome>& outcomes);

/// An array with one object for each run.
void print_json(std::ostream& out, const std::vector<outcome>& outcomes);

} // namespace kallglot::policy

#endif
