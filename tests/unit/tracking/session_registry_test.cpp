#include "kallglot/tracking/session_registry.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

using test::id_text;
using test::make_id;

TEST(SessionRegistry, FindsWhatWasAdded) {
    session_registry registry(100);
    const auto first = registry.add(make_id(1));
    EXPECT_TRUE(first.is_new);
    ASSERT_NE(first.slot, no_slot);
    const auto again = registry.add(make_id(1));
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.slot, first.slot);
    EXPECT_EQ(registry.find(id_text(1)), first.slot);
    EXPECT_EQ(registry.find(id_text(2)), no_slot);
    EXPECT_EQ(registry.id_of(first.slot), make_id(1));
    EXPECT_EQ(registry.size(), 1U);
    EXPECT_TRUE(registry.is_tracked(first.slot));
}

TEST(SessionRegistry, KeepsIdsOfEverySizeApart) {
    session_registry registry(1000);
    std::vector<std::pair<session_slot, session_id>> added;
    for (std::size_t size = 1; size <= session_id::max_size; ++size) {
        for (const char c : {'a', 'A', '-', '_', '0'}) {
            const session_id id = session_id::parse(std::string(size, c)).value();
            added.emplace_back(registry.add(id).slot, id);
        }
    }
    EXPECT_EQ(registry.size(), added.size());
    for (const auto& [slot, id] : added) {
        EXPECT_EQ(registry.find(id.view()), slot);
        EXPECT_EQ(registry.id_of(slot), id);
    }
}

TEST(SessionRegistry, RejectsMoreThanItsLimit) {
    session_registry registry(3);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(registry.add(make_id(i)).is_new);
    }
    EXPECT_TRUE(registry.full());
    EXPECT_EQ(registry.add(make_id(3)).slot, no_slot);
    EXPECT_EQ(registry.add(make_id(2)).slot, registry.find(id_text(2)));
    registry.set_max_tracked(4);
    EXPECT_TRUE(registry.add(make_id(3)).is_new);
    // A smaller limit removes no session; it only rejects new ones.
    registry.set_max_tracked(2);
    EXPECT_EQ(registry.size(), 4U);
    EXPECT_EQ(registry.add(make_id(4)).slot, no_slot);
}

TEST(SessionRegistry, GivesAFreeSlotToTheNextSession) {
    session_registry registry(10);
    const session_slot slot = registry.add(make_id(1)).slot;
    registry.update(slot, [](session_record& record) { record.failures = 9; });
    registry.remove(slot);
    EXPECT_FALSE(registry.is_tracked(slot));
    EXPECT_EQ(registry.find(id_text(1)), no_slot);
    EXPECT_EQ(registry.add(make_id(2)).slot, slot);
    EXPECT_EQ(registry[slot].failures, 0);
    EXPECT_EQ(registry.slot_count(), 1U);
}

TEST(SessionRegistry, HoldsTheSlotOfARemovedSessionUntilItsAnswerCame) {
    session_registry registry(10);
    const session_slot slot = registry.add(make_id(1)).slot;
    registry.update(slot, [](session_record& record) { record.in_flight = true; });
    registry.remove(slot);
    EXPECT_EQ(registry.size(), 0U);
    EXPECT_FALSE(registry.is_tracked(slot));
    EXPECT_TRUE(registry[slot].forgotten);
    // The same id, registered again, is another session for the answer in flight.
    const session_slot again = registry.add(make_id(1)).slot;
    EXPECT_NE(again, slot);
    EXPECT_EQ(registry.id_of(slot), make_id(1));
    registry.update(slot, [](session_record& record) { record.in_flight = false; });
    registry.release(slot);
    EXPECT_EQ(registry.find(id_text(1)), again);
    EXPECT_EQ(registry.add(make_id(2)).slot, slot);
}

TEST(SessionRegistry, UpdateReturnsTheResultOfTheChange) {
    session_registry registry(10);
    const session_slot slot = registry.add(make_id(1)).slot;
    EXPECT_EQ(registry.update(slot,
                              [](session_record& record) {
                                  record.status = session_status::active;
                                  return 42;
                              }),
              42);
    EXPECT_EQ(registry[slot].status, session_status::active);
}

/// Maintains a copy of every record from the calls of the registry only.
class mirror final : public registry_observer {
public:
    void before_change(session_slot slot, const session_record& record) override {
        const auto found = copies_.find(slot);
        ASSERT_NE(found, copies_.end());
        ASSERT_EQ(std::memcmp(&found->second, &record, sizeof record), 0);
        copies_.erase(found);
    }

    void after_change(session_slot slot, const session_record& record) override {
        session_record copy;
        std::memcpy(&copy, &record, sizeof record);
        ASSERT_TRUE(copies_.emplace(slot, copy).second);
    }

    [[nodiscard]] const std::unordered_map<session_slot, session_record>& copies() const {
        return copies_;
    }

private:
    std::unordered_map<session_slot, session_record> copies_;
};

/// Random operations on a registry and on a plain map beside it.
class registry_and_map {
public:
    explicit registry_and_map(test::chance& chance) : chance_(chance) {
        registry_.observe_with(&mirror_);
    }

    void operate() {
        const std::string id = id_text(chance_.below(3000), 1 + chance_.below(64));
        switch (chance_.below(10)) {
            case 0:
            case 1:
            case 2:
            case 3:
                add(id);
                break;
            case 4:
            case 5:
                remove(id);
                break;
            case 6:
                release();
                break;
            case 7:
                if (chance_.below(1000) == 0) {
                    registry_.set_max_tracked(500 + chance_.below(2500));
                }
                break;
            default:
                change(id);
                break;
        }
    }

    void compare() const {
        ASSERT_EQ(registry_.size(), map_.size());
        ASSERT_EQ(mirror_.copies().size(), map_.size());
        kind_tally tally{};
        std::size_t tracked = 0;
        for (std::uint32_t i = 0; i < registry_.slot_count(); ++i) {
            const session_slot slot{i};
            if (registry_.is_tracked(slot)) {
                const session_record& record = registry_[slot];
                ++tally[record.by_webhook][static_cast<std::size_t>(kind_of(record))];
                ++tracked;
                ASSERT_EQ(mirror_.copies().at(slot).status, record.status);
            }
        }
        ASSERT_EQ(tracked, map_.size());
        ASSERT_EQ(tally, registry_.tally());
        for (const auto& [id, slot] : map_) {
            ASSERT_EQ(registry_.find(id), slot);
            ASSERT_EQ(registry_.id_of(slot).view(), id);
        }
    }

private:
    void add(const std::string& id) {
        const bool known = map_.contains(id);
        const bool full = map_.size() >= registry_.max_tracked();
        const auto added = registry_.add(session_id::parse(id).value());
        ASSERT_EQ(added.is_new, !known && !full);
        if (known) {
            ASSERT_EQ(added.slot, map_.at(id));
        } else if (full) {
            ASSERT_EQ(added.slot, no_slot);
        } else {
            ASSERT_FALSE(registry_[added.slot].was_observed());
            ASSERT_TRUE(used_.insert(added.slot).second) << "a slot was given away twice";
            map_.emplace(id, added.slot);
        }
    }

    void remove(const std::string& id) {
        const auto found = map_.find(id);
        ASSERT_EQ(registry_.find(id), found == map_.end() ? no_slot : found->second);
        if (found == map_.end()) {
            return;
        }
        const session_slot slot = found->second;
        if (registry_[slot].in_flight) {
            departed_.push_back(slot);
        } else {
            used_.erase(slot);
        }
        registry_.remove(slot);
        map_.erase(found);
    }

    void release() {
        if (departed_.empty()) {
            return;
        }
        std::swap(departed_[chance_.below(departed_.size())], departed_.back());
        registry_.update(departed_.back(),
                         [](session_record& record) { record.in_flight = false; });
        registry_.release(departed_.back());
        used_.erase(departed_.back());
        departed_.pop_back();
    }

    void change(const std::string& id) {
        const auto found = map_.find(id);
        if (found == map_.end()) {
            return;
        }
        registry_.update(found->second, [this](session_record& record) {
            record.status = static_cast<session_status>(chance_.below(session_status_count));
            record.observed = chance_.of(50) ? no_time : test::t0;
            record.by_webhook = chance_.of(30);
            record.in_flight = chance_.of(50);
        });
    }

    test::chance& chance_;
    mirror mirror_;
    session_registry registry_{2000};
    std::unordered_map<std::string, session_slot> map_;
    std::vector<session_slot> departed_; ///< removed while their GET was under way
    std::set<session_slot> used_;
};

TEST(SessionRegistry, AgreesWithAMapOverRandomOperations) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    registry_and_map both(chance);
    const std::size_t operations = test::rounds(2'000'000);
    for (std::size_t i = 0; i < operations; ++i) {
        both.operate();
        if (i % (operations / 40) == 0) {
            both.compare();
        }
        ASSERT_FALSE(testing::Test::HasFatalFailure()) << "operation " << i;
    }
    both.compare();
}

} // namespace
} // namespace kallglot
