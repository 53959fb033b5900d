#include "kallglot/tracking/remembered_keys.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr steady_time begin{500h};

TEST(RememberedKeys, TheKeyOfATextNeverChanges) {
    // Written into files: these values are for ever.
    EXPECT_EQ(remembered_key(""), 0xF52A'15E9'A9B5'E89BULL);
    EXPECT_EQ(remembered_key("sess_7Yb3nQ4kTz9VxL2mW8cR5dJpQ0aB6sHf"), 0x9321'BFF1'3CFB'F979ULL);
}

TEST(RememberedKeys, LetsGoAfterThreeDays) {
    remembered_keys keys;
    EXPECT_TRUE(keys.add({1, begin, remembered_kind::ended}));
    EXPECT_TRUE(keys.add({2, begin + 1h, remembered_kind::event}));
    EXPECT_FALSE(keys.add({1, begin + 2h, remembered_kind::not_found}));
    EXPECT_TRUE(keys.add({3, begin + 72h, remembered_kind::event}));
    EXPECT_TRUE(keys.contains(1, begin + 72h));
    EXPECT_EQ(keys.size(), 3U);
    EXPECT_TRUE(keys.add({4, begin + 72h + 1s, remembered_kind::event}));
    EXPECT_FALSE(keys.contains(1, begin + 72h + 1s));
    EXPECT_TRUE(keys.contains(2, begin + 72h + 1s));
    EXPECT_EQ(keys.size(), 3U);
}

TEST(RememberedKeys, DoNotGrowWithoutLookUps) {
    remembered_keys keys;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        keys.add({i, begin + i * 1h, remembered_kind::ended});
    }
    EXPECT_EQ(keys.size(), 73U);
}

TEST(RememberedKeys, ManyOldKeysArePurgedInPortions) {
    remembered_keys keys;
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        keys.add({i, begin, remembered_kind::ended});
    }
    const steady_time later = begin + 73h;
    EXPECT_FALSE(keys.contains(5000, later));
    EXPECT_FALSE(keys.erase(4999, later));
    EXPECT_TRUE(keys.erase(4998, begin));
    EXPECT_TRUE(keys.add({5000, later, remembered_kind::ended})) << "new once more";
    EXPECT_TRUE(keys.contains(5000, later));
    EXPECT_EQ(keys.size(), 3998U);
    for (std::uint64_t i = 0; i < 4; ++i) {
        keys.add({10'000 + i, later, remembered_kind::ended});
    }
    EXPECT_EQ(keys.size(), 5U);
    EXPECT_TRUE(keys.contains(5000, later));
}

TEST(RememberedKeys, WhatTheOperatorWantsBackIsForgotten) {
    remembered_keys keys;
    keys.add({1, begin, remembered_kind::ended});
    EXPECT_TRUE(keys.erase(1, begin));
    EXPECT_FALSE(keys.erase(1, begin));
    EXPECT_FALSE(keys.contains(1, begin));
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> entries;
    EXPECT_FALSE(keys.list(cursor, 10, entries));
    EXPECT_TRUE(entries.empty());
    // Acknowledged, ended and remembered a second time: the first time no longer counts.
    keys.add({1, begin + 10h, remembered_kind::ended});
    keys.add({2, begin + 73h, remembered_kind::ended});
    EXPECT_TRUE(keys.contains(1, begin + 73h));
}

TEST(RememberedKeys, AListContinuesWhileOldKeysAreRemoved) {
    remembered_keys keys;
    for (std::uint64_t i = 0; i < 100; ++i) {
        keys.add({i + 1, begin + i * 1min, remembered_kind::ended});
    }
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    bool more = true;
    while (more) {
        std::vector<remembered_entry> some;
        more = keys.list(cursor, 7, some);
        all.insert(all.end(), some.begin(), some.end());
        keys.add({1000 + all.size(), begin + 72h + all.size() * 1min, remembered_kind::ended});
    }
    ASSERT_GE(all.size(), 100U);
    for (std::uint64_t i = 0; i < 100; ++i) {
        ASSERT_EQ(all[i].key, i + 1);
    }
}

// Against a plain map, with as many keys as make every shard grow several times.
TEST(RememberedKeysProperty, AgreesWithAMap) {
    remembered_keys keys;
    std::map<std::uint64_t, steady_time> model;
    std::mt19937_64 random(7);
    steady_time now = begin;
    // What is too old leaves with each that comes.
    const auto let_go = [&](std::uint64_t key) {
        const auto found = model.find(key);
        if (found != model.end() && now - found->second > remembered_keys::retention) {
            model.erase(found);
        }
    };
    const auto let_all_go = [&] {
        std::erase_if(model, [&now](const auto& one) {
            return now - one.second > remembered_keys::retention;
        });
    };
    std::vector<std::uint64_t> used;
    for (int i = 0; i < 60'000; ++i) {
        now += std::chrono::seconds(random() % 30);
        const std::uint64_t key =
            !used.empty() && random() % 4 == 0 ? used[random() % used.size()] : random();
        let_go(key);
        ASSERT_EQ(keys.contains(key, now), model.contains(key));
        if (random() % 8 == 0) {
            ASSERT_EQ(keys.erase(key, now), model.erase(key) == 1);
        } else {
            ASSERT_EQ(keys.add({key, now, remembered_kind::event}), model.emplace(key, now).second);
            used.push_back(key);
            if (random() % 512 == 0) {
                let_all_go();
                ASSERT_EQ(keys.size(), model.size());
            }
        }
    }
    keys.add({1, now, remembered_kind::event});
    model.emplace(1, now);
    let_all_go();
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    EXPECT_FALSE(keys.list(cursor, 1'000'000, all));
    ASSERT_EQ(all.size(), model.size());
    for (const remembered_entry& one : all) {
        ASSERT_EQ(model.at(one.key), one.at);
    }
}

TEST(RememberedKeys, KeepsTimesBeforeTheBoot) {
    remembered_keys keys;
    const steady_time before{-49h};
    EXPECT_TRUE(keys.add({5, before, remembered_kind::not_found}));
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    keys.list(cursor, 10, all);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front(), (remembered_entry{5, before, remembered_kind::not_found}));
    keys.add({6, steady_time{23h + 1s}, remembered_kind::ended});
    EXPECT_EQ(keys.size(), 1U);
}

} // namespace
} // namespace kallglot::test
