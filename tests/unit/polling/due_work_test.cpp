// What a session wants, and when: each rule of the polling policy as a table entry.

#include "polling/due_work.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::observed;
using test::registered;
using test::t0;
using enum session_status;
using kind = pending_work::kind;

constexpr demand_state plenty{};
constexpr demand_state shortage{scarcity::limited, {}};

poll_policy with_webhooks() {
    poll_policy policy;
    policy.webhooks_flow = true;
    return policy;
}

void expect_work(const pending_work& work, kind what, steady_time at) {
    EXPECT_EQ(work.what, what);
    EXPECT_EQ(work.at - t0, at - t0);
}

TEST(DueWork, ANewSessionIsAnEventAtOnce) {
    expect_work(due_work(registered(t0), {}, plenty, t0), kind::event, t0);
}

TEST(DueWork, UnderShortageANewSessionWaitsFiveSeconds) {
    expect_work(due_work(registered(t0), {}, shortage, t0), kind::event, t0 + 5s);
}

TEST(DueWork, ShortageWithWebhooksWaitsForTheFirstThreshold) {
    expect_work(due_work(registered(t0), with_webhooks(), shortage, t0), kind::event, t0 + 15s);
    poll_policy rare = with_webhooks();
    rare.thresholds.connecting.clear();
    expect_work(due_work(registered(t0), rare, shortage, t0), kind::event, t0 + 30s);
    rare.thresholds.not_started.clear();
    expect_work(due_work(registered(t0), rare, shortage, t0), kind::event, t0 + 1min);
    rare.thresholds.created.clear();
    expect_work(due_work(registered(t0), rare, plenty, t0), kind::event, t0);
}

constexpr demand_state hard{scarcity::hard, {}};

TEST(DueWork, WhenHardTheFirstPollComesWhereItDecides) {
    session_record record = registered(t0);
    expect_work(due_work(record, {}, hard, t0), kind::event, t0 + 31s);
    record.bulk = true;
    expect_work(due_work(record, {}, hard, t0), kind::event, t0 + 31s);
    expect_work(due_work(registered(t0), with_webhooks(), hard, t0), kind::event, t0 + 31s);
    poll_policy none;
    none.thresholds = {{}, {}, {}, {}, {}};
    expect_work(due_work(registered(t0), none, hard, t0), kind::event, t0 + 5s);
}

TEST(DueWork, WhenHardAConfirmSaysWhetherAnAlertWaitsForIt) {
    const session_record record = observed(connecting, t0, t0 + 1s);
    const pending_work early = due_work(record, {}, hard, t0 + 20s);
    expect_work(early, kind::confirm, t0 + 15s);
    EXPECT_FALSE(early.alert);
    const pending_work late = due_work(record, {}, hard, t0 + 31s);
    expect_work(late, kind::confirm, t0 + 30s);
    EXPECT_TRUE(late.alert);
}

TEST(DueWork, ABulkSessionIsRoutineAfterItsSpread) {
    session_record record = registered(t0);
    record.bulk = true;
    expect_work(due_work(record, {}, {scarcity::plenty, 1700ms}, t0), kind::routine, t0 + 1700ms);
    expect_work(due_work(record, {}, {scarcity::limited, 1700ms}, t0), kind::routine, t0 + 1700ms);
}

struct interval_case {
    session_status status;
    steady_duration interval;
};

class DueWorkInterval : public testing::TestWithParam<interval_case> {};

TEST_P(DueWorkInterval, RoutineIsAnIntervalAfterTheLastPollWasSent) {
    const auto& [status, interval] = GetParam();
    poll_policy policy;
    policy.thresholds = {{}, {}, {}, {}, {}};
    session_record record = observed(status, t0 - 1s, t0);
    record.last_sent = t0 + 3s; // and failed or was outdated
    expect_work(due_work(record, policy, plenty, t0 + 4s), kind::routine, t0 + 3s + interval);
}

INSTANTIATE_TEST_SUITE_P(Statuses,
                         DueWorkInterval,
                         testing::Values(interval_case{created, 5s},
                                         interval_case{connecting, 2s},
                                         interval_case{active, 30s},
                                         interval_case{ending, 5s},
                                         interval_case{unknown, 30s}),
                         [](const auto& tried) {
                             return std::string(to_string(tried.param.status));
                         });

TEST(DueWork, UnderShortageTheIntervalIsATenthOfTheAge) {
    const session_record record = observed(active, t0 - 3600s, t0);
    poll_policy policy;
    policy.thresholds.active = {};
    expect_work(due_work(record, policy, plenty, t0), kind::routine, t0 + 30s);
    const pending_work work = due_work(record, policy, shortage, t0);
    EXPECT_EQ(work.what, kind::routine);
    // Of the age at this poll, or, more closely, of that at the next one.
    EXPECT_GE(work.at, t0 + 360s);
    EXPECT_LE(work.at, t0 + 400s);
}

TEST(DueWork, AConfirmIsDueAtTheCrossing) {
    const session_record record = observed(connecting, t0, t0 + 14s);
    expect_work(due_work(record, {}, plenty, t0 + 14s), kind::confirm, t0 + 15s);
    poll_policy slow;
    slow.poll.intervals.connecting = 10s;
    expect_work(due_work(record, slow, plenty, t0 + 14s), kind::confirm, t0 + 15s);
}

TEST(DueWork, AConfirmGoesBeforeRoutineThatIsDueToo) {
    const session_record record = observed(connecting, t0, t0 + 13s);
    expect_work(due_work(record, {}, plenty, t0 + 20s), kind::confirm, t0 + 15s);
}

TEST(DueWork, OnePollSettlesEveryThresholdCrossedSoFar) {
    session_record record = observed(connecting, t0, t0 + 1s);
    record.last_sent = record.observed = t0 + 61s; // past 15, 30 and 60 s
    poll_policy slow;
    slow.poll.intervals.connecting = 1h;
    expect_work(due_work(record, slow, plenty, t0 + 62s), kind::confirm, t0 + 120s);
    record.last_sent = record.observed = t0 + 10min; // past all of them
    expect_work(due_work(record, slow, plenty, t0 + 10min), kind::routine, t0 + 10min + 1h);
}

TEST(DueWork, APollSentExactlyAtTheCrossingConfirmsIt) {
    const session_record record = observed(connecting, t0, t0 + 15s);
    const pending_work work = due_work(record, {}, plenty, t0 + 15s);
    EXPECT_EQ(work.what, kind::routine);
}

TEST(DueWork, NotStartedCountsFromTheCreation) {
    session_record record = observed(connecting, t0, t0);
    record.created = t0 - 20s;
    poll_policy slow;
    slow.poll.intervals.connecting = 1h;
    const pending_work work = due_work(record, slow, plenty, t0);
    expect_work(work, kind::confirm, t0 + 10s);
    EXPECT_TRUE(work.not_started);
    record.started = t0;
    EXPECT_FALSE(due_work(record, slow, plenty, t0).not_started);
}

TEST(DueWork, AnUnknownStatusIsWatchedByNotStartedToo) {
    session_record record = observed(unknown, t0, t0);
    record.created = t0;
    poll_policy slow;
    slow.poll.intervals.unknown = 1h;
    expect_work(due_work(record, slow, plenty, t0), kind::confirm, t0 + 30s);
}

TEST(DueWork, OfTwoCrossingsAtOnceNotStartedIsTheMoreUrgent) {
    // Created and never started: both lists count from the same moment.
    session_record record = observed(created, t0, t0 + 31s);
    record.created = t0;
    const pending_work work = due_work(record, {}, plenty, t0 + 60s);
    expect_work(work, kind::confirm, t0 + 60s);
    EXPECT_TRUE(work.not_started);
}

TEST(DueWork, ASessionThatAnswers404ConfirmsNothing) {
    session_record record = observed(connecting, t0, t0 + 1s);
    record.not_found_since = t0 + 10s;
    record.last_sent = t0 + 60s;
    expect_work(due_work(record, {}, plenty, t0 + 61s), kind::routine, t0 + 62s);
}

TEST(DueWork, ANeverSeenSessionThatAnswers404IsRoutine) {
    session_record record = registered(t0);
    record.not_found_since = record.last_sent = t0 + 1s;
    expect_work(due_work(record, {}, plenty, t0 + 2s), kind::routine, t0 + 6s);
}

TEST(DueWork, AFailedConfirmIsTriedAgainSoonerThanTheInterval) {
    session_record record = observed(active, t0 - 1h, t0 - 20s);
    record.last_sent = t0;
    const steady_duration delays[] = {500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s};
    for (const steady_duration delay : delays) {
        ++record.failures;
        expect_work(due_work(record, {}, plenty, t0), kind::confirm, t0 + delay);
    }
    record.failures = 255;
    expect_work(due_work(record, {}, plenty, t0), kind::confirm, t0 + 30s);
}

TEST(DueWork, AFailedFirstPollIsTriedAgain) {
    session_record record = registered(t0);
    record.last_sent = t0 + 1s;
    record.failures = 1;
    expect_work(due_work(record, {}, plenty, t0 + 1s), kind::event, t0 + 1500ms);
    record.failures = 9;
    expect_work(due_work(record, {}, plenty, t0 + 1s), kind::event, t0 + 6s);
}

TEST(DueWork, AFailureBeforeTheCrossingDoesNotPullItForward) {
    session_record record = observed(active, t0, t0 + 30s);
    record.last_sent = t0 + 3590s;
    record.failures = 1;
    poll_policy slow;
    slow.poll.intervals.active = 1h;
    expect_work(due_work(record, slow, plenty, t0 + 3590s), kind::confirm, t0 + 3600s);
}

TEST(DueWork, TouchedIsAnEventAtOnce) {
    session_record record = observed(active, t0, t0);
    record.touched = true;
    expect_work(due_work(record, {}, plenty, t0 + 2s), kind::event, t0 + 2s);
    expect_work(due_work(record, {}, shortage, t0 + 2s), kind::event, t0 + 2s);
}

TEST(DueWork, AConfirmThatIsDueGoesBeforeAnEvent) {
    session_record record = observed(connecting, t0, t0);
    record.touched = true;
    EXPECT_EQ(due_work(record, {}, plenty, t0 + 15s).what, kind::confirm);
}

TEST(DueWork, AtEqualTimesToComeAConfirmGoesBeforeAnEvent) {
    session_record record = observed(connecting, t0, t0);
    record.touched = true;
    record.failures = 1;
    record.last_sent = t0 + 14'500ms; // its retry falls on the crossing
    expect_work(due_work(record, {}, plenty, t0 + 14'600ms), kind::confirm, t0 + 15s);
}

TEST(DueWork, SessionsThatWebhooksReportAreAudited) {
    session_record record = observed(active, t0, t0);
    record.by_webhook = true;
    expect_work(due_work(record, with_webhooks(), plenty, t0), kind::audit, t0 + 30min);
    // Thresholds are confirmed all the same.
    record.observed = record.last_sent = t0 + 50min;
    expect_work(due_work(record, with_webhooks(), plenty, t0 + 50min), kind::confirm, t0 + 1h);
    // Others keep their interval, and so do all of them when webhooks stop.
    expect_work(due_work(observed(active, t0, t0), with_webhooks(), plenty, t0),
                kind::routine,
                t0 + 30s);
    expect_work(due_work(record, {}, plenty, t0 + 50min), kind::routine, t0 + 50min + 30s);
}

TEST(DueWork, AnEndedSessionIsNotPolledAndExpires) {
    const session_record record = observed(ended, t0 - 10min, t0);
    expect_work(due_work(record, {}, plenty, t0), kind::expiry, t0 + 15min);
    expect_work(due_work(record, {}, shortage, t0 + 1h), kind::expiry, t0 + 15min);
}

TEST(DueWork, AnEndFromAWebhookGetsOneFinalPoll) {
    session_record record = observed(ended, t0, t0);
    record.touched = true;
    expect_work(due_work(record, {}, plenty, t0 + 1s), kind::event, t0 + 1s);
}

TEST(DueWork, NothingIsDueWhileAGetIsInFlight) {
    session_record record = observed(connecting, t0, t0);
    record.in_flight = true;
    EXPECT_EQ(due_work(record, {}, plenty, t0 + 1h).what, kind::nothing);
    record.in_flight = false;
    record.forgotten = true;
    EXPECT_EQ(due_work(record, {}, plenty, t0 + 1h).what, kind::nothing);
}

TEST(DueWork, ACandidateForARegressionIsPolledAgain) {
    session_record record = observed(active, t0, t0);
    session_snapshot said = test::snapshot(connecting);
    record.last_sent = t0 + 30s;
    (void)observe(record, said, test::polled(t0 + 30s));
    ASSERT_EQ(record.status, active);
    expect_work(due_work(record, {}, plenty, t0 + 31s), kind::routine, t0 + 60s);
}

TEST(DueWork, WithoutThresholdsNothingIsConfirmed) {
    poll_policy policy;
    policy.thresholds = {{}, {}, {}, {}, {}};
    session_record record = observed(connecting, t0, t0);
    record.created = t0;
    EXPECT_EQ(due_work(record, policy, plenty, t0 + 24h).what, kind::routine);
}

TEST(DueWork, RoutinePollsMoveToTheirPhaseByUpToAQuarter) {
    session_record record = observed(session_status::active, t0, t0);
    poll_policy policy;
    policy.thresholds = {{}, {}, {}, {}, {}};
    steady_time last = t0;
    steady_duration beyond{};
    for (int i = 0; i < 8; ++i) {
        record.last_sent = record.observed = last;
        const steady_time next = due_work(record, policy, {scarcity::plenty, {}, 0.4}, last).at;
        EXPECT_LE(next - last, 30s);
        EXPECT_GE(next - last, 22500ms);
        last = next;
        beyond = last.time_since_epoch() % 30s;
    }
    EXPECT_EQ(beyond, 12s);
    // A poll that was a moment late does not lose the place.
    record.last_sent = last + 7ms;
    EXPECT_EQ(due_work(record, policy, {scarcity::plenty, {}, 0.4}, last + 7ms).at, last + 30s);
}

} // namespace
} // namespace kallglot
