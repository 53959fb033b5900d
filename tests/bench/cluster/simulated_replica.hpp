/// State of one replica of the simulation: its process, its clock, its way to the database, and what it has in memory.

#ifndef KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_REPLICA_HPP
#define KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_REPLICA_HPP

#include "bench/cluster/simulated_database.hpp"
#include "cluster/cluster_member.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::cluster_simulation {

/// A moment of the world, from 0. Clocks of replicas show something else.
using world_time = steady_duration;
inline constexpr world_time never = world_time::max();

/// A clock with another start and another rate than the world's.
struct simulated_clock {
    steady_duration start{};
    steady_duration frozen{}; ///< while the machine was paused
    std::int64_t rate_ppm = 0;

    [[nodiscard]] steady_time at(world_time now) const noexcept {
        const steady_duration running = now - frozen;
        return steady_time(start + running + running * rate_ppm / 1'000'000);
    }

    /// When it will show `at`, if nothing freezes it.
    [[nodiscard]] world_time when(steady_time at) const noexcept {
        const steady_duration shown = at.time_since_epoch() - start;
        return frozen + shown * 1'000'000 / (1'000'000 + rate_ppm) + std::chrono::nanoseconds(3);
    }
};

struct simulated_replica {
    std::string node;
    simulated_clock clock;
    cluster_settings settings;

    // Process
    std::optional<cluster_member> member; ///< empty: no process
    std::uint32_t process = 0;            ///< counts starts: events of earlier ones are void
    world_time started_at{};
    incarnation self = incarnation::none;
    std::vector<incarnation> lock_file; ///< the last lives
    bool has_lost_state = false;        ///< a lock file: it may not know a row as its own
    world_time halted_until{};          ///< stopped by a signal or with its machine
    bool is_stopping = false;

    // Its way to the database
    world_time requests_cut_until{};
    world_time answers_cut_until{};
    world_time slow_until{};

    // Membership connection
    bool connected = false;
    std::uint32_t connection = 0; ///< counts them
    std::uint32_t server = 0;     ///< the life of the database that it leads to
    bool waiting = false;         ///< for the answer of the one statement
    bool is_beat = false;         ///< that statement is a join or a beat
    std::uint32_t statement = 0;  ///< counts them
    steady_time sent{};
    world_time sent_at{};
    world_time wake_at = never;

    // What the checks know
    steady_time raised_at = no_time; ///< receipt of the last answer that raised the beat
    std::uint32_t lossy_seen = 0;    ///< of the database, at the last answer
    bool is_frozen = false; ///< no beat answered since its machine was paused: its clock is wrong
    world_time clear_since = never; ///< running, and nothing is wrong with its way to the database
    world_time healthy_since = never; ///< clear, and the first beat since then is answered

    /// Of the mutant: a series that no reconnect ends.
    std::optional<lease_watch> endless_series;

    // Sessions
    session_set known;        ///< in memory, of its own shards
    session_set acknowledged; ///< by this process
    session_set to_offer;     ///< to be registered again after a failover
    shard_set restoring;
    database_generation generation;
};

} // namespace kallglot::cluster_simulation

#endif
