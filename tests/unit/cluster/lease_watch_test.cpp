// A replica is dead when its beat stood still for a lease, within one series of answers.

#include "cluster/lease_watch.hpp"

#include "unit/cluster/cluster_views.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

constexpr incarnation other{2};

struct LeaseWatch : testing::Test {
    lease_watch watch;
    cluster_view view = make_view(2, 4);
    steady_time now{std::chrono::hours(1)};

    void take(int answers = 1) {
        for (int i = 0; i < answers; ++i) {
            watch.take(view, now);
            now += seconds(1);
        }
    }
};

TEST_F(LeaseWatch, ExpiresALeaseAfterTheBeatWasFirstSeen) {
    const steady_time first = now;
    take(2);
    EXPECT_EQ(watch.expires_at(other), lease_watch::never);
    take(3);
    EXPECT_EQ(watch.expires_at(other), first + view.replicas[1].lease);
    EXPECT_FALSE(watch.has_moved(other));
}

// It may have been started with another configuration. It trusts its beats by its own lease.
TEST_F(LeaseWatch, LeaseIsThatOfTheOther) {
    view.replicas[1].lease = seconds(17);
    const steady_time first = now;
    take(8);
    EXPECT_EQ(watch.expires_at(other), first + seconds(17));
    EXPECT_EQ(watch.expires_at(incarnation(1)), first + seconds(6));
}

TEST_F(LeaseWatch, AnyChangeIsASignOfLife) {
    take(5);
    view.replicas[1].beat = -1;
    const steady_time changed = now;
    take(3);
    EXPECT_EQ(watch.expires_at(other), changed + view.replicas[1].lease);
    EXPECT_TRUE(watch.has_moved(other));
}

TEST_F(LeaseWatch, NewConnectionBeginsANewSeries) {
    take(5);
    watch.restart();
    EXPECT_EQ(watch.expires_at(other), lease_watch::never);
    const steady_time first = now;
    take(3);
    EXPECT_EQ(watch.expires_at(other), first + view.replicas[1].lease);
}

TEST_F(LeaseWatch, NewServerBeginsANewSeries) {
    take(5);
    ++view.generation.started_at;
    const steady_time first = now;
    take(3);
    EXPECT_EQ(watch.expires_at(other), first + view.replicas[1].lease);
}

TEST_F(LeaseWatch, RemembersSinceWhenAShardHasNoOwner) {
    view.shards[0].owner = other;
    view.shards[1].owner = incarnation(99);
    const steady_time first = now;
    take();
    EXPECT_EQ(watch.orphan_since(0), lease_watch::never);
    EXPECT_EQ(watch.orphan_since(1), first) << "its owner has no row";
    EXPECT_EQ(watch.orphan_since(2), first);
    view.shards[2].owner = other;
    take();
    EXPECT_EQ(watch.orphan_since(1), first);
    EXPECT_EQ(watch.orphan_since(2), lease_watch::never);
}

TEST_F(LeaseWatch, SettlesWhenAllReplicasHaveBeatenForAWhile) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(watch.is_settled(now) && i > 0);
        beat(view);
        take();
    }
    EXPECT_TRUE(watch.is_settled(now));
    EXPECT_FALSE(watch.is_settled(now + seconds(2))) << "no beat";
}

} // namespace
} // namespace kallglot
