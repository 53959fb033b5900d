/// What a run showed, in the terms of the table.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_OUTCOME_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_OUTCOME_HPP

#include "bench/policy/scenario.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace kallglot::policy {

/// Seconds past the crossing.
struct delay_figures {
    double p50 = 0;
    double p99 = 0;
    double max = 0;
};

struct outcome {
    std::string scenario;
    polling policy = polling::ours;
    std::uint64_t seed = 0;

    std::uint64_t sessions = 0; ///< told
    std::uint64_t requests = 0;
    std::uint64_t busiest_minute = 0; ///< most requests of ours in one window of the account
    std::uint64_t throttled = 0;      ///< answers 429
    double budget_spent = 0;          ///< share of what could be spent; -1 without limit
    double spendable_each = 0;        ///< requests for each session; -1 without limit

    std::uint64_t false_alarms = 0;
    std::uint64_t stuck = 0;    ///< sessions that crossed the threshold and stayed a minute longer
    std::uint64_t missed = 0;   ///< of these, never counted
    std::uint64_t detected = 0; ///< all that were counted
    delay_figures delay;

    double requests_each = 0;
    double stretch = 1; ///< mean over the run
    double stretch_max = 1;
    double late_share = 0;    ///< of all polls
    double webhook_share = 0; ///< part of the run in which webhooks flowed

    std::uint64_t polled_twice = 0;   ///< asked for while being asked for: always a bug
    std::uint64_t census_differs = 0; ///< scrapes that counted otherwise than the run: always a bug
    double cpu_seconds = 0;
};

/// A line a run, under headings.
void print_table(std::ostream& out, const std::vector<outcome>& outcomes);

/// An array of objects, one a run.
void print_json(std::ostream& out, const std::vector<outcome>& outcomes);

} // namespace kallglot::policy

#endif
