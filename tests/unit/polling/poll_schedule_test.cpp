#include "kallglot/polling/poll_schedule.hpp"

#include "unit/polling/polled_sessions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::observed;
using test::polled_sessions;
using test::registered;
using test::t0;
using enum session_status;

TEST(PollSchedule, NamesItsClasses) {
    EXPECT_EQ(to_string(poll_class::confirm), "confirm");
    EXPECT_EQ(to_string(poll_class::event), "event");
    EXPECT_EQ(to_string(poll_class::routine), "routine");
    EXPECT_EQ(to_string(poll_class::audit), "audit");
}

TEST(PollSchedule, IsIdleWithoutSessions) {
    polled_sessions sessions;
    EXPECT_FALSE(sessions.schedule().has_due());
    EXPECT_FALSE(sessions.send(t0 + 1h).has_value());
    EXPECT_FALSE(sessions.schedule().take_expired().has_value());
    EXPECT_FALSE(sessions.schedule().next_turn().has_value());
    EXPECT_EQ(sessions.schedule().demand(), 0);
    EXPECT_EQ(sessions.schedule().stretch(t0), 1);
}

TEST(PollSchedule, DemandOfEachStatusIsItsOwnInterval) {
    for (const status_rules& rules : session_status_rules) {
        polled_sessions sessions;
        sessions.add(observed(rules.status, t0, t0), t0);
        const poll_intervals intervals;
        const double expected =
            rules.interval == nullptr ? 0 : 1 / to_seconds(intervals.*rules.interval);
        EXPECT_NEAR(sessions.schedule().demand(), expected, 1e-9) << to_string(rules.status);
    }
}

TEST(PollSchedule, PollsANewSessionAtOnceAndThenAtItsInterval) {
    polled_sessions sessions(test::routine_only());
    const session_slot slot = sessions.add(registered(t0), t0);
    auto poll = sessions.send(t0);
    ASSERT_TRUE(poll.has_value());
    EXPECT_EQ(poll->slot, slot);
    EXPECT_EQ(poll->cls, poll_class::event);
    EXPECT_EQ(poll->due, t0);
    EXPECT_FALSE(sessions.send(t0 + 10ms).has_value()) << "taken twice";
    sessions.change(slot, t0 + 100ms, [](session_record& record) {
        record.in_flight = false;
        (void)observe(record, test::snapshot(active), test::polled(t0));
    });
    // Up to a quarter sooner, towards the session's own place in the interval.
    EXPECT_FALSE(sessions.send(t0 + 22499ms).has_value());
    poll = sessions.send(t0 + 31s);
    ASSERT_TRUE(poll.has_value());
    EXPECT_EQ(poll->cls, poll_class::routine);
    EXPECT_GE(poll->due, t0 + 22500ms);
    EXPECT_LE(poll->due, t0 + 30s);
    EXPECT_EQ(poll->interval, 30s);
}

TEST(PollSchedule, SpreadsABulkOverOneInterval) {
    polled_sessions sessions;
    session_record bulk = registered(t0);
    bulk.bulk = true;
    for (int i = 0; i < 5000; ++i) {
        sessions.add(bulk, t0);
    }
    std::array<int, 10> halves{};
    for (steady_time now = t0; now <= t0 + 5s; now += 10ms) {
        while (const auto poll = sessions.send(now)) {
            EXPECT_EQ(poll->cls, poll_class::routine);
            ++halves[std::min<std::size_t>(9, static_cast<std::size_t>((now - t0) / 500ms))];
        }
    }
    for (const int count : halves) {
        EXPECT_NEAR(count, 500, 100);
    }
}

/// A session that is due for a confirm of the named kind.
session_record to_confirm(const std::string& what) {
    if (what == "not_started") {
        session_record record = observed(created, t0 - 2s, t0 - 2s);
        record.created = t0 - 31s;
        return record;
    }
    const session_status status = parse_session_status(what);
    const steady_duration age = status == active ? 1h : status == connecting ? 15s : 1min;
    return observed(status, t0 - age, t0 - 1s);
}

TEST(PollSchedule, ConfirmsInTheOrderOfTheContract) {
    const std::vector<std::string> order{"connecting",
                                         "not_started",
                                         "ending",
                                         "active",
                                         "created"};
    std::vector<std::string> told_in = order;
    std::sort(told_in.begin(), told_in.end());
    do {
        polled_sessions sessions;
        std::vector<std::string> names;
        for (const std::string& what : told_in) {
            sessions.add(to_confirm(what), t0);
            names.push_back(what);
        }
        sessions.add(registered(t0), t0); // an event
        for (const std::string& what : order) {
            const auto poll = sessions.send(t0);
            ASSERT_TRUE(poll.has_value());
            EXPECT_EQ(poll->cls, poll_class::confirm);
            EXPECT_EQ(names[index_of(poll->slot)], what);
        }
        EXPECT_EQ(sessions.send(t0)->cls, poll_class::event);
        EXPECT_FALSE(sessions.send(t0).has_value());
    } while (std::next_permutation(told_in.begin(), told_in.end()));
}

TEST(PollSchedule, EveryFifthPollIsRoutineDespiteManyConfirms) {
    polled_sessions sessions;
    for (int i = 0; i < 200; ++i) {
        sessions.add(to_confirm("connecting"), t0);
    }
    for (int i = 0; i < 40; ++i) {
        sessions.add(observed(active, t0 - 50s, t0 - 40s), t0);
    }
    for (int i = 0; i < 40; ++i) {
        int routine = 0;
        for (int k = 0; k < 5; ++k) {
            routine += sessions.send(t0)->cls == poll_class::routine ? 1 : 0;
        }
        ASSERT_EQ(routine, 1);
    }
}

TEST(PollSchedule, WhatWaitsForRoutineBecomesAConfirmWhenItCrosses) {
    polled_sessions sessions;
    sessions.shortage();
    const session_slot stuck = sessions.add(observed(connecting, t0, t0 + 10s), t0 + 10s);
    for (int i = 0; i < 10; ++i) {
        sessions.add(observed(active, t0, t0 - 5min), t0 + 10s);
    }
    sessions.schedule().advance(t0 + 14s);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::confirm), 0U);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::routine), 11U);
    const auto turn = sessions.schedule().next_turn();
    ASSERT_TRUE(turn.has_value());
    EXPECT_LE(*turn, t0 + 15s);
    sessions.schedule().advance(t0 + 15s);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::confirm), 1U);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::routine), 10U);
    const auto poll = sessions.send(t0 + 15s);
    ASSERT_TRUE(poll.has_value());
    EXPECT_EQ(poll->slot, stuck);
    EXPECT_EQ(poll->cls, poll_class::confirm);
    EXPECT_EQ(poll->due, t0 + 15s);
}

TEST(PollSchedule, UpdatingASessionThatWaitsKeepsItsPlace) {
    polled_sessions sessions(test::routine_only());
    std::vector<session_slot> order;
    for (int i = 0; i < 5; ++i) {
        order.push_back(sessions.add(observed(active, t0 - 1min, t0 - 1min), t0));
    }
    sessions.change(order[0], t0, [](session_record& record) { record.sources = 7; });
    sessions.update_all(t0);
    for (const session_slot slot : order) {
        EXPECT_EQ(sessions.send(t0)->slot, slot);
    }
}

TEST(PollSchedule, RemovedSessionsAreNeverTaken) {
    polled_sessions sessions;
    const session_slot waiting = sessions.add(registered(t0), t0);
    const session_slot later = sessions.add(observed(active, t0, t0), t0);
    sessions.forget(waiting);
    sessions.forget(later);
    EXPECT_FALSE(sessions.send(t0 + 1h).has_value());
    EXPECT_EQ(sessions.schedule().overdue(poll_class::event), 0U);
    EXPECT_FALSE(sessions.schedule().has_due());
}

TEST(PollSchedule, RemovingASessionThatWasNeverScheduledIsHarmless) {
    polled_sessions sessions;
    const session_slot slot = sessions.registry().add(test::make_id(77)).slot;
    sessions.forget(slot);
    EXPECT_FALSE(sessions.schedule().has_due());
}

TEST(PollSchedule, EndedSessionsExpireOnceAfterTheirRetention) {
    polled_sessions sessions;
    const session_slot slot = sessions.add(observed(ended, t0, t0), t0);
    sessions.schedule().advance(t0 + 15min - 1ms);
    EXPECT_FALSE(sessions.schedule().take_expired().has_value());
    sessions.schedule().advance(t0 + 15min);
    EXPECT_FALSE(sessions.schedule().has_due());
    EXPECT_FALSE(sessions.schedule().take(t0 + 15min).has_value());
    EXPECT_EQ(sessions.schedule().take_expired(), slot);
    EXPECT_FALSE(sessions.schedule().take_expired().has_value());
}

TEST(PollSchedule, DemandIsTheSumOfThePlainIntervals) {
    polled_sessions sessions;
    sessions.add(registered(t0), t0);               // 1 / 5 s
    sessions.add(observed(created, t0, t0), t0);    // 1 / 5 s
    sessions.add(observed(connecting, t0, t0), t0); // 1 / 2 s
    sessions.add(observed(active, t0, t0), t0);     // 1 / 30 s
    sessions.add(observed(ending, t0, t0), t0);     // 1 / 5 s
    sessions.add(observed(unknown, t0, t0), t0);    // 1 / 30 s
    sessions.add(observed(ended, t0, t0), t0);      // never
    EXPECT_NEAR(sessions.schedule().demand(), 3.0 / 5 + 1.0 / 2 + 2.0 / 30, 1e-9);

    session_record by_webhook = observed(active, t0, t0);
    by_webhook.by_webhook = true;
    const double before = sessions.schedule().demand();
    sessions.add(by_webhook, t0);
    EXPECT_NEAR(sessions.schedule().demand() - before, 1.0 / 30, 1e-9);
    poll_policy policy;
    policy.webhooks_flow = true;
    sessions.reload(policy, t0);
    EXPECT_NEAR(sessions.schedule().demand() - before, 1.0 / 1800, 1e-9);
}

TEST(PollSchedule, ShortageIsADemandAboveTheBudget) {
    polled_sessions sessions;
    sessions.add(observed(connecting, t0, t0), t0); // half a request a second
    static_cast<void>(sessions.schedule().use_budget(0.5, t0));
    EXPECT_FALSE(sessions.schedule().shortage());
    static_cast<void>(sessions.schedule().use_budget(0.49, t0));
    EXPECT_TRUE(sessions.schedule().shortage());
    sessions.plenty();
    EXPECT_FALSE(sessions.schedule().shortage());
}

TEST(PollSchedule, StretchIsTheWaitOfTheMostOverdueRoutinePoll) {
    polled_sessions sessions(test::routine_only());
    sessions.add(observed(active, t0, t0), t0);
    sessions.add(observed(connecting, t0 + 100s, t0 + 100s), t0 + 100s);
    sessions.shortage();
    sessions.schedule().advance(t0 + 120s);
    EXPECT_NEAR(sessions.schedule().stretch(t0 + 120s), 10, 1e-9) << "20 s of connecting";
    EXPECT_TRUE(sessions.send(t0 + 120s).has_value());
    EXPECT_TRUE(sessions.send(t0 + 120s).has_value());
    EXPECT_EQ(sessions.schedule().stretch(t0 + 120s), 1) << "no session waits";
}

TEST(PollSchedule, AfterAShortageOldSessionsKeepTheirIntervalAgain) {
    polled_sessions sessions(test::routine_only());
    const session_slot old = sessions.add(observed(active, t0 - 4h, t0), t0);
    sessions.shortage();
    sessions.schedule().advance(t0 + 30s); // not due now: a tenth of four hours
    EXPECT_FALSE(sessions.schedule().has_due());
    sessions.plenty();
    const auto poll = sessions.send(t0 + 61s);
    ASSERT_TRUE(poll.has_value()) << "24 minutes late otherwise";
    EXPECT_EQ(poll->slot, old);
}

/// A new session every tenth of a second from t0 on, and `each` requests for one. They are decided 31 s later.
std::vector<session_slot> arriving(polled_sessions& sessions, double each, int count) {
    std::vector<session_slot> slots;
    for (int i = 0; i < count; ++i) {
        slots.push_back(sessions.add(registered(t0 + milliseconds(100) * i), t0));
    }
    sessions.supply(each, slots.front());
    return slots;
}

TEST(PollSchedule, WhenHardTheNewestDecisionGoesFirst) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 1.05, 200);
    EXPECT_FALSE(sessions.send(t0 + 30s).has_value());
    // In order while none is late.
    EXPECT_EQ(sessions.send(t0 + 32s)->slot, slots[0]);
    EXPECT_EQ(sessions.send(t0 + 32s)->slot, slots[1]);
    // Then the newest, so that its alert is in time; once all are late, the oldest.
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[199]);
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[198]);
    EXPECT_EQ(sessions.send(t0 + 60s)->slot, slots[2]);
    // No session is left out.
    std::size_t polled = 5;
    while (sessions.send(t0 + 61s)) {
        ++polled;
    }
    EXPECT_EQ(polled, slots.size());
}

TEST(PollSchedule, AfterASurgeEveryOtherDecisionIsALateOne) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 1.5, 200);
    // The oldest is 20 s late, and the newest in time.
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[199]);
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[0]);
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[198]);
    EXPECT_EQ(sessions.send(t0 + 51s)->slot, slots[1]);
}

TEST(PollSchedule, ReportsTheShareDecidedInTime) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 0.5, 100);
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(sessions.send(t0 + 41s));
    }
    while (sessions.send(t0 + 2min)) {
    }
    gauge_set gauges;
    sessions.schedule().report(gauges, t0 + 3min);
    EXPECT_NEAR(gauges.value(metric::decisions).value(), 0.4, 0.01);
}

TEST(PollSchedule, WhenTooFewASampleByHashGoesFirst) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 0.5, 400);
    std::size_t sampled = 0;
    bool others = false;
    while (const auto poll = sessions.send(t0 + 80s)) {
        const bool in_sample = hash_of(sessions.registry().id_of(poll->slot).view()) % 8 == 0;
        sampled += in_sample ? 1 : 0;
        EXPECT_FALSE(in_sample && others) << "after a session that is not in the sample";
        others = others || !in_sample;
    }
    EXPECT_NEAR(static_cast<double>(sampled), 50, 25);
}

TEST(PollSchedule, WhenTooFewASessionThatCountsWaitsForFifteenFirstPolls) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 0.5, 60);
    // All are past 30 s in `connecting`; the last one is not counted for any threshold yet.
    const steady_time now = t0 + 40s;
    const session_slot counts = sessions.add(observed(connecting, now - 30s, now - 1s), now);
    const session_slot also = sessions.add(observed(connecting, now - 30s, now - 1s), now);
    const session_slot fresh = sessions.add(observed(connecting, now - 30s, now - 20s), now);
    std::vector<session_slot> sent;
    for (int i = 0; i < 32; ++i) {
        sent.push_back(sessions.send(now)->slot);
    }
    EXPECT_EQ(sent[0], fresh);
    EXPECT_EQ(sent[15], counts);
    EXPECT_EQ(sent[31], also);
    EXPECT_EQ(
        std::count_if(sent.begin(), sent.end(), [&](session_slot one) { return one == counts; }),
        1);
}

TEST(PollSchedule, WhenHardOnlyWhatAnAlertWaitsForGoesBeforeADecision) {
    polled_sessions sessions;
    const auto slots = arriving(sessions, 1.5, 60);
    // A minute in `created`, an hour of a call: thresholds that no shipped alert uses. Then one that an alert uses.
    const steady_time now = t0 + 32s;
    const session_slot call = sessions.add(observed(active, now - 1h, now - 1s), now);
    const session_slot waits = sessions.add(observed(connecting, now - 30s, now - 1s), now);
    EXPECT_EQ(sessions.send(now)->slot, waits);
    EXPECT_EQ(sessions.send(now)->slot, slots[0]);
    bool call_polled = false;
    while (const auto poll = sessions.send(now)) {
        EXPECT_TRUE(poll->cls == poll_class::event ? !call_polled : true);
        call_polled = call_polled || poll->slot == call;
    }
    EXPECT_TRUE(call_polled);
}

TEST(PollSchedule, AReloadInTheMiddleTakesTheNewIntervals) {
    polled_sessions sessions(test::routine_only());
    for (int i = 0; i < 100; ++i) {
        sessions.add(observed(active, t0, t0), t0);
    }
    poll_policy policy = test::routine_only();
    policy.poll.intervals.active = 3s;
    sessions.reload(policy, t0 + 2s);
    EXPECT_FALSE(sessions.send(t0 + 2s).has_value());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(sessions.send(t0 + 3s).has_value());
    }
    EXPECT_FALSE(sessions.send(t0 + 3s).has_value());
}

TEST(PollSchedule, AReloadThatRemovesThresholdsTakesBackItsConfirms) {
    polled_sessions sessions;
    sessions.add(to_confirm("connecting"), t0);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::confirm), 1U);
    sessions.reload(test::routine_only(), t0);
    EXPECT_EQ(sessions.schedule().overdue(poll_class::confirm), 0U);
    EXPECT_FALSE(sessions.schedule().has_due());
}

} // namespace
} // namespace kallglot
