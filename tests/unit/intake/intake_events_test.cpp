// Webhooks through the intake: forward only, once, and never back from the dead.

#include "support/instrument_values.hpp"
#include "unit/intake/intake_fixture.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {
namespace {

using enum webhook_type;

class IntakeEvents : public IntakeFixture {
protected:
    IntakeEvents() { store_.commit_at_once(); }

    event_outcome outcome_of(const webhook_event& what) {
        const auto delivery = deliver(what);
        EXPECT_TRUE(delivery.done());
        return delivery.value();
    }

    double transitions(session_status from, session_status to) const {
        return test::instrument_value(metrics_.instruments(),
                                      "kallglot_session_transitions_total",
                                      {to_string(from), to_string(to)});
    }
};

TEST_F(IntakeEvents, EventsMoveASessionForwardOnly) {
    EXPECT_EQ(outcome_of(event(session_created, 1, 1)), event_outcome::accepted);
    EXPECT_EQ(record(1).status, session_status::created);
    clock_.advance(3s);
    EXPECT_EQ(outcome_of(event(session_started, 1, 2)), event_outcome::accepted);
    EXPECT_EQ(record(1).status, session_status::active);
    EXPECT_EQ(store_.sessions.at(name(1)).status, session_status::active);
    EXPECT_EQ(outcome_of(event(session_created, 1, 3)), event_outcome::outdated);
    EXPECT_EQ(record(1).status, session_status::active);
    clock_.advance(3s);
    EXPECT_EQ(outcome_of(event(session_ended, 1, 4)), event_outcome::accepted);
    EXPECT_EQ(outcome_of(event(session_started, 1, 5)), event_outcome::outdated);
    EXPECT_EQ(outcome_of(event(session_provider_connected, 1, 6)), event_outcome::outdated);
    EXPECT_EQ(record(1).status, session_status::ended);
    EXPECT_EQ(transitions(session_status::created, session_status::active), 1);
    EXPECT_EQ(transitions(session_status::active, session_status::ended), 1);
}

TEST_F(IntakeEvents, AnyEventOfASessionTracksANewId) {
    std::size_t number = 1;
    for (const auto& [type, status] : {std::pair{session_created, session_status::created},
                                       {session_started, session_status::active},
                                       {session_ended, session_status::ended},
                                       {session_provider_connected, session_status::unknown},
                                       {session_provider_disconnected, session_status::unknown}}) {
        EXPECT_EQ(outcome_of(event(type, number, number)), event_outcome::accepted);
        ASSERT_TRUE(is_tracked(number));
        EXPECT_EQ(record(number).status, status);
        EXPECT_TRUE(store_.holds(name(number)));
        ++number;
    }
    EXPECT_EQ(metric("kallglot_exporter_sessions_added_total", "webhook"), 5);
}

TEST_F(IntakeEvents, OtherEventsAndEventsWithoutASessionChangeNothing) {
    std::uint64_t key = 1;
    for (const webhook_type type : {transcript_ready,
                                    transcript_segment,
                                    recording_ready,
                                    recording_failed,
                                    analysis_complete,
                                    analysis_failed,
                                    other}) {
        EXPECT_EQ(outcome_of(event(type, 1, key++)), event_outcome::accepted);
    }
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "invalid_id"), 0);
    webhook_event without_session = event(session_ended, 1, key);
    without_session.session.reset();
    EXPECT_EQ(outcome_of(without_session), event_outcome::accepted);
    EXPECT_EQ(registry_->size(), 0U);
    EXPECT_TRUE(store_.sessions.empty());
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "invalid_id"), 1);
}

TEST_F(IntakeEvents, AnEventWithoutASessionCountsOnce) {
    EXPECT_EQ(outcome_of(event(transcript_segment, 1, 77)), event_outcome::accepted);
    EXPECT_EQ(outcome_of(event(transcript_segment, 1, 77)), event_outcome::duplicate);
    webhook_event without_session = event(session_ended, 1, 78);
    without_session.session.reset();
    EXPECT_EQ(outcome_of(without_session), event_outcome::accepted);
    EXPECT_EQ(outcome_of(without_session), event_outcome::duplicate);
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "invalid_id"), 1);
    EXPECT_TRUE(store_.sessions.empty());
}

TEST_F(IntakeEvents, TheOldestEventWithoutASessionIsForgottenFirst) {
    recent_events events;
    const auto add = [&events](std::uint64_t number) {
        // Spread over all bits, as the hashes are that stand here in the daemon.
        const std::uint64_t spread = number * 0x9E37'79B9'7F4A'7C15;
        return events.add({spread, spread});
    };
    for (std::uint64_t number = 0; number <= recent_events::capacity; ++number) {
        EXPECT_TRUE(add(number));
    }
    EXPECT_FALSE(add(1));
    EXPECT_FALSE(add(recent_events::capacity));
    EXPECT_TRUE(add(0));
    EXPECT_TRUE(add(1)) << "0 took its place";
}

TEST_F(IntakeEvents, ATypeOfTheFutureTracksASessionAndMovesNone) {
    webhook_event paused = event(other, 1, 1);
    paused.of_session = true;
    EXPECT_EQ(outcome_of(paused), event_outcome::accepted);
    EXPECT_TRUE(store_.holds(name(1)));
    EXPECT_EQ(record(1).status, session_status::unknown);
    EXPECT_EQ(outcome_of(paused), event_outcome::duplicate);
    outcome_of(event(session_started, 1, 2));
    webhook_event resumed = event(other, 1, 3);
    resumed.of_session = true;
    EXPECT_EQ(outcome_of(resumed), event_outcome::accepted);
    EXPECT_EQ(record(1).status, session_status::active);
}

TEST_F(IntakeEvents, TheSameEventCountsOnce) {
    EXPECT_EQ(outcome_of(event(session_started, 1, 77)), event_outcome::accepted);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(outcome_of(event(session_started, 1, 77)), event_outcome::duplicate);
    }
    // By its own id alone, whatever it says now.
    EXPECT_EQ(outcome_of(event(session_ended, 1, 77)), event_outcome::duplicate);
    EXPECT_EQ(record(1).status, session_status::active);
    EXPECT_EQ(outcome_of(event(session_started, 2, 77)), event_outcome::duplicate);
    EXPECT_FALSE(is_tracked(2));
}

TEST_F(IntakeEvents, EventsAreDistinguishedFor72Hours) {
    outcome_of(event(session_started, 1, 77));
    clock_.advance(71h);
    EXPECT_EQ(outcome_of(event(session_started, 1, 77)), event_outcome::duplicate);
    clock_.advance(1h + 1s);
    EXPECT_EQ(outcome_of(event(session_started, 1, 77)), event_outcome::outdated);
}

TEST_F(IntakeEvents, AProviderEventAsksForAPoll) {
    start();
    put(1);
    clock_.advance(1s);
    const std::size_t before = api_->request_count();
    ASSERT_GT(before, 0U);
    EXPECT_EQ(outcome_of(event(session_provider_connected, 1, 1)), event_outcome::accepted);
    clock_.advance(0s);
    EXPECT_EQ(api_->request_count(), before + 1);
    EXPECT_EQ(outcome_of(event(session_provider_connected, 1, 1)), event_outcome::duplicate);
    clock_.advance(100ms);
    EXPECT_EQ(api_->request_count(), before + 1) << "a duplicate asks for nothing";
    EXPECT_EQ(outcome_of(event(session_provider_disconnected, 1, 2)), event_outcome::accepted);
    clock_.advance(0s);
    EXPECT_EQ(api_->request_count(), before + 2);
}

TEST_F(IntakeEvents, AnEndSeenByPollAndEventCountsOnce) {
    start();
    put(1);
    clock_.advance(1s);
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::ended, clock_.wall_now());
    };
    EXPECT_EQ(outcome_of(event(session_provider_connected, 1, 1)), event_outcome::accepted);
    clock_.advance(1ms);
    ASSERT_TRUE(record(1).in_flight);
    // The GET that sees the end is under way, so that this event asks for another one.
    EXPECT_EQ(outcome_of(event(session_provider_disconnected, 1, 2)), event_outcome::accepted);
    clock_.advance(10s);
    EXPECT_EQ(record(1).status, session_status::ended);
    EXPECT_EQ(metric("kallglot_sessions_ended_total", "none"), 1);
}

TEST_F(IntakeEvents, ANewSessionIsPolledAtOnce) {
    start();
    outcome_of(event(session_created, 1, 1));
    clock_.advance(0s);
    ASSERT_EQ(api_->request_count(), 1U);
    EXPECT_EQ(api_->requests()[0].id, name(1));
}

TEST_F(IntakeEvents, AnEndedSessionLeavesAndLateEventsDoNotReviveIt) {
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::ended, clock_.wall_now());
    };
    start();
    outcome_of(event(session_ended, 1, 1));
    clock_.advance(14min);
    EXPECT_TRUE(is_tracked(1));
    clock_.advance(2min);
    EXPECT_FALSE(is_tracked(1));
    EXPECT_FALSE(store_.holds(name(1)));
    EXPECT_EQ(outcome_of(event(session_created, 1, 2)), event_outcome::outdated);
    EXPECT_EQ(outcome_of(event(session_provider_connected, 1, 3)), event_outcome::outdated);
    intake_->on_added(names(1, 1));
    EXPECT_FALSE(is_tracked(1)) << "an unchanged file revived it";
    restart();
    start();
    EXPECT_EQ(outcome_of(event(session_started, 1, 4)), event_outcome::outdated);
    intake_->on_added(names(1, 1));
    EXPECT_EQ(registry_->size(), 0U);
    // A client that asks for it by name gets it.
    EXPECT_EQ(put(1).value(), track_outcome::added);
    EXPECT_TRUE(is_tracked(1));
    EXPECT_EQ(outcome_of(event(session_ended, 1, 5)), event_outcome::accepted);
    restart();
    EXPECT_TRUE(is_tracked(1));
}

TEST_F(IntakeEvents, ASessionThatWasNotFoundIsNotRevivedEither) {
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(404, clock_.wall_now());
    };
    start();
    outcome_of(event(session_created, 1, 1));
    clock_.advance(12min);
    EXPECT_FALSE(is_tracked(1));
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "not_found"), 1);
    EXPECT_EQ(outcome_of(event(session_started, 1, 2)), event_outcome::outdated);
    // In a bulk call ids are asked for by name as well.
    EXPECT_EQ(put_all(names(1, 1)).value().added, 1U);
}

TEST_F(IntakeEvents, TheFinalPollIsSentOnceAfterARestart) {
    outcome_of(event(session_ended, 1, 1));
    answer_ = [this](std::string_view, steady_time) {
        auto reply = ok_reply(session_status::ended, clock_.wall_now());
        reply.answer.snapshot.reason = end_reason::completed;
        return reply;
    };
    // The first process could not poll.
    restart();
    start();
    clock_.advance(1min);
    EXPECT_EQ(api_->request_count(), 1U);
    EXPECT_EQ(metric("kallglot_sessions_ended_total", "completed"), 1);
    restart();
    EXPECT_FALSE(record(1).unverified);
    start();
    clock_.advance(1min);
    EXPECT_EQ(api_->request_count(), 0U);
    EXPECT_EQ(metric("kallglot_sessions_ended_total", "completed"), 1);
}

TEST_F(IntakeEvents, AStartTimeFromAPollSurvivesARestart) {
    session_status said = session_status::created;
    const api_time born = clock_.wall_now();
    answer_ = [this, &said, born](std::string_view, steady_time) {
        auto reply = ok_reply(said, clock_.wall_now());
        reply.answer.snapshot.created_at = born;
        if (said == session_status::active) {
            reply.answer.snapshot.started_at = born + 10s;
        }
        return reply;
    };
    start();
    put(1);
    clock_.advance(1s);
    said = session_status::active;
    outcome_of(event(session_started, 1, 1));
    EXPECT_EQ(store_.sessions.at(name(1)).started, no_time);
    // Otherwise its setup would be observed once more after a restart.
    clock_.advance(2min);
    EXPECT_NE(store_.sessions.at(name(1)).started, no_time);
}

TEST_F(IntakeEvents, NotFoundThatEndedStaysEndedAfterARestart) {
    bool found = true;
    answer_ = [this, &found](std::string_view, steady_time) {
        return found ? ok_reply(session_status::active, clock_.wall_now())
                     : status_reply(404, clock_.wall_now());
    };
    start();
    outcome_of(event(session_started, 1, 1));
    // No threshold is still to come, which would be noted by itself.
    clock_.advance(48h);
    found = false;
    clock_.advance(301s);
    ASSERT_GE(record(1).not_found_count, 2U);
    outcome_of(event(session_provider_connected, 1, 2));
    EXPECT_NE(store_.sessions.at(name(1)).not_found_since, no_time);
    found = true;
    clock_.advance(11min);
    EXPECT_EQ(store_.sessions.at(name(1)).not_found_since, no_time);
    restart();
    found = false;
    start();
    clock_.advance(1min);
    EXPECT_TRUE(is_tracked(1));
}

TEST_F(IntakeEvents, NotFoundAfterARestartNeedsThreeAnswersAgain) {
    const steady_time begun = clock_.now();
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(404, clock_.wall_now());
    };
    start();
    outcome_of(event(session_started, 1, 1));
    clock_.advance(301s);
    ASSERT_TRUE(is_tracked(1));
    restart();
    EXPECT_LT(record(1).not_found_since - begun, 1min);
    clock_.advance(48h);
    start();
    clock_.advance(1s);
    ASSERT_EQ(api_->request_count(), 1U);
    EXPECT_TRUE(is_tracked(1)) << "whatever was the matter may be over";
    clock_.advance(10min);
    EXPECT_FALSE(is_tracked(1));
    EXPECT_EQ(api_->request_count(), 3U);
}

TEST_F(IntakeEvents, TombstonesAreGoneAfter72Hours) {
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::ended, clock_.wall_now());
    };
    start();
    outcome_of(event(session_ended, 1, 1));
    clock_.advance(16min);
    ASSERT_FALSE(is_tracked(1));
    clock_.advance(71h);
    EXPECT_EQ(outcome_of(event(session_created, 1, 2)), event_outcome::outdated);
    clock_.advance(1h);
    EXPECT_EQ(outcome_of(event(session_created, 1, 3)), event_outcome::accepted);
    EXPECT_TRUE(is_tracked(1));
}

class IntakeEventCommits : public IntakeFixture {};

TEST_F(IntakeEventCommits, AnEventIsAnsweredOnlyWhenItIsDurable) {
    const auto first = deliver(event(session_started, 1, 1));
    const auto again = deliver(event(session_started, 1, 1));
    EXPECT_FALSE(first.done());
    EXPECT_FALSE(again.done());
    commit();
    ASSERT_TRUE(first.done());
    ASSERT_TRUE(again.done());
    EXPECT_EQ(first.value(), event_outcome::accepted);
    EXPECT_EQ(again.value(), event_outcome::duplicate);
    EXPECT_TRUE(store_.keys.contains(key_of_event({}, "evt_1")));
    EXPECT_EQ(store_.sessions.at(name(1)).status, session_status::active);
}

TEST_F(IntakeEventCommits, AnEventWhoseCommitFailedIsAcceptedAgain) {
    const auto first = deliver(event(session_started, 1, 1));
    const auto twice = deliver(event(session_started, 1, 1));
    fail();
    EXPECT_TRUE(first.failed_with(errc::store_unavailable));
    EXPECT_TRUE(twice.failed_with(errc::store_unavailable));
    store_.recover();
    const auto again = deliver(event(session_started, 1, 1));
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), event_outcome::accepted);
    EXPECT_EQ(store_.sessions.at(name(1)).status, session_status::active);
    EXPECT_EQ(record(1).status, session_status::active);
}

TEST_F(IntakeEventCommits, AKnownSessionKeepsTheChangeOfAFailedEvent) {
    put(1);
    commit();
    deliver(event(session_ended, 1, 1));
    fail();
    // The change is true all the same; only its event was not acknowledged.
    EXPECT_EQ(record(1).status, session_status::ended);
    EXPECT_TRUE(is_tracked(1));
    store_.recover();
    const auto again = deliver(event(session_ended, 1, 1));
    EXPECT_FALSE(again.done());
    commit();
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.value(), event_outcome::outdated);
    EXPECT_EQ(store_.sessions.at(name(1)).status, session_status::ended);
}

TEST_F(IntakeEventCommits, ADuplicateOfADurableEventSurvivesAFailedCommit) {
    deliver(event(session_started, 1, 1));
    commit();
    const auto twice = deliver(event(session_started, 1, 1));
    fail();
    EXPECT_TRUE(!twice.done() || twice.failed_with(errc::store_unavailable)
                || twice.value() == event_outcome::duplicate);
    store_.recover();
    const auto third = deliver(event(session_started, 1, 1));
    commit();
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.value(), event_outcome::duplicate);
}

} // namespace
} // namespace kallglot::test
