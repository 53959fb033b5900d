#include "polling/slot_rings.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace kallglot {
namespace {

/// Rings with entries of their own.
struct rings_of {
    explicit rings_of(std::size_t lists) : rings(entries, lists) {}

    void grow(std::size_t count) {
        while (entries.size() < count) {
            entries.emplace_back();
            rings.add(session_slot{static_cast<std::uint32_t>(entries.size() - 1)});
        }
    }

    schedule_entries entries;
    slot_rings<&schedule_entry::in_queue> rings;
};

TEST(SlotRings, ServesFirstInFirstOut) {
    rings_of with(2);
    auto& rings = with.rings;
    with.grow(5);
    for (const std::uint32_t i : {3U, 0U, 4U}) {
        rings.push_back(1, session_slot{i});
    }
    EXPECT_TRUE(rings.empty(0));
    for (const std::uint32_t i : {3U, 0U, 4U}) {
        ASSERT_EQ(rings.front(1), session_slot{i});
        EXPECT_TRUE(rings.is_linked(session_slot{i}));
        rings.unlink(session_slot{i});
        EXPECT_FALSE(rings.is_linked(session_slot{i}));
    }
    EXPECT_EQ(rings.front(1), no_slot);
}

TEST(SlotRings, UnlinkingTwiceDoesNothing) {
    rings_of with(1);
    auto& rings = with.rings;
    with.grow(2);
    rings.push_back(0, session_slot{0});
    rings.push_back(0, session_slot{1});
    rings.unlink(session_slot{0});
    rings.unlink(session_slot{0});
    EXPECT_EQ(rings.front(0), session_slot{1});
}

TEST(SlotRings, KeepsItsListsWhenItGrows) {
    rings_of with(3);
    auto& rings = with.rings;
    with.grow(1);
    rings.push_back(2, session_slot{0});
    with.grow(100'000);
    rings.push_back(2, session_slot{99'999});
    EXPECT_EQ(rings.front(2), session_slot{0});
    rings.unlink(session_slot{0});
    EXPECT_EQ(rings.front(2), session_slot{99'999});
}

TEST(SlotRings, AgreesWithQueuesOverRandomOperations) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    constexpr std::size_t slots = 300;
    constexpr std::size_t lists = 7;
    rings_of with(lists);
    auto& rings = with.rings;
    with.grow(slots);
    std::vector<std::deque<session_slot>> model(lists);
    std::vector<std::size_t> place(slots, lists);
    for (std::size_t i = 0; i < test::rounds(1'000'000); ++i) {
        const std::size_t which = chance.below(slots);
        const session_slot slot{static_cast<std::uint32_t>(which)};
        if (place[which] == lists) {
            place[which] = chance.below(lists);
            rings.push_back(place[which], slot);
            model[place[which]].push_back(slot);
        } else {
            auto& list = model[place[which]];
            ASSERT_EQ(rings.front(place[which]), list.front());
            rings.unlink(slot);
            list.erase(std::find(list.begin(), list.end(), slot));
            place[which] = lists;
        }
        ASSERT_EQ(rings.is_linked(slot), place[which] != lists);
    }
    for (std::size_t list = 0; list < lists; ++list) {
        ASSERT_EQ(rings.empty(list), model[list].empty());
    }
}

} // namespace
} // namespace kallglot
