/// One schedule of a cluster, from a seed: how many replicas, which settings, and what fails when.

#ifndef KALLGLOT_TESTS_BENCH_CLUSTER_FAULT_PLAN_HPP
#define KALLGLOT_TESTS_BENCH_CLUSTER_FAULT_PLAN_HPP

#include "bench/policy/random_source.hpp"
#include "cluster/cluster_settings.hpp"
#include "kallglot/base/vocabulary.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kallglot::cluster_simulation {

enum class fault : std::uint8_t {
    crash,               ///< SIGKILL, and a start on the same host after `length`
    crash_without_state, ///< the same, and the state folder with its lock file is lost
    stop,                ///< graceful, and a start after `length`
    pause,               ///< SIGSTOP: the clock goes on
    freeze,              ///< the virtual machine is paused: its clock stands still
    cut_requests,        ///< no packet reaches the database; they may arrive after the cut
    cut_answers,         ///< no packet comes back
    cut_both,
    slow,         ///< answers take up to twice the deadline
    reset,        ///< the connection is lost
    restart,      ///< of the database: the last beats may be lost
    fail_over,    ///< of the database: everything that its standby has not received is lost
    cut_all,      ///< all replicas are cut off from the database
    new_demand,   ///< a replica wants more or fewer requests
    throttled,    ///< the API asks a replica for a pause
    registration, ///< a caller registers a session
};

inline constexpr auto fault_words = make_vocabulary<fault>({
    {fault::crash, "crash"},
    {fault::crash_without_state, "crash_without_state"},
    {fault::stop, "stop"},
    {fault::pause, "pause"},
    {fault::freeze, "freeze"},
    {fault::cut_requests, "cut_requests"},
    {fault::cut_answers, "cut_answers"},
    {fault::cut_both, "cut_both"},
    {fault::slow, "slow"},
    {fault::reset, "reset"},
    {fault::restart, "restart"},
    {fault::fail_over, "fail_over"},
    {fault::cut_all, "cut_all"},
    {fault::new_demand, "new_demand"},
    {fault::throttled, "throttled"},
    {fault::registration, "registration"},
});

struct planned_fault {
    steady_duration at{};
    steady_duration length{};
    fault kind = fault::crash;
    std::uint8_t replica = 0;
};

/// Times are those of the world, from 0.
struct fault_plan {
    cluster_settings settings;               ///< the longest lease
    std::array<steady_duration, 8> leases{}; ///< of the replicas: one for all, or some shorter
    std::uint8_t replica_count = 1;
    bool synchronous_standby = false;
    bool pooler = false;          ///< connections survive the database
    bool late_statements = false; ///< the server executes some long after they were given up
    steady_duration max_delay{};  ///< of one packet, if nothing is slow
    steady_duration faults_end{};
    steady_duration settled{}; ///< nothing of the faults is left
    steady_duration end{};
    bool ends_balanced = false; ///< long enough after the faults for all shards to move
    std::vector<planned_fault> faults;
};

[[nodiscard]] fault_plan make_plan(policy::random_source& random);

} // namespace kallglot::cluster_simulation

#endif
