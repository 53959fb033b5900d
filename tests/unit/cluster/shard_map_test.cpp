// What a replica owns follows the answers; what it gives away is not used again.

#include "cluster/shard_map.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kallglot {
namespace {

constexpr incarnation self{1};
constexpr incarnation other{2};

shard_set set_of(std::initializer_list<std::size_t> shards) {
    shard_set set;
    for (const std::size_t shard : shards) {
        set.set(shard);
    }
    return set;
}

struct ShardMap : testing::Test {
    shard_map map;
    std::vector<shard_row> rows{{self, 3}, {other, 4}, {incarnation::none, 5}, {self, 6}};

    shard_changes update() { return map.update(rows, self); }
};

TEST_F(ShardMap, HoldsWhatTheAnswerSays) {
    EXPECT_EQ(update().gained, set_of({0, 3}));
    EXPECT_EQ(map.held(), set_of({0, 3}));
    EXPECT_EQ(map.epoch(3), 6);
    EXPECT_TRUE(update().gained.none());
    rows[0] = {other, 4};
    EXPECT_EQ(update().lost, set_of({0}));
    EXPECT_EQ(map.held(), set_of({3}));
}

TEST_F(ShardMap, ShardThatWasAnothersInBetweenIsLostAndGained) {
    static_cast<void>(update());
    rows[0].epoch = 5;
    const shard_changes changes = update();
    EXPECT_EQ(changes.lost, set_of({0}));
    EXPECT_EQ(changes.gained, set_of({0}));
    EXPECT_EQ(map.epoch(0), 5);
}

TEST_F(ShardMap, EpochMayGoBackAfterAFailover) {
    static_cast<void>(update());
    rows[3].epoch = 2;
    EXPECT_EQ(update().gained, set_of({3}));
    EXPECT_EQ(map.epoch(3), 2);
}

TEST_F(ShardMap, LeavingShardIsNotHeldAndReleasedWhenFinished) {
    static_cast<void>(update());
    map.begin_leaving(set_of({0, 1}));
    EXPECT_EQ(map.held(), set_of({3}));
    EXPECT_EQ(map.leaving(), set_of({0}));
    EXPECT_TRUE(map.to_release().empty());
    map.finish_leaving(set_of({0, 3}));
    EXPECT_EQ(map.to_release(), (std::vector<released_shard>{{0, 3}}));
}

TEST_F(ShardMap, ReleaseIsRepeatedUntilAnAnswerShowsIt) {
    static_cast<void>(update());
    map.begin_leaving(set_of({0}));
    map.finish_leaving(set_of({0}));
    EXPECT_TRUE(update().gained.none())
        << "the release is not executed yet: it must not be held again";
    EXPECT_EQ(map.held(), set_of({3}));
    EXPECT_EQ(map.to_release().size(), 1U);
    rows[0].owner = incarnation::none;
    EXPECT_EQ(update().lost, set_of({0})) << "its sessions stay in memory until then";
    EXPECT_TRUE(map.to_release().empty());
    EXPECT_TRUE(map.leaving().none());
}

TEST_F(ShardMap, ClearGivesUpAll) {
    static_cast<void>(update());
    map.begin_leaving(set_of({0}));
    EXPECT_EQ(map.clear(), set_of({0, 3}));
    EXPECT_TRUE(map.held().none());
    EXPECT_TRUE(map.leaving().none());
}

} // namespace
} // namespace kallglot
