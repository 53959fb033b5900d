#include "kallglot/tracking/remembered_keys.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <string_view>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr steady_time begin{500h};

constexpr hash_key secret{0x0706'0504'0302'0100ULL, 0x0F0E'0D0C'0B0A'0908ULL};

// A key, by its number.
remembered_key key(std::uint64_t number) {
    return {number, 7};
}

TEST(RememberedKeys, TheKeyOfATextNeverChanges) {
    // Written into files: these values are for ever. Computed independently of the code.
    constexpr std::string_view text = "sess_7Yb3nQ4kTz9VxL2mW8cR5dJpQ0aB6sHf";
    EXPECT_EQ(key_of_session(secret, text),
              (remembered_key{0x96D1'088D'BC06'431DULL, 0xE31C'DDAA'0C9C'C69BULL}));
    EXPECT_EQ(key_of_event(secret, text),
              (remembered_key{0x5F64'657C'2BC4'5BDEULL, 0x06F3'141D'D263'D74FULL}));
    EXPECT_EQ(version_1_key(""), 0xF52A'15E9'A9B5'E89BULL);
    EXPECT_EQ(version_1_key(text), 0x9321'BFF1'3CFB'F979ULL);
    EXPECT_EQ(key_of_version_1(secret, version_1_key(text)),
              (remembered_key{0x8B3C'5666'4510'355FULL, 0xB3E7'E962'FE92'0070ULL}));
}

TEST(RememberedKeys, IdsThatCollidedInVersion1HaveKeysOfTheirOwn) {
    constexpr std::string_view id = "sess_01HXYZ123456789";
    constexpr std::string_view other = "sess_zEc_fxHNxCDQdrg_K-_F3p";
    ASSERT_EQ(version_1_key(id), version_1_key(other));
    EXPECT_NE(key_of_session(secret, id), key_of_session(secret, other));
    EXPECT_NE(key_of_session(secret, id), key_of_event(secret, id));
}

// Nothing distinguishes keys but the 128 bits: two that share 64 of them are two.
TEST(RememberedKeys, KeysThatShareHalfOfTheirBitsAreTwo) {
    remembered_keys keys;
    EXPECT_TRUE(keys.add({{1, 7}, begin, remembered_kind::ended}));
    EXPECT_FALSE(keys.contains({1, 8}, begin));
    EXPECT_TRUE(keys.add({{1, 8}, begin, remembered_kind::ended}));
    EXPECT_TRUE(keys.erase({1, 7}, begin));
    EXPECT_TRUE(keys.contains({1, 8}, begin));
}

TEST(RememberedKeys, LetsGoAfterThreeDays) {
    remembered_keys keys;
    EXPECT_TRUE(keys.add({key(1), begin, remembered_kind::ended}));
    EXPECT_TRUE(keys.add({key(2), begin + 1h, remembered_kind::event}));
    EXPECT_FALSE(keys.add({key(1), begin + 2h, remembered_kind::not_found}));
    EXPECT_TRUE(keys.add({key(3), begin + 72h, remembered_kind::event}));
    EXPECT_TRUE(keys.contains(key(1), begin + 72h));
    EXPECT_EQ(keys.size(), 3U);
    EXPECT_TRUE(keys.add({key(4), begin + 72h + 1s, remembered_kind::event}));
    EXPECT_FALSE(keys.contains(key(1), begin + 72h + 1s));
    EXPECT_TRUE(keys.contains(key(2), begin + 72h + 1s));
    EXPECT_EQ(keys.size(), 3U);
}

TEST(RememberedKeys, DoNotGrowWithoutLookUps) {
    remembered_keys keys;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        keys.add({key(i), begin + i * 1h, remembered_kind::ended});
    }
    EXPECT_EQ(keys.size(), 73U);
}

TEST(RememberedKeys, ManyOldKeysArePurgedInPortions) {
    remembered_keys keys;
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        keys.add({key(i), begin, remembered_kind::ended});
    }
    const steady_time later = begin + 73h;
    EXPECT_FALSE(keys.contains(key(5000), later));
    EXPECT_FALSE(keys.erase(key(4999), later));
    EXPECT_TRUE(keys.erase(key(4998), begin));
    EXPECT_TRUE(keys.add({key(5000), later, remembered_kind::ended})) << "new once more";
    EXPECT_TRUE(keys.contains(key(5000), later));
    EXPECT_EQ(keys.size(), 3998U);
    for (std::uint64_t i = 0; i < 4; ++i) {
        keys.add({key(10'000 + i), later, remembered_kind::ended});
    }
    EXPECT_EQ(keys.size(), 5U);
    EXPECT_TRUE(keys.contains(key(5000), later));
}

TEST(RememberedKeys, WhatTheOperatorWantsBackIsForgotten) {
    remembered_keys keys;
    keys.add({key(1), begin, remembered_kind::ended});
    EXPECT_TRUE(keys.erase(key(1), begin));
    EXPECT_FALSE(keys.erase(key(1), begin));
    EXPECT_FALSE(keys.contains(key(1), begin));
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> entries;
    EXPECT_FALSE(keys.list(cursor, 10, entries));
    EXPECT_TRUE(entries.empty());
    // Acknowledged, ended and remembered a second time: the first time no longer counts.
    keys.add({key(1), begin + 10h, remembered_kind::ended});
    keys.add({key(2), begin + 73h, remembered_kind::ended});
    EXPECT_TRUE(keys.contains(key(1), begin + 73h));
}

TEST(RememberedKeys, AListContinuesWhileOldKeysAreRemoved) {
    remembered_keys keys;
    for (std::uint64_t i = 0; i < 100; ++i) {
        keys.add({key(i + 1), begin + i * 1min, remembered_kind::ended});
    }
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    bool more = true;
    while (more) {
        std::vector<remembered_entry> some;
        more = keys.list(cursor, 7, some);
        all.insert(all.end(), some.begin(), some.end());
        keys.add({key(1000 + all.size()), begin + 72h + all.size() * 1min, remembered_kind::ended});
    }
    ASSERT_GE(all.size(), 100U);
    for (std::uint64_t i = 0; i < 100; ++i) {
        ASSERT_EQ(all[i].key, key(i + 1));
    }
}

// Against a plain map, with as many keys as make every shard grow several times.
TEST(RememberedKeysProperty, AgreesWithAMap) {
    remembered_keys keys;
    std::map<std::uint64_t, steady_time> model;
    std::mt19937_64 random(7);
    steady_time now = begin;
    // What is too old leaves with each that comes.
    const auto let_go = [&](std::uint64_t number) {
        const auto found = model.find(number);
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
        const std::uint64_t number =
            !used.empty() && random() % 4 == 0 ? used[random() % used.size()] : random();
        let_go(number);
        ASSERT_EQ(keys.contains(key(number), now), model.contains(number));
        if (random() % 8 == 0) {
            ASSERT_EQ(keys.erase(key(number), now), model.erase(number) == 1);
        } else {
            ASSERT_EQ(keys.add({key(number), now, remembered_kind::event}),
                      model.emplace(number, now).second);
            used.push_back(number);
            if (random() % 512 == 0) {
                let_all_go();
                ASSERT_EQ(keys.size(), model.size());
            }
        }
    }
    keys.add({key(1), now, remembered_kind::event});
    model.emplace(1, now);
    let_all_go();
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    EXPECT_FALSE(keys.list(cursor, 1'000'000, all));
    ASSERT_EQ(all.size(), model.size());
    for (const remembered_entry& one : all) {
        ASSERT_EQ(model.at(one.key.low), one.at);
    }
}

TEST(RememberedKeys, KeepsTimesBeforeTheBoot) {
    remembered_keys keys;
    const steady_time before{-49h};
    EXPECT_TRUE(keys.add({key(5), before, remembered_kind::not_found}));
    std::uint64_t cursor = 0;
    std::vector<remembered_entry> all;
    keys.list(cursor, 10, all);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front(), (remembered_entry{key(5), before, remembered_kind::not_found}));
    keys.add({key(6), steady_time{23h + 1s}, remembered_kind::ended});
    EXPECT_EQ(keys.size(), 1U);
}

} // namespace
} // namespace kallglot::test
