// Promises of the intake: durable before it is acknowledged, and nothing tracked that could not be stored.

#include "unit/intake/intake_fixture.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {
namespace {

using enum webhook_type;

class Intake : public IntakeFixture {
protected:
    /// Polls go on in between.
    void run_for(steady_duration time) {
        for (steady_duration passed{}; passed < time; passed += 100ms) {
            clock_.advance(100ms);
            loop_.poll();
        }
    }
};

TEST_F(Intake, AnIdIsAnsweredOnlyWhenItIsDurable) {
    const auto first = put(1);
    EXPECT_FALSE(first.done());
    EXPECT_TRUE(is_tracked(1));
    // A known one waits for the same commit.
    const auto second = put(1);
    EXPECT_FALSE(second.done());
    commit();
    ASSERT_TRUE(first.done());
    ASSERT_TRUE(second.done());
    EXPECT_EQ(first.value(), track_outcome::added);
    EXPECT_EQ(second.value(), track_outcome::known);
    EXPECT_TRUE(store_.holds(name(1)));
    // Once it is durable there is nothing to wait for.
    const auto third = put(1);
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.value(), track_outcome::known);
    EXPECT_EQ(metric("kallglot_exporter_sessions_added_total", "api"), 1);
}

TEST_F(Intake, AFailedCommitTakesTheIdsOutAgain) {
    const auto first = put(1);
    const auto again = put(1);
    const auto many = put_all(names(2, 3));
    const auto delivery = deliver(event(session_created, 5, 1001));
    EXPECT_EQ(registry_->size(), 5U);
    fail();
    EXPECT_TRUE(first.failed_with(errc::store_unavailable));
    EXPECT_TRUE(again.failed_with(errc::store_unavailable));
    EXPECT_TRUE(many.failed_with(errc::store_unavailable));
    EXPECT_TRUE(delivery.failed_with(errc::store_unavailable));
    EXPECT_EQ(registry_->size(), 0U);
    EXPECT_TRUE(store_.sessions.empty());
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "operator"), 0);
}

TEST_F(Intake, NothingIsTakenInWhileTheStoreIsUnusable) {
    put(1);
    commit();
    fail();
    EXPECT_FALSE(intake_->accepting());
    EXPECT_TRUE(put(1).failed_with(errc::store_unavailable));
    EXPECT_TRUE(put(2).failed_with(errc::store_unavailable));
    EXPECT_TRUE(put_all(names(3, 2)).failed_with(errc::store_unavailable));
    EXPECT_TRUE(forget(1).failed_with(errc::store_unavailable));
    EXPECT_TRUE(deliver(event(session_ended, 1, 1001)).failed_with(errc::store_unavailable));
    EXPECT_TRUE(deliver(event(session_created, 4, 1002)).failed_with(errc::store_unavailable));
    EXPECT_EQ(registry_->size(), 1U);
    EXPECT_EQ(record(1).status, session_status::unknown);
    EXPECT_EQ(log_.count(log_level::error), 1U);
    store_.recover();
    EXPECT_TRUE(intake_->accepting());
    const auto later = put(2);
    commit();
    ASSERT_TRUE(later.done());
    EXPECT_EQ(later.value(), track_outcome::added);
}

TEST_F(Intake, ARetryAfterAFailedCommitIsNew) {
    put(1);
    fail();
    store_.recover();
    const auto again = put(1);
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), track_outcome::added);
    EXPECT_TRUE(store_.holds(name(1)));
}

TEST_F(Intake, AFewIdsDoNotWaitForManyAndManyWaitForEachOfThem) {
    const auto many = put_all(names(1, 100));
    const auto one = put(200);
    store_.commit_single();
    loop_.poll();
    EXPECT_TRUE(one.done());
    EXPECT_FALSE(many.done());
    store_.commit_bulk();
    loop_.poll();
    ASSERT_TRUE(many.done());
    EXPECT_EQ(many.value().added, 100U);
    EXPECT_EQ(many.value().known, 0U);
}

TEST_F(Intake, ManyWaitForAKnownIdThatIsCommittedApart) {
    const auto one = deliver(event(session_created, 1, 1001));
    const auto many = put_all(names(1, 3));
    store_.commit_bulk();
    loop_.poll();
    EXPECT_FALSE(store_.holds(name(1)));
    EXPECT_FALSE(many.done()) << "acknowledged before one of the ids was durable";
    store_.commit_single();
    loop_.poll();
    ASSERT_TRUE(many.done());
    EXPECT_EQ(many.value().added, 2U);
    EXPECT_EQ(many.value().known, 1U);
    EXPECT_TRUE(one.done());
}

TEST_F(Intake, AnEventWaitsForTheBulkCommitOfItsSession) {
    const auto many = put_all(names(1, 3));
    const auto delivery = deliver(event(session_started, 2, 1001));
    const auto twice = deliver(event(session_started, 2, 1001));
    store_.commit_single();
    loop_.poll();
    EXPECT_FALSE(store_.holds(name(2)));
    EXPECT_FALSE(store_.keys.contains(key_of_event({}, "evt_1001")))
        << "a crash would make a duplicate of it";
    EXPECT_FALSE(delivery.done()) << "acknowledged before its session was durable";
    EXPECT_FALSE(twice.done()) << "acknowledged before its session was durable";
    commit();
    ASSERT_TRUE(delivery.done());
    EXPECT_EQ(delivery.value(), event_outcome::accepted);
    EXPECT_EQ(store_.sessions.at(name(2)).status, session_status::active);
    EXPECT_TRUE(twice.done());
    EXPECT_TRUE(many.done());
}

TEST_F(Intake, ShortMemoryRejectsNewIdsOnly) {
    const auto before = put(1);
    commit();
    ASSERT_TRUE(before.done());
    intake_->hold_off(true);
    EXPECT_TRUE(put(2).failed_with(errc::memory_short));
    EXPECT_TRUE(put_all(names(2, 5)).failed_with(errc::memory_short));
    EXPECT_TRUE(deliver(event(session_created, 2, 1001)).failed_with(errc::memory_short));
    intake_->on_added(names(2, 5));
    EXPECT_FALSE(is_tracked(2));
    const auto known = deliver(event(webhook_type::session_started, 1, 1002));
    commit();
    ASSERT_TRUE(known.done());
    EXPECT_EQ(known.value(), event_outcome::accepted);
    EXPECT_EQ(record(1).status, session_status::active);
    EXPECT_FALSE(intake_->wants_all_again());

    intake_->hold_off(false);
    EXPECT_TRUE(intake_->wants_all_again()) << "the file's lines were refused";
    const auto again = deliver(event(session_created, 2, 1001));
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), event_outcome::accepted);
}

TEST_F(Intake, AFullTableRejectsNewIdsOnly) {
    max_tracked_ = 3;
    restart();
    const auto some = put_all(names(1, 5));
    commit();
    ASSERT_TRUE(some.done());
    EXPECT_EQ(some.value().added, 3U);
    ASSERT_EQ(some.value().over_limit.size(), 2U);
    EXPECT_EQ(some.value().over_limit[0].view(), name(4));
    EXPECT_TRUE(put(4).failed_with(errc::session_limit));
    EXPECT_TRUE(deliver(event(session_created, 4, 1001)).failed_with(errc::session_limit));
    const auto known = put(2);
    ASSERT_TRUE(known.done());
    EXPECT_EQ(known.value(), track_outcome::known);
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "limit"), 4);
    intake_->on_added(names(10, 5));
    intake_->on_added(names(15, 5));
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "limit"), 14);
    EXPECT_EQ(log_.count(log_level::warn), 1U) << "one line, not one for each file";
    // There is room again.
    const auto gone = forget(1);
    commit();
    EXPECT_TRUE(gone.done());
    const auto fresh = deliver(event(session_created, 4, 1001));
    commit();
    ASSERT_TRUE(fresh.done());
    EXPECT_EQ(fresh.value(), event_outcome::accepted);
}

TEST_F(Intake, ACallThatFailsTakesNothingFromWhatIsRemembered) {
    std::vector<remembered_entry> ended;
    for (const std::size_t i : {1U, 2U, 3U}) {
        ended.push_back({key_of_session({}, name(i)), clock_.now(), remembered_kind::ended});
    }
    intake_->on_remembered(ended);
    const auto one = put(1);
    const auto others = put_all(names(2, 2));
    fail();
    EXPECT_TRUE(one.failed_with(errc::store_unavailable));
    EXPECT_TRUE(others.failed_with(errc::store_unavailable));
    store_.recover();
    intake_->on_added(names(1, 3));
    EXPECT_EQ(registry_->size(), 0U) << "a file does not revive them";
    const auto again = put(1);
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), track_outcome::added) << "an operator does";
}

TEST_F(Intake, AForgottenSessionIsGoneAndMayComeAgain) {
    put(1);
    commit();
    const auto gone = forget(1);
    EXPECT_FALSE(gone.done());
    EXPECT_FALSE(is_tracked(1));
    commit();
    ASSERT_TRUE(gone.done());
    EXPECT_EQ(gone.value(), forget_outcome::forgotten);
    EXPECT_FALSE(store_.holds(name(1)));
    const auto none = forget(1);
    ASSERT_TRUE(none.done());
    EXPECT_EQ(none.value(), forget_outcome::not_tracked);
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "operator"), 1);
    // Only what ended or was not there is remembered: an operator may change his mind.
    const auto again = deliver(event(session_started, 1, 1001));
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), event_outcome::accepted);
}

TEST_F(Intake, ForgettingOneThatIsNotDurableYetLeavesNothing) {
    const auto added = put(1);
    const auto gone = forget(1);
    commit();
    EXPECT_TRUE(added.done());
    EXPECT_TRUE(gone.done());
    EXPECT_FALSE(store_.holds(name(1)));
    restart();
    EXPECT_EQ(registry_->size(), 0U);
}

TEST_F(Intake, EverythingAcknowledgedIsThereAfterARestart) {
    const auto one = put(1);
    const auto many = put_all(names(2, 20));
    const auto delivery = deliver(event(session_started, 30, 1001));
    intake_->on_added(names(40, 5));
    commit();
    ASSERT_TRUE(one.done() && many.done() && delivery.done());
    put(50); // never durable, never acknowledged
    restart();
    EXPECT_EQ(registry_->size(), 27U);
    EXPECT_FALSE(is_tracked(50));
    ASSERT_TRUE(is_tracked(30));
    EXPECT_EQ(record(30).status, session_status::active);
    const auto known = put(1);
    ASSERT_TRUE(known.done());
    EXPECT_EQ(known.value(), track_outcome::known);
    const auto duplicate = deliver(event(session_started, 30, 1001));
    commit();
    ASSERT_TRUE(duplicate.done());
    EXPECT_EQ(duplicate.value(), event_outcome::duplicate);
}

TEST_F(Intake, MoreThanTheLimitComeBackAfterARestart) {
    put_all(names(1, 20));
    commit();
    max_tracked_ = 10;
    restart();
    EXPECT_EQ(registry_->size(), 20U);
    EXPECT_TRUE(put(30).failed_with(errc::session_limit));
    EXPECT_EQ(put(1).value(), track_outcome::known);
}

TEST_F(Intake, AFloodOfEpisodesLeavesBoundedStoreAndLog) {
    constexpr std::size_t more = 50;
    constexpr std::size_t all = episode_history::max_episodes + more;
    max_tracked_ = all;
    connections_ = 256;
    restart();
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::connecting, clock_.wall_now());
    };
    start();
    put_all(names(1, all));
    commit();
    run_for(50s);
    EXPECT_EQ(ledger_->episodes().dropped(), more);
    EXPECT_EQ(ledger_->episodes().episodes().size(), episode_history::max_episodes);
    EXPECT_EQ(store_.episodes.size(), episode_history::max_episodes);
    EXPECT_FALSE(store_.episodes.contains(more));
    EXPECT_LE(log_.count(log_level::info), 2 * log_budget::max_lines);
}

TEST_F(Intake, AStuckEpisodeIsStoredCountedAndLogged) {
    session_status status = session_status::connecting;
    answer_ = [&](std::string_view, steady_time) {
        return ok_reply(status, clock_.wall_now());
    };
    start();
    put(1);
    commit();
    run_for(40s);
    ASSERT_EQ(store_.episodes.size(), 1U);
    EXPECT_TRUE(store_.episodes.at(1).is_open());
    EXPECT_TRUE(record(1).in_episode);
    const auto lines = [this](std::string_view beginning) {
        return std::ranges::count_if(log_.lines, [&](const std::string& line) {
            return line.starts_with(beginning) && line.find("left_out=0") != std::string::npos;
        });
    };
    EXPECT_EQ(lines("info stuck episode began session=" + name(1) + " status=connecting"), 1);

    // A restart tells nothing again, and the end is counted once.
    const auto stored = store_.episodes.at(1);
    restart();
    intake_->on_episodes(std::vector<stuck_episode>{stored});
    start();
    run_for(10s);
    status = session_status::active;
    run_for(10s);
    EXPECT_EQ(store_.episodes.at(1).outcome, episode_outcome::recovered);
    EXPECT_EQ(lines("info stuck episode began"), 1);
    EXPECT_EQ(lines("info stuck episode ended"), 1);
    EXPECT_EQ(test::instrument_value(metrics_.instruments(),
                                     "kallglot_stuck_episodes_total",
                                     {"connecting", "recovered"}),
              1);
}

} // namespace
} // namespace kallglot::test
