// The protocol of a cluster keeps its promises in simulated clusters, and the simulation catches errors in it.

#include "bench/cluster/simulated_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace kallglot::cluster_simulation {
namespace {

TEST(ClusterSimulation, KeepsItsPromises) {
    tally total;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        simulated_cluster cluster(seed);
        const auto broken = cluster.run();
        ASSERT_FALSE(broken) << "seed " << seed << " at " << to_seconds(broken->at)
                             << " s: " << broken->promise << ": " << broken->detail;
        total.takeovers += cluster.counts().takeovers;
        total.releases += cluster.counts().releases;
        total.fenced += cluster.counts().fenced;
        total.lossy += cluster.counts().lossy;
        total.refused += cluster.counts().refused;
        total.sessions += cluster.counts().sessions;
    }
    // Schedules in which nothing happens would prove nothing.
    EXPECT_GT(total.takeovers, 100U);
    EXPECT_GT(total.releases, 1000U);
    EXPECT_GT(total.fenced, 50U);
    EXPECT_GT(total.lossy, 50U);
    EXPECT_GT(total.refused, 20U);
    EXPECT_GT(total.sessions, 1000U);
}

TEST(ClusterSimulation, SeedReproducesASchedule) {
    simulated_cluster one(7);
    simulated_cluster again(7);
    ASSERT_FALSE(one.run());
    ASSERT_FALSE(again.run());
    EXPECT_EQ(one.counts().beats, again.counts().beats);
    EXPECT_EQ(one.counts().releases, again.counts().releases);
}

struct mutant_case {
    protocol_mutant mutant;
    std::uint64_t first_seed; ///< close to one that catches it: the others only take time
    const char* promise;
};

class ClusterMutant : public testing::TestWithParam<mutant_case> {};

TEST_P(ClusterMutant, IsCaught) {
    constexpr std::uint64_t schedules = 200;
    const std::uint64_t first = GetParam().first_seed;
    for (std::uint64_t seed = first; seed < first + schedules; ++seed) {
        simulated_cluster cluster(seed, GetParam().mutant);
        if (const auto broken = cluster.run()) {
            EXPECT_EQ(broken->promise, GetParam().promise) << "seed " << seed;
            return;
        }
    }
    FAIL() << "not caught within " << schedules << " schedules";
}

constexpr const char* one_lease = "no two replicas hold the lease of one shard";
constexpr const char* no_gap = "a shard is without owner for at most a lease and 3 s";
constexpr const char* one_budget = "shares never add up to more than 1";

INSTANTIATE_TEST_SUITE_P(
    All,
    ClusterMutant,
    testing::Values(mutant_case{protocol_mutant::takeover_without_compare, 100, one_lease},
                    mutant_case{protocol_mutant::takeover_at_any_server, 29600, one_lease},
                    mutant_case{protocol_mutant::trust_from_answer, 700, one_lease},
                    mutant_case{protocol_mutant::series_survives_reconnect, 2690, one_lease},
                    mutant_case{protocol_mutant::epoch_without_incarnation,
                                1,
                                "a write lands only in a shard of its replica"},
                    mutant_case{protocol_mutant::grow_before_shrink, 1, one_budget},
                    mutant_case{protocol_mutant::growth_not_durable, 1, one_budget},
                    mutant_case{protocol_mutant::beat_without_compare, 600, one_budget},
                    mutant_case{protocol_mutant::crash_loop_inherits, 500, no_gap},
                    mutant_case{protocol_mutant::own_ids_without_inbox,
                                400,
                                "an acknowledged session is known to the owner of its shard"}),
    [](const auto& each) { return std::string(protocol_mutant_words.text_of(each.param.mutant)); });

} // namespace
} // namespace kallglot::cluster_simulation
