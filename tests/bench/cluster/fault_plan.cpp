#include "bench/cluster/fault_plan.hpp"

#include <array>

namespace kallglot::cluster_simulation {
namespace {

template <class T, std::size_t N>
T one_of(policy::random_source& random, const std::array<T, N>& values) {
    return values[random.bits() % N];
}

// Some twice, because they find more.
constexpr std::array disturbances{
    fault::crash,
    fault::crash,
    fault::crash_without_state,
    fault::stop,
    fault::stop,
    fault::pause,
    fault::pause,
    fault::freeze,
    fault::cut_requests,
    fault::cut_answers,
    fault::cut_both,
    fault::cut_both,
    fault::slow,
    fault::reset,
    fault::restart,
    fault::fail_over,
    fault::fail_over,
    fault::cut_all,
};

void add_faults(fault_plan& plan, policy::random_source& random) {
    const auto add = [&](fault kind, steady_duration length) {
        const steady_duration at = random.between(seconds(1), plan.faults_end);
        plan.faults.push_back({at,
                               std::min(length, plan.faults_end - at),
                               kind,
                               static_cast<std::uint8_t>(random.bits() % plan.replica_count)});
    };
    const std::size_t count = 1 + random.bits() % 8;
    for (std::size_t i = 0; i < count; ++i) {
        const fault kind = one_of(random, disturbances);
        // Short ones, and those that end about when a lease does.
        const steady_duration length =
            random.chance(0.3) ? random.between(milliseconds(10), seconds(1))
                               : random.between(milliseconds(10), 2 * plan.settings.lease);
        add(kind, length);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        add(fault::new_demand, {});
    }
    add(fault::throttled, {});
    for (std::size_t i = 0; i < 8; ++i) {
        add(fault::registration, {});
    }
}

// A replica comes back just before its lease ends at the others, and a server that has not received its beat follows. By
// chance alone this is one of 200,000 schedules.
void add_forgotten_return(fault_plan& plan, policy::random_source& random) {
    const steady_duration lease = plan.settings.lease;
    const steady_duration at = random.between(seconds(4), plan.faults_end - lease);
    const steady_duration length = random.between(lease / 2, lease);
    const auto replica = static_cast<std::uint8_t>(random.bits() % plan.replica_count);
    plan.faults.push_back({at, length, fault::cut_both, replica});
    const steady_duration fails_at =
        std::min(at + length + random.between({}, lease / 2), plan.faults_end);
    const steady_duration outage =
        std::min(random.between(milliseconds(10), milliseconds(300)), plan.faults_end - fails_at);
    plan.faults.push_back({fails_at, outage, fault::fail_over, replica});
}

// A process that ends soon after each start, by its supervisor's restarts.
void add_crash_loop(fault_plan& plan, policy::random_source& random) {
    const auto replica = static_cast<std::uint8_t>(random.bits() % plan.replica_count);
    const steady_duration longest_life = random.chance(0.5) ? milliseconds(60) : seconds(2);
    steady_duration at = random.between(seconds(1), plan.faults_end / 2);
    while (at < plan.faults_end) {
        const steady_duration pause = random.between(milliseconds(10), seconds(1));
        plan.faults.push_back({at, std::min(pause, plan.faults_end - at), fault::crash, replica});
        at += pause + random.between(milliseconds(1), longest_life);
    }
}

} // namespace

fault_plan make_plan(policy::random_source& random) {
    fault_plan plan;
    plan.settings.lease =
        one_of(random, std::array{seconds(3), seconds(3), seconds(4), seconds(6)});
    if (random.chance(0.02)) {
        plan.settings.lease = seconds(17);
    }
    plan.settings.shards = one_of(random, std::array<std::uint16_t, 4>{4, 8, 16, 32});
    if (random.chance(0.005)) {
        plan.settings.shards = 256;
    }
    plan.replica_count = static_cast<std::uint8_t>(1 + random.bits() % 8);
    const bool has_mixed_leases = random.chance(0.2);
    for (steady_duration& lease : plan.leases) {
        lease = has_mixed_leases ? random.between(seconds(3), plan.settings.lease)
                                 : plan.settings.lease;
    }
    plan.synchronous_standby = random.chance(0.5);
    plan.pooler = random.chance(0.2);
    plan.late_statements = random.chance(0.15);
    plan.max_delay =
        one_of(random, std::array{milliseconds(1), milliseconds(10), milliseconds(25)});
    const steady_duration lease = plan.settings.lease;
    plan.faults_end = seconds(4) + random.between(lease, 4 * lease);
    plan.ends_balanced = !plan.late_statements && random.chance(0.05);
    // Every late statement is executed, every lease has ended and every shard has been claimed.
    plan.settled = plan.faults_end + (plan.late_statements ? 2 : 1) * lease + seconds(4);
    plan.end = plan.settled + seconds(4);
    if (plan.ends_balanced) {
        // All shards may have to move.
        plan.end += seconds(20 + plan.settings.shards);
    }

    add_faults(plan, random);
    if (random.chance(0.05)) {
        add_crash_loop(plan, random);
    }
    if (plan.pooler && random.chance(0.3)) {
        add_forgotten_return(plan, random);
    }
    return plan;
}

} // namespace kallglot::cluster_simulation
