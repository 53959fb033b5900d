// What a webhook does to a record, and what the polls around it may still change.

#include "kallglot/tracking/session_tracker.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {
namespace {

using enum session_status;

/// An event that was made at `made` and arrived two seconds later.
event_times delivered(steady_time made) {
    return {made + 2s, api_at(made), api_at(made + 2s)};
}

TEST(SessionEvent, CreatedSetsTheStatusBeforeTheFirstPoll) {
    session_record record = registered(t0 + 2s);
    const tracking changes = observe_event(record, session_event::created, delivered(t0));
    EXPECT_FALSE(changes.change);
    EXPECT_FALSE(changes.outdated);
    EXPECT_EQ(record.status, created);
    EXPECT_TRUE(record.by_webhook);
    EXPECT_FALSE(record.was_observed());
    // The later bound: a second is taken off the age, as both times may be cut to whole seconds.
    EXPECT_EQ(record.since, t0 + 1s);
    EXPECT_EQ(record.created, t0 + 1s);
}

TEST(SessionEvent, CreatedNeverMovesASessionThatIsFurther) {
    for (const session_status status : {connecting, active, ending, ended}) {
        session_record record = observed(status, t0, t0 + 10s);
        EXPECT_TRUE(observe_event(record, session_event::created, delivered(t0)).outdated);
        EXPECT_EQ(record.status, status);
        EXPECT_EQ(record.since, t0);
        EXPECT_EQ(record.by_webhook, status == connecting);
    }
}

TEST(SessionEvent, StartedMovesForwardAndAsksForNoPoll) {
    for (const session_status status : {created, connecting, unknown}) {
        session_record record = observed(status, t0, t0 + 10s);
        const tracking changes = observe_event(record, session_event::started, delivered(t0 + 12s));
        ASSERT_TRUE(changes.change);
        EXPECT_EQ(changes.change->from, status);
        EXPECT_EQ(changes.change->to, active);
        EXPECT_EQ(record.status, active);
        EXPECT_EQ(record.since, t0 + 13s);
        EXPECT_TRUE(record.by_webhook);
        EXPECT_FALSE(record.touched);
    }
}

TEST(SessionEvent, AStartThatComesAfterTheEndChangesNothing) {
    for (const session_status status : {ending, ended}) {
        session_record record = observed(status, t0, t0 + 10s);
        EXPECT_TRUE(observe_event(record, session_event::started, delivered(t0)).outdated);
        EXPECT_EQ(record.status, status);
    }
}

TEST(SessionEvent, EndedAsksForOneFinalPollThatBringsTheDetails) {
    session_record record = observed(active, t0, t0 + 10s);
    record.started = t0;
    const tracking told_end = observe_event(record, session_event::ended, delivered(t0 + 60s));
    ASSERT_TRUE(told_end.change);
    EXPECT_EQ(told_end.change->to, ended);
    EXPECT_FALSE(told_end.ended);
    EXPECT_TRUE(awaits_final_poll(record));

    session_snapshot said = snapshot(ended);
    said.created_at = api_at(t0 - 5s);
    said.started_at = api_at(t0);
    said.ended_at = api_at(t0 + 60s);
    said.reason = end_reason::customer_hangup;
    const tracking polled_end = observe(record, said, polled(t0 + 63s));
    EXPECT_FALSE(polled_end.change);
    EXPECT_TRUE(polled_end.ended);
    EXPECT_FALSE(polled_end.ended_without_start);
    EXPECT_EQ(polled_end.call_duration, 60s);
    EXPECT_EQ(record.reason, end_reason::customer_hangup);
    EXPECT_FALSE(awaits_final_poll(record));
    // A second poll has nothing to add.
    EXPECT_FALSE(observe(record, said, polled(t0 + 70s)).ended);
}

TEST(SessionEvent, TheSetupTimeComesWithTheFirstPollAfterTheEvent) {
    session_record record = registered(t0);
    static_cast<void>(observe_event(record, session_event::created, delivered(t0)));
    static_cast<void>(observe_event(record, session_event::started, delivered(t0 + 8s)));
    static_cast<void>(observe_event(record, session_event::ended, delivered(t0 + 100s)));
    session_snapshot said = snapshot(ended);
    said.created_at = api_at(t0);
    said.started_at = api_at(t0 + 8s);
    said.ended_at = api_at(t0 + 100s);
    const tracking changes = observe(record, said, polled(t0 + 103s));
    EXPECT_EQ(changes.setup, 8s);
    EXPECT_EQ(changes.call_duration, 92s);
    EXPECT_FALSE(changes.ended_without_start);
}

TEST(SessionEvent, AnAnswerToAnEarlierGetDoesNotSettleTheFinalPoll) {
    session_record record = observed(active, t0, t0 + 10s);
    record.in_flight = true;
    static_cast<void>(observe_event(record, session_event::ended, delivered(t0 + 20s)));
    record.in_flight = false;
    EXPECT_TRUE(observe(record, snapshot(active), polled(t0 + 19s)).outdated);
    EXPECT_EQ(record.status, ended);
    EXPECT_TRUE(awaits_final_poll(record));
    EXPECT_TRUE(observe(record, snapshot(ended), polled(t0 + 23s)).ended);
    EXPECT_FALSE(awaits_final_poll(record));
}

TEST(SessionEvent, AnAnswerToAnEarlierGetIsNoFirstSightOfAStepBack) {
    // The GET left after the event was made and before it was delivered.
    session_record record = observed(connecting, t0, t0 + 10s);
    record.in_flight = true;
    static_cast<void>(observe_event(record, session_event::started, delivered(t0 + 12s)));
    record.in_flight = false;
    EXPECT_TRUE(observe(record, snapshot(connecting), polled(t0 + 13500ms)).outdated);
    // So that the next poll backwards is the first of the two that it takes.
    EXPECT_TRUE(observe(record, snapshot(connecting), polled(t0 + 20s)).outdated);
    EXPECT_EQ(record.status, active);
    EXPECT_FALSE(observe(record, snapshot(connecting), polled(t0 + 22s)).outdated);
    EXPECT_EQ(record.status, connecting);
}

TEST(SessionEvent, AnApiThatStillReportsActiveGetsOneFinalPoll) {
    session_record record = observed(active, t0, t0 + 10s);
    static_cast<void>(observe_event(record, session_event::ended, delivered(t0 + 20s)));
    const tracking changes = observe(record, snapshot(active), polled(t0 + 23s));
    EXPECT_TRUE(changes.outdated);
    EXPECT_TRUE(changes.ended);
    EXPECT_EQ(record.status, ended);
    EXPECT_FALSE(record.touched);
}

TEST(SessionEvent, AFailedFinalPollIsStillOwed) {
    session_record record = observed(active, t0, t0 + 10s);
    static_cast<void>(observe_event(record, session_event::ended, delivered(t0 + 20s)));
    observe_failure(record, failure_reason::timeout);
    EXPECT_TRUE(awaits_final_poll(record));
    observe_not_found(record, t0 + 30s);
    EXPECT_FALSE(awaits_final_poll(record));
}

TEST(SessionEvent, ProviderEventsAskForAPollUnlessItIsOver) {
    session_record record = observed(connecting, t0, t0 + 10s);
    EXPECT_FALSE(observe_event(record, session_event::touched, delivered(t0 + 12s)).outdated);
    EXPECT_TRUE(record.touched);
    EXPECT_EQ(record.status, connecting);
    record = observed(ended, t0, t0 + 10s);
    EXPECT_TRUE(observe_event(record, session_event::touched, delivered(t0 + 12s)).outdated);
    EXPECT_FALSE(record.touched);
}

TEST(SessionEvent, ConnectingStaysWithWebhooksUntilAStartIsMissed) {
    session_record record = registered(t0);
    static_cast<void>(observe_event(record, session_event::created, delivered(t0)));
    static_cast<void>(observe(record, snapshot(connecting), polled(t0 + 30s)));
    EXPECT_TRUE(record.by_webhook);
    // A start without a webhook shows that webhooks are not reliable for this session.
    static_cast<void>(observe(record, snapshot(active), polled(t0 + 60s)));
    EXPECT_FALSE(record.by_webhook);
}

TEST(SessionEvent, ADeliveryRetriedForHoursDoesNotShortenTheCall) {
    session_record record = registered(t0 + 6h);
    const event_times late{t0 + 6h, api_at(t0), api_at(t0 + 6h)};
    static_cast<void>(observe_event(record, session_event::started, late));
    EXPECT_EQ(record.status, active);
    EXPECT_EQ(record.since, t0 + 1s);
}

TEST(SessionEvent, WithoutTimesTheReceiptCounts) {
    session_record record = observed(created, t0, t0 + 10s);
    static_cast<void>(observe_event(record, session_event::started, {t0 + 15s, {}, {}}));
    EXPECT_EQ(record.since, t0 + 15s);
}

TEST(SessionEvent, AnyOrderOfEventsEndsTheSame) {
    const std::array<session_event, 3> life = {session_event::created,
                                               session_event::started,
                                               session_event::ended};
    std::array<std::size_t, 3> order = {0, 1, 2};
    do {
        session_record record = registered(t0);
        for (const std::size_t i : order) {
            static_cast<void>(
                observe_event(record, life[i], delivered(t0 + static_cast<int>(i) * 10s)));
        }
        EXPECT_EQ(record.status, ended);
        EXPECT_EQ(record.since, t0 + 21s);
        EXPECT_TRUE(awaits_final_poll(record));
    } while (std::next_permutation(order.begin(), order.end()));
}

} // namespace
} // namespace kallglot::test
