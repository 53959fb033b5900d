#include "intake/departed_ids.hpp"

#include "intake/quiet_time.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{std::chrono::hours(1000)};

std::uint64_t hash(int number) {
    return hash_of("sess_01JQ7N0C5VXB3HEZ4M8K" + std::to_string(number));
}

TEST(IdHashes, HoldsWhatWasPutIn) {
    id_hashes ids;
    EXPECT_TRUE(ids.empty());
    for (int number = 0; number < 100'000; ++number) {
        EXPECT_TRUE(ids.insert(hash(number)));
    }
    EXPECT_FALSE(ids.insert(hash(7)));
    EXPECT_TRUE(ids.contains(hash(99'999)));
    EXPECT_FALSE(ids.contains(hash(100'000)));
    EXPECT_TRUE(ids.erase(hash(7)));
    EXPECT_FALSE(ids.erase(hash(7)));
    EXPECT_EQ(ids.size(), 99'999u);
}

TEST(IdHashes, ShardsAreOfDifferentSizesWithinAFactorOfTwo) {
    id_hashes ids;
    constexpr int count = 100'000;
    for (int number = 0; number < count; ++number) {
        ids.insert(hash(number));
    }
    std::size_t least = count;
    std::size_t most = 0;
    for (std::size_t shard = 0; shard < id_hashes::shard_count; ++shard) {
        least = std::min(least, ids.at(shard).size());
        most = std::max(most, ids.at(shard).size());
    }
    EXPECT_GT(least, count * 0.03);
    EXPECT_GT(most, least * 3 / 2);
    EXPECT_LT(most, count * 0.1);
}

TEST(DepartedIds, LeaveAfterTheGrace) {
    departed_ids departed;
    EXPECT_EQ(departed.due(), std::nullopt);
    departed.add(hash(1), start);
    EXPECT_EQ(departed.due(), start + 30s);
    EXPECT_FALSE(departed.take(start + 30s - 1ns));
    const auto left = departed.take(start + 30s);
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->ids.contains(hash(1)));
    EXPECT_EQ(departed.due(), std::nullopt);
}

TEST(DepartedIds, NoneLeavesBeforeItsOwnGrace) {
    departed_ids departed;
    departed.add(hash(1), start);
    departed.add(hash(2), start + 900ms);
    departed.add(hash(3), start + 1s);
    EXPECT_FALSE(departed.take(start + 30s));
    const auto first = departed.take(start + 30s + 900ms);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->ids.size(), 2u);
    EXPECT_FALSE(departed.take(start + 30s + 900ms));
    EXPECT_TRUE(departed.contains(hash(3)));
    EXPECT_TRUE(departed.take(start + 31s));
}

TEST(DepartedIds, AnIdThatComesBackDoesNotLeave) {
    departed_ids departed;
    departed.add(hash(1), start);
    departed.add(hash(2), start);
    EXPECT_TRUE(departed.erase(hash(1)));
    EXPECT_FALSE(departed.erase(hash(1)));
    departed.add(hash(1), start + 20s);
    const auto first = departed.take(start + 30s);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->ids.contains(hash(1)));
    EXPECT_TRUE(first->ids.contains(hash(2)));
    EXPECT_TRUE(departed.take(start + 50s)->ids.contains(hash(1)));
}

TEST(DepartedIds, AllIdsOfAFileLeaveTogetherAndLater) {
    departures departed;
    id_hashes ids;
    ids.insert(hash(1));
    departed.files.add_all(std::move(ids), start, "/etc/kallglot_exporter/sessions.txt");
    departed.lines.add(hash(2), start);
    EXPECT_TRUE(departed.lines.take(start + 30s)->file.empty());
    EXPECT_FALSE(departed.files.take(start + 10min - 1ns));
    EXPECT_TRUE(departed.contains(hash(1)));
    const auto due = departed.files.take(start + 10min);
    ASSERT_TRUE(due);
    EXPECT_EQ(due->file, "/etc/kallglot_exporter/sessions.txt");
    EXPECT_TRUE(due->ids.contains(hash(1)));
}

TEST(DepartedIds, ReturnsSmallAndLargeSetsInFull) {
    departed_ids departed;
    for (const int count : {100, 10'000}) {
        id_hashes ids;
        for (int number = 0; number < count; ++number) {
            ids.insert(hash(number));
        }
        departed.add_all(std::move(ids), start);
    }
    departed.add_all(id_hashes(), start + 5s);
    std::size_t left = 0;
    while (const auto due = departed.take(start + 30s)) {
        left += due->ids.size();
    }
    EXPECT_EQ(left, 10'100u);
    EXPECT_EQ(departed.due(), std::nullopt) << "the empty one left nothing behind";
}

TEST(QuietTime, WaitsForQuietAndNotLongerThanASecond) {
    quiet_time changes;
    EXPECT_EQ(changes.due(), std::nullopt);
    changes.changed(start);
    EXPECT_EQ(changes.due(), start + 100ms);
    changes.changed(start + 80ms);
    EXPECT_EQ(changes.due(), start + 180ms);
    changes.changed(start + 950ms);
    EXPECT_EQ(changes.due(), start + 1s);
    changes.clear();
    EXPECT_EQ(changes.due(), std::nullopt);
}

} // namespace
} // namespace kallglot::test
