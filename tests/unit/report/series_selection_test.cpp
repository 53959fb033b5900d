#include "kallglot/report/series_selection.hpp"

#include "kallglot/report/census.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::make_id;
using test::t0;
using enum session_status;

class SeriesSelection : public testing::Test {
protected:
    session_slot add(const session_record& content) {
        const session_slot slot = registry_.add(make_id(next_id_++)).slot;
        become(slot, content);
        return slot;
    }

    void become(session_slot slot, const session_record& content) {
        registry_.update(slot, [&](session_record& record) { record.assign_all_but_id(content); });
    }

    /// The slots of the set that a census at `now` gives.
    std::set<session_slot> choose(steady_time now, std::size_t step = 1000) {
        series_candidates candidates(policy_.thresholds, selection_.limit());
        census_pass pass(registry_, {now, &policy_, 1, false, 10s, &candidates});
        while (pass.step(step)) {
        }
        std::set<session_slot> chosen;
        for (const auto& one :
             selection_.choose(candidates.take(registry_), registry_, policy_.thresholds, now)) {
            chosen.insert(one.slot);
        }
        return chosen;
    }

    session_registry registry_{100'000};
    poll_policy policy_;
    series_selection selection_;
    std::size_t next_id_ = 0;
};

session_record stuck_for(steady_duration stay, steady_time now = t0) {
    return test::observed(connecting, now - stay, now);
}

session_record calling_for(steady_duration call, steady_time now = t0) {
    session_record record = test::observed(active, now - call, now);
    record.started = now - call;
    return record;
}

TEST_F(SeriesSelection, SelectsNoSessionWithALimitOfZero) {
    add(stuck_for(1h));
    EXPECT_TRUE(choose(t0).empty());
}

TEST_F(SeriesSelection, SelectsAllSessionsWhileThereIsRoom) {
    selection_.set_limit(10);
    const auto a = add(stuck_for(1h));
    const auto b = add(calling_for(1min));
    const auto c = add(test::observed(ended, t0 - 1min, t0));
    EXPECT_EQ(choose(t0), (std::set{a, b, c}));
}

TEST_F(SeriesSelection, TakesTheStuckThenTheLongestCallsThenTheRest) {
    selection_.set_limit(3);
    add(test::observed(created, t0 - 5s, t0));
    const auto longest = add(calling_for(2h));
    add(calling_for(1h));
    const auto stuck_long = add(stuck_for(2min));
    const auto stuck = add(stuck_for(1min));
    EXPECT_EQ(choose(t0), (std::set{longest, stuck_long, stuck}));
    selection_.set_limit(1);
    EXPECT_EQ(choose(t0), (std::set{stuck_long}));
}

TEST_F(SeriesSelection, OtherMembersStayFiveMinutes) {
    selection_.set_limit(1);
    const auto first = add(calling_for(10min));
    EXPECT_EQ(choose(t0), (std::set{first}));
    const auto longer = add(calling_for(1h));
    EXPECT_EQ(choose(t0 + 299s), (std::set{first}));
    EXPECT_EQ(choose(t0 + 300s), (std::set{longer}));
    // Its own five minutes begin when it entered.
    registry_.remove(longer);
    EXPECT_EQ(choose(t0 + 301s), (std::set{first}));
}

TEST_F(SeriesSelection, StuckSessionsDisplaceOthersAtOnce) {
    selection_.set_limit(1);
    add(calling_for(10min));
    choose(t0);
    const auto stuck = add(stuck_for(1min, t0 + 1s));
    EXPECT_EQ(choose(t0 + 1s), (std::set{stuck}));
    const auto longer = add(stuck_for(2min, t0 + 2s));
    EXPECT_EQ(choose(t0 + 2s), (std::set{longer}));
}

TEST_F(SeriesSelection, AFormerlyStuckMemberStaysFiveMinutes) {
    selection_.set_limit(1);
    const auto slot = add(stuck_for(1min));
    choose(t0);
    become(slot, calling_for(1s, t0 + 10s));
    const auto longer = add(calling_for(1h));
    EXPECT_EQ(choose(t0 + 10s), (std::set{slot})) << "its alert resolves with a last value";
    EXPECT_EQ(choose(t0 + 301s), (std::set{longer}));
}

TEST_F(SeriesSelection, ANewSessionInAReusedSlotIsNotAMember) {
    selection_.set_limit(1);
    const auto slot = add(calling_for(1min));
    choose(t0);
    registry_.remove(slot);
    ASSERT_EQ(add(calling_for(1s)), slot) << "the place is used again";
    const auto longer = add(calling_for(1h));
    EXPECT_EQ(choose(t0 + 1s), (std::set{longer}));
}

TEST_F(SeriesSelection, FollowsSessionsThatBecomeStuckBehindTheCursor) {
    selection_.set_limit(1);
    const auto slot = add(calling_for(1min));
    for (int i = 0; i < 200; ++i) {
        add(calling_for(1h));
    }
    series_candidates candidates(policy_.thresholds, 1);
    census_pass pass(registry_, {t0, &policy_, 1, false, 10s, &candidates});
    ASSERT_TRUE(pass.step(100));
    become(slot, stuck_for(1min));
    while (pass.step(100)) {
    }
    const auto first = candidates.take(registry_);
    ASSERT_FALSE(first.empty());
    EXPECT_EQ(first.front().slot, slot);
    EXPECT_EQ(first.front().rank, series_rank::stuck);
}

TEST_F(SeriesSelection, ForgetsCandidatesThatLeaveDuringThePass) {
    selection_.set_limit(2);
    const auto gone = add(stuck_for(1h));
    const auto stays = add(stuck_for(1min));
    series_candidates candidates(policy_.thresholds, 2);
    census_pass pass(registry_, {t0, &policy_, 1, false, 10s, &candidates});
    while (pass.step(100)) {
    }
    registry_.remove(gone);
    const auto first = candidates.take(registry_);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first.front().slot, stays);
}

TEST_F(SeriesSelection, EqualsTheFirstOfAFullSortForAnyTable) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        SCOPED_TRACE(round);
        session_registry registry(1000);
        std::vector<ranked_session> all;
        const std::size_t count = random() % 400;
        for (std::size_t i = 0; i < count; ++i) {
            const auto slot = registry.add(make_id(i)).slot;
            registry.update(slot, [&](session_record& record) {
                record.status = static_cast<session_status>(random() % session_status_count);
                record.since = t0 - seconds(random() % 600);
                record.created = record.since - seconds(random() % 60);
                record.observed = random() % 4 == 0 ? no_time : t0 - seconds(random() % 30);
            });
            all.push_back(rank_session(policy_.thresholds, slot, registry[slot]));
        }
        const std::size_t limit = random() % 50;
        std::ranges::sort(all);
        series_candidates candidates(policy_.thresholds, limit);
        for (std::uint32_t i = 0; i < registry.slot_count(); ++i) {
            candidates.offer(session_slot{i}, registry[session_slot{i}]);
        }
        auto first = candidates.take(registry);
        first.resize(std::min(first.size(), limit));
        all.resize(std::min(all.size(), limit));
        EXPECT_EQ(first, all);
    }
}

} // namespace
} // namespace kallglot
