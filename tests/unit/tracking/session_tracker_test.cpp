#include "kallglot/tracking/session_tracker.hpp"

#include "kallglot/base/time.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::api_at;
using test::polled;
using test::registered;
using test::snapshot;
using test::t0;
using enum session_status;

session_record seen_created(steady_time at = t0) {
    session_record record = registered(at - 1s);
    session_snapshot said = snapshot(created);
    said.created_at = api_at(at - 3s);
    (void)observe(record, said, polled(at));
    return record;
}

session_record seen(session_status status, steady_time at) {
    session_record record = seen_created(at - 10s);
    (void)observe(record, snapshot(status), polled(at));
    return record;
}

TEST(SessionTracker, FirstSightIsNoChangeOfStatus) {
    session_record record = registered(t0 - 1h);
    session_snapshot said = snapshot(created);
    said.created_at = api_at(t0 - 30s);
    const tracking changes = observe(record, said, polled(t0));
    EXPECT_FALSE(changes.change.has_value());
    EXPECT_FALSE(changes.outdated);
    EXPECT_EQ(record.status, created);
    EXPECT_EQ(record.observed, t0);
    EXPECT_EQ(record.since, t0 - 29s);
    EXPECT_EQ(record.created, t0 - 29s);
    EXPECT_EQ(record.mode, session_mode::ai_agent);
    EXPECT_EQ(record.provider, session_provider::sip);
}

TEST(SessionTracker, FirstMetInConnectingCountsFromTheReceipt) {
    session_record record = registered(t0 - 1h);
    session_snapshot said = snapshot(connecting);
    said.created_at = api_at(t0 - 10min);
    (void)observe(record, said, polled(t0, 300ms));
    EXPECT_EQ(record.since, t0 + 300ms);
    EXPECT_TRUE(not_started(record));
    EXPECT_NEAR(to_seconds(t0 - record.created), 599, 0.5);
    // It may have begun any time since the creation: its stay is not known.
    EXPECT_GE(record.since_slack_ms, 598'000U);
}

TEST(SessionTracker, AStatusWithoutTimestampIsBoundedByTheTwoPolls) {
    session_record record = seen_created(t0);
    const tracking changes = observe(record, snapshot(connecting), polled(t0 + 5s, 400ms));
    ASSERT_TRUE(changes.change.has_value());
    EXPECT_EQ(changes.change->from, created);
    EXPECT_EQ(changes.change->to, connecting);
    EXPECT_FALSE(changes.change->backwards);
    EXPECT_EQ(record.since, t0 + 5s + 400ms);
    EXPECT_EQ(record.since_slack_ms, 5'400U);
}

TEST(SessionTracker, WithoutDateTheReceiptCounts) {
    session_record record = registered(t0 - 1h);
    session_snapshot said = snapshot(active);
    said.created_at = api_at(t0 - 10min);
    said.started_at = api_at(t0 - 9min);
    (void)observe(record, said, {t0, t0 + 100ms, std::nullopt});
    EXPECT_EQ(record.since, t0 + 100ms);
    EXPECT_EQ(record.started, t0 + 100ms);
    EXPECT_EQ(record.created, no_time);
    // The next answer with a Date makes up for it, but does not move the start of the status.
    (void)observe(record, said, polled(t0 + 30s));
    EXPECT_NEAR(to_seconds(t0 - record.created), 599, 0.5);
    EXPECT_EQ(record.since, t0 + 100ms);
}

struct dwell_case {
    const char* name;
    steady_duration stay;  ///< from the sight of connecting to that of active
    steady_duration slack; ///< how far the bounds of its beginning are apart
    bool precise;
};

class SessionTrackerDwell : public testing::TestWithParam<dwell_case> {};

// The end is known to the millisecond here; what is tried is the limit max(10 % of the dwell, 5 s).
TEST_P(SessionTrackerDwell, EntersOnlyWhenItsBoundsAreCloseEnough) {
    const dwell_case& tried = GetParam();
    session_record record = test::observed(connecting, t0, t0);
    record.since_slack_ms = static_cast<std::uint32_t>(tried.slack / 1ms);
    record.observed = t0 + tried.stay;
    const exchange_times times{t0 + tried.stay, t0 + tried.stay, std::nullopt};
    const tracking changes = observe(record, snapshot(ending), times);
    ASSERT_TRUE(changes.change.has_value());
    ASSERT_EQ(changes.change->dwell.has_value(), tried.precise);
    if (tried.precise) {
        EXPECT_EQ(*changes.change->dwell, tried.stay + tried.slack / 2);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Bounds,
    SessionTrackerDwell,
    testing::Values(dwell_case{"ExactlyFiveSeconds", 10s, 5s, true},
                    dwell_case{"JustOverFiveSeconds", 10s, 5001ms, false},
                    dwell_case{"ATenthOfALongStay", 95s, 10s, true},
                    dwell_case{"JustOverATenthOfALongStay", 95s, 10'010ms, false},
                    dwell_case{"NoSlackAtAll", 1s, 0s, true}),
    [](const auto& tried) { return tried.param.name; });

TEST(SessionTracker, ADwellWithUnknownBeginningIsImprecise) {
    session_record record = test::observed(connecting, t0, t0);
    record.since_slack_ms = session_record::unknown_slack;
    const tracking changes = observe(record, snapshot(ending), polled(t0 + 1s, 1ms));
    ASSERT_TRUE(changes.change.has_value());
    EXPECT_FALSE(changes.change->dwell.has_value());
}

TEST(SessionTracker, OnePollBackwardsMovesNothing) {
    session_record record = seen(active, t0);
    const session_record before = record;
    const tracking changes = observe(record, snapshot(connecting), polled(t0 + 30s));
    EXPECT_TRUE(changes.outdated);
    EXPECT_FALSE(changes.change.has_value());
    EXPECT_EQ(record.status, active);
    EXPECT_EQ(record.since, before.since);
    EXPECT_EQ(record.observed, before.observed);
}

TEST(SessionTracker, TwoPollsBackwardsInARowAreARegression) {
    session_record record = seen(active, t0);
    (void)observe(record, snapshot(connecting), polled(t0 + 30s));
    const tracking changes = observe(record, snapshot(connecting), polled(t0 + 60s));
    ASSERT_TRUE(changes.change.has_value());
    EXPECT_TRUE(changes.change->backwards);
    EXPECT_EQ(changes.change->from, active);
    EXPECT_EQ(changes.change->to, connecting);
    EXPECT_EQ(record.status, connecting);
    // Never dated before it was seen.
    EXPECT_GE(record.since, t0 + 30s);
    EXPECT_LE(record.since, t0 + 60s + 100ms);
}

TEST(SessionTracker, ARegressionToActiveDoesNotTakeTheFirstStart) {
    session_record record = seen(ending, t0);
    session_snapshot said = snapshot(active);
    said.started_at = api_at(t0 - 1h);
    (void)observe(record, said, polled(t0 + 5s));
    const tracking changes = observe(record, said, polled(t0 + 10s));
    ASSERT_TRUE(changes.change.has_value());
    EXPECT_GE(record.since, t0 + 5s);
}

TEST(SessionTracker, AStartBetweenTwoWaitsBeginsANewStay) {
    // Active and back between two polls: what it waits for now, it has not waited for since t0.
    session_record record = test::observed(connecting, t0, t0 + 1s);
    session_snapshot said = snapshot(connecting);
    said.started_at = api_at(t0 + 5s);
    EXPECT_FALSE(observe(record, said, polled(t0 + 60s)).change);
    EXPECT_EQ(record.since, t0 + 60s + 100ms);
    EXPECT_FALSE(confirmed_over(record, record.since, 30s));
    // The same start is not counted again.
    static_cast<void>(observe(record, said, polled(t0 + 91s)));
    EXPECT_EQ(record.since, t0 + 60s + 100ms);
    EXPECT_TRUE(confirmed_over(record, record.since, 30s));
}

TEST(SessionTracker, PollsBackwardsWithAGoodOneBetweenMoveNothing) {
    session_record record = seen(active, t0);
    for (int i = 1; i <= 10; ++i) {
        const session_status said = i % 2 == 0 ? active : connecting;
        const tracking changes = observe(record, snapshot(said), polled(t0 + 10s * i));
        EXPECT_FALSE(changes.change.has_value());
    }
    EXPECT_EQ(record.status, active);
}

TEST(SessionTracker, A404BetweenTwoPollsBackwardsBreaksTheRow) {
    session_record record = seen(active, t0);
    (void)observe(record, snapshot(connecting), polled(t0 + 10s));
    observe_not_found(record, t0 + 20s);
    (void)observe(record, snapshot(connecting), polled(t0 + 30s));
    EXPECT_EQ(record.status, active);
}

TEST(SessionTracker, AnAnswerOlderThanTheStatusNeverMovesItBack) {
    session_record record = seen(active, t0);
    for (int i = 0; i < 5; ++i) {
        const tracking changes = observe(record, snapshot(connecting), polled(t0 - 5s));
        EXPECT_TRUE(changes.outdated);
    }
    EXPECT_EQ(record.status, active);
}

TEST(SessionTracker, EndedIsFinal) {
    session_record record = seen(active, t0);
    (void)observe(record, snapshot(ended), polled(t0 + 30s));
    for (int i = 1; i < 5; ++i) {
        for (const session_status said : {active, unknown, created}) {
            EXPECT_TRUE(observe(record, snapshot(said), polled(t0 + 30s + 30s * i)).outdated);
        }
    }
    EXPECT_EQ(record.status, ended);
}

TEST(SessionTracker, LeavesAndComesBackFromUnknownAtOnce) {
    session_record record = seen(active, t0);
    const tracking away = observe(record, snapshot(unknown), polled(t0 + 30s));
    ASSERT_TRUE(away.change.has_value());
    EXPECT_FALSE(away.change->backwards);
    EXPECT_EQ(record.status, unknown);
    const tracking back = observe(record, snapshot(active), polled(t0 + 60s));
    ASSERT_TRUE(back.change.has_value());
    EXPECT_EQ(back.change->from, unknown);
    EXPECT_EQ(record.status, active);
    EXPECT_EQ(record.since, t0 + 60s + 100ms);
}

TEST(SessionTracker, ReportsSetupAndCallDurationOnce) {
    session_record record = seen_created(t0);
    session_snapshot said = snapshot(active);
    said.created_at = api_at(t0 - 3s);
    said.started_at = api_at(t0 + 4s);
    const tracking start = observe(record, said, polled(t0 + 10s));
    EXPECT_EQ(start.setup, 7s);
    EXPECT_FALSE(start.call_duration.has_value());
    EXPECT_FALSE(observe(record, said, polled(t0 + 40s)).setup.has_value());

    said.status = ended;
    said.ended_at = api_at(t0 + 64s);
    said.reason = end_reason::agent_hangup;
    const tracking end = observe(record, said, polled(t0 + 70s));
    EXPECT_FALSE(end.setup.has_value());
    EXPECT_EQ(end.call_duration, 60s);
    EXPECT_TRUE(end.ended);
    EXPECT_FALSE(end.ended_without_start);
    EXPECT_EQ(record.call_duration_ms, 60'000U);
    EXPECT_EQ(record.reason, end_reason::agent_hangup);

    const tracking again = observe(record, said, polled(t0 + 100s));
    EXPECT_FALSE(again.call_duration.has_value());
    EXPECT_FALSE(again.ended);
    EXPECT_FALSE(again.change.has_value());
}

TEST(SessionTracker, FirstSeenEndedCountsTheWholeLife) {
    session_record record = registered(t0);
    session_snapshot said = snapshot(ended);
    said.created_at = api_at(t0 - 100s);
    said.started_at = api_at(t0 - 90s);
    said.ended_at = api_at(t0 - 30s);
    const tracking changes = observe(record, said, polled(t0));
    EXPECT_FALSE(changes.change.has_value());
    EXPECT_EQ(changes.setup, 10s);
    EXPECT_EQ(changes.call_duration, 60s);
    EXPECT_TRUE(changes.ended);
    EXPECT_FALSE(changes.ended_without_start);
}

TEST(SessionTracker, EndedWithoutAStartIsReported) {
    session_record record = seen(connecting, t0);
    session_snapshot said = snapshot(ended);
    said.ended_at = api_at(t0 + 5s);
    const tracking changes = observe(record, said, polled(t0 + 10s));
    EXPECT_TRUE(changes.ended);
    EXPECT_TRUE(changes.ended_without_start);
    EXPECT_FALSE(changes.call_duration.has_value());
}

TEST(SessionTracker, SeenActiveIsAStartEvenWithoutTimestamp) {
    session_record record = seen(active, t0);
    EXPECT_FALSE(not_started(record));
    const tracking changes = observe(record, snapshot(ended), polled(t0 + 10s));
    EXPECT_TRUE(changes.ended);
    EXPECT_FALSE(changes.ended_without_start);
}

TEST(SessionTracker, DurationsThatRunBackwardsAreLeftOut) {
    session_record record = registered(t0);
    session_snapshot said = snapshot(ended);
    said.created_at = api_at(t0 - 10s);
    said.started_at = api_at(t0 - 20s);
    said.ended_at = api_at(t0 - 30s);
    const tracking changes = observe(record, said, polled(t0));
    EXPECT_FALSE(changes.setup.has_value());
    EXPECT_FALSE(changes.call_duration.has_value());
    EXPECT_EQ(record.call_duration_ms, 0U);
}

TEST(SessionTracker, DurationsBeyondAnySessionAreLeftOut) {
    session_record record = registered(t0);
    session_snapshot said = snapshot(active);
    said.created_at = api_at(t0 - 10s);
    said.started_at = parse_timestamp("9999-12-31T23:59:59Z");
    EXPECT_FALSE(observe(record, said, polled(t0)).setup.has_value());
    said.status = ended;
    said.started_at = parse_timestamp("1970-01-01T00:00:00Z");
    said.ended_at = api_at(t0);
    const tracking changes = observe(record, said, polled(t0 + 10s));
    EXPECT_TRUE(changes.ended);
    EXPECT_FALSE(changes.call_duration.has_value());
    EXPECT_EQ(record.call_duration_ms, 0U);
}

TEST(SessionTracker, NotFoundAndFailuresAreCountedUntilAGoodAnswer) {
    session_record record = seen(connecting, t0);
    observe_failure(record, failure_reason::timeout);
    observe_failure(record, failure_reason::timeout);
    EXPECT_EQ(record.failures, 2);
    observe_not_found(record, t0 + 10s);
    observe_not_found(record, t0 + 20s);
    EXPECT_EQ(record.failures, 0);
    EXPECT_EQ(record.not_found_count, 2);
    EXPECT_EQ(record.not_found_since, t0 + 10s);
    EXPECT_EQ(record.status, connecting);
    EXPECT_FALSE(confirmed_over(record, record.since, 0s));
    (void)observe(record, snapshot(connecting), polled(t0 + 30s));
    EXPECT_EQ(record.not_found_since, no_time);
    EXPECT_EQ(record.not_found_count, 0);
    EXPECT_TRUE(confirmed_over(record, record.since, 29s));
}

TEST(SessionTracker, CountersDoNotWrap) {
    session_record record = seen(connecting, t0);
    for (int i = 0; i < 1000; ++i) {
        observe_failure(record, failure_reason::timeout);
    }
    EXPECT_EQ(record.failures, 255);
    for (int i = 0; i < 1000; ++i) {
        observe_not_found(record, t0 + 1s * i);
    }
    EXPECT_EQ(record.not_found_count, 255);
}

TEST(SessionTracker, ConfirmsWhatWasCrossedBeforeThePollWasSent) {
    session_record record = seen(connecting, t0);
    const steady_time since = record.since;
    (void)observe(record, snapshot(connecting), polled(since + 15s - 1ms, 9s));
    EXPECT_FALSE(confirmed_over(record, record.since, 15s));
    (void)observe(record, snapshot(connecting), polled(since + 15s));
    EXPECT_TRUE(confirmed_over(record, record.since, 15s));
    EXPECT_EQ(record.since, since);
}

TEST(SessionTracker, AWaitWithAnUnseenEndLastsUntilTheStart) {
    for (const bool is_dated : {true, false}) {
        session_record record = seen_created(t0 - 1s);
        (void)observe(record, snapshot(connecting), polled(t0));
        session_snapshot said = snapshot(ended);
        said.started_at = api_at(t0 + 4s);
        said.ended_at = api_at(t0 + 399s);
        exchange_times times = polled(t0 + 400s);
        if (!is_dated) {
            times.api_now.reset();
        }
        const tracking changes = observe(record, said, times);
        ASSERT_TRUE(changes.change);
        ASSERT_EQ(changes.change->dwell.has_value(), is_dated);
        EXPECT_TRUE(!is_dated || (*changes.change->dwell >= 2s && *changes.change->dwell <= 7s));
        EXPECT_EQ(changes.call_duration, 395s);
    }
}

TEST(SessionTracker, AnOlderAnswerThatKnowsNothingChangesNothing) {
    session_record record = seen(unknown, t0);
    record.in_flight = true;
    (void)observe_event(record, session_event::started, {t0 + 5s, std::nullopt, std::nullopt});
    ASSERT_EQ(record.status, active);
    const tracking changes = observe(record, snapshot(unknown), polled(t0 + 4s));
    EXPECT_FALSE(changes.change);
    EXPECT_TRUE(changes.outdated);
    EXPECT_EQ(record.status, active);
}

} // namespace
} // namespace kallglot
