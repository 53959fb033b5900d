// Which replica should own which shard: as few moves as can be, the same plan everywhere.

#include "cluster/shard_plan.hpp"

#include "bench/policy/random_source.hpp"
#include "unit/cluster/cluster_views.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace kallglot {
namespace {

struct ShardPlan : testing::Test {
    cluster_settings settings;
    cluster_view view = make_view(3);
    lease_watch watch;
    steady_time now{std::chrono::hours(1)};

    /// All replicas beat for so long that shards may move.
    void settle() {
        for (int i = 0; i < 12; ++i) {
            beat(view);
            watch.take(view, now);
            now += seconds(1);
        }
    }

    shard_plan plan_of(int self) {
        return plan_shards(settings, view, incarnation(self), watch, now);
    }

    std::map<incarnation, std::size_t> counts() const {
        std::map<incarnation, std::size_t> counts;
        for (const shard_row& row : view.shards) {
            ++counts[row.owner];
        }
        return counts;
    }

    void own(const shard_set& shards, incarnation owner) {
        for (std::size_t i = 0; i < view.shards.size(); ++i) {
            view.shards[i].owner = shards[i] ? owner : view.shards[i].owner;
        }
    }

    void claim() {
        const std::vector<replica_row> replicas = view.replicas;
        watch.take(view, now);
        for (const replica_row& row : replicas) {
            own(plan_shards(settings, view, row.id, watch, now).claims, row.id);
            watch.take(view, now);
        }
    }

    /// Lets each replica act by its plan until none does. The number of shards that moved.
    std::size_t run() {
        const std::vector<shard_row> before = view.shards;
        watch.restart();
        claim();
        bool moves = true;
        while (moves) {
            moves = false;
            const std::vector<replica_row> replicas = view.replicas;
            for (const replica_row& row : replicas) {
                settle();
                const shard_plan plan = plan_shards(settings, view, row.id, watch, now);
                own(plan.surplus, incarnation::none);
                claim();
                moves = moves || plan.surplus.any();
            }
        }
        std::size_t count = 0;
        for (std::size_t i = 0; i < before.size(); ++i) {
            count += before[i].owner != view.shards[i].owner ? 1 : 0;
        }
        return count;
    }
};

TEST_F(ShardPlan, OrphansAreDividedWithoutOverlap) {
    settle();
    shard_set all;
    for (int self = 1; self <= 3; ++self) {
        lease_watch fresh;
        fresh.take(view, now);
        const shard_set claims = plan_shards(settings, view, incarnation(self), fresh, now).claims;
        EXPECT_EQ(claims.count(), self == 1 ? 86U : 85U);
        EXPECT_TRUE((all & claims).none());
        all |= claims;
    }
    EXPECT_TRUE(all.all());
}

TEST_F(ShardPlan, OrphanThatIsNotClaimedIsClaimedByAll) {
    watch.take(view, now);
    const shard_plan before = plan_of(2);
    EXPECT_EQ(before.next_at, now + cluster_settings::orphan_grace);
    now = before.next_at;
    EXPECT_TRUE(plan_of(2).claims.all());
}

TEST_F(ShardPlan, FourthReplicaMovesAQuarter) {
    static_cast<void>(run());
    view.replicas.push_back(make_view(4).replicas[3]);
    EXPECT_EQ(run(), 64U);
    for (const auto& [id, count] : counts()) {
        EXPECT_EQ(count, 64U) << static_cast<std::int64_t>(id);
    }
}

TEST_F(ShardPlan, JoinsAndLeavesMoveHardlyMoreThanTheLeast) {
    policy::random_source random(1);
    std::size_t moved = 0;
    std::size_t least = 0;
    std::vector<replica_row> away = make_view(8).replicas;
    view.replicas.clear();
    for (int change = 0; change < 60; ++change) {
        const bool joins = view.replicas.empty() || (!away.empty() && random.chance(0.5));
        std::vector<replica_row>& from = joins ? away : view.replicas;
        std::vector<replica_row>& to = joins ? view.replicas : away;
        const auto chosen = from.begin() + static_cast<std::ptrdiff_t>(random.bits() % from.size());
        // The least: what a new one needs, or what the one that left had.
        least += joins ? view.shards.size() / (view.replicas.size() + 1) : counts()[chosen->id];
        to.push_back(*chosen);
        from.erase(chosen);
        if (!view.replicas.empty()) {
            moved += run();
        }
    }
    EXPECT_LE(moved, least * 11 / 10);
}

TEST_F(ShardPlan, DeadReplicaIsReplacedAtItsTime) {
    static_cast<void>(run());
    beat(view);
    watch.take(view, now);
    const steady_time seen = now;
    for (int i = 0; i < 5; ++i) {
        now += seconds(1);
        ++view.replicas[0].beat;
        ++view.replicas[1].beat;
        watch.take(view, now);
    }
    shard_plan plan = plan_of(1);
    EXPECT_TRUE(plan.dead.empty());
    EXPECT_TRUE(plan.claims.none());
    EXPECT_EQ(plan.next_at, seen + settings.lease);

    now = plan.next_at;
    plan = plan_of(1);
    EXPECT_EQ(plan.dead, (std::vector<dead_replica>{{incarnation(3), view.replicas[2].beat}}));
    EXPECT_EQ(plan.claims.count(), 128U - 86U);
    EXPECT_TRUE((plan.claims & plan_of(2).claims).none());
    EXPECT_EQ((plan.claims | plan_of(2).claims).count(), 85U);
}

TEST_F(ShardPlan, NothingMovesForBalanceWhileAReplicaIsNewOrSilent) {
    own(shard_set().set(), incarnation(1));
    watch.take(view, now);
    EXPECT_TRUE(plan_of(1).surplus.none()) << "new";
    settle();
    EXPECT_EQ(plan_of(1).surplus.count(), 8U);
    EXPECT_TRUE(plan_of(2).surplus.none());
    now += seconds(3);
    EXPECT_TRUE(plan_of(1).surplus.none()) << "silent";
}

TEST_F(ShardPlan, OneThatHasJustStartedClaimsNothingBesideOthers) {
    settle();
    view.replicas[2].beat = 3;
    watch.take(view, now);
    EXPECT_TRUE(plan_of(3).claims.none());
    EXPECT_TRUE((plan_of(1).claims & plan_of(2).claims).any()) << "what is left over both claim";
    EXPECT_TRUE((plan_of(1).claims | plan_of(2).claims).all());
    now += cluster_settings::orphan_grace;
    EXPECT_TRUE(plan_of(3).claims.none());

    view.replicas[2].beat = 4;
    EXPECT_TRUE(plan_of(3).claims.any());
}

TEST_F(ShardPlan, NothingMovesToOneThatHasJustStarted) {
    own(shard_set().set(), incarnation(1));
    settle();
    view.replicas[2].beat = proven_beat - 1;
    watch.take(view, now);
    EXPECT_TRUE(plan_of(1).surplus.none());
    view.replicas[2].beat = proven_beat;
    watch.take(view, now);
    EXPECT_EQ(plan_of(1).surplus.count(), 8U);
}

TEST_F(ShardPlan, DrainingReplicaGivesAllAndClaimsNone) {
    own(shard_set().set(0).set(7), incarnation(1));
    view.replicas[0].draining = true;
    watch.take(view, now);
    EXPECT_EQ(plan_of(1).surplus, shard_set().set(0).set(7));
    EXPECT_TRUE(plan_of(1).claims.none());
    EXPECT_EQ(plan_of(2).claims.count() + plan_of(3).claims.count(), 254U);
}

TEST_F(ShardPlan, ShardOfAKeyUsesItsUpperBits) {
    EXPECT_EQ(shard_of({0, 0xAB00'0000'0000'0000}, 256), 0xAB);
    EXPECT_EQ(shard_of({0, ~std::uint64_t{0}}, 16), 15);
    EXPECT_EQ(shard_of({~std::uint64_t{0}, 0}, 256), 0);
}

} // namespace
} // namespace kallglot
