// Which of a session's crossings an alert waits for.

#include "kallglot/polling/alert_crossing.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::observed;
using test::registered;
using test::t0;
using enum session_status;

void expect_crossing(const session_record& record,
                     steady_time at,
                     bool not_started = false,
                     const poll_policy& policy = {}) {
    const threshold_crossing next = next_alert_crossing(policy, record);
    EXPECT_TRUE(next.at == at) << to_seconds(next.at.time_since_epoch());
    EXPECT_EQ(next.not_started, not_started);
}

TEST(AlertCrossing, IsTheAgeOfTheShippedAlert) {
    expect_crossing(observed(connecting, t0, t0), t0 + 30s);
    expect_crossing(observed(ending, t0, t0), t0 + 60s);
    expect_crossing(observed(connecting, t0, t0 + 30s), no_time);
}

TEST(AlertCrossing, NoAlertWaitsForACallOrANewSession) {
    expect_crossing(observed(active, t0, t0), no_time);
    expect_crossing(observed(created, t0, t0), no_time);
    expect_crossing(registered(t0), no_time);
}

TEST(AlertCrossing, NotStartedDecidesAtItsFirstAgeAndAlertsAtAMinute) {
    session_record record = observed(created, t0, t0 + 1s);
    record.created = t0;
    expect_crossing(record, t0 + 30s, true);
    record.observed = t0 + 30s;
    expect_crossing(record, t0 + 60s, true);
    record.observed = t0 + 60s;
    expect_crossing(record, no_time);
}

TEST(AlertCrossing, OnePollSettlesTwoThatAreClose) {
    session_record record = observed(connecting, t0 + 31s, t0 + 31s);
    record.created = t0;
    // `connecting` at 61 s, `not_started` at 60 s.
    expect_crossing(record, t0 + 61s);
    record.created = t0 + 3s;
    record.since = record.observed = t0 + 34s;
    expect_crossing(record, t0 + 64s);
    record.created = t0 - 10s;
    record.since = record.observed = t0 + 34s;
    expect_crossing(record, t0 + 50s, true);
}

TEST(AlertCrossing, WithoutTheAgeOfTheAlertTheNextLargerOneCounts) {
    poll_policy policy;
    policy.thresholds.connecting = {20s, 45s, 90s};
    expect_crossing(observed(connecting, t0, t0), t0 + 45s, false, policy);
    policy.thresholds.connecting = {20s};
    expect_crossing(observed(connecting, t0, t0), no_time, false, policy);
}

TEST(AlertCrossing, TheDecidingAgeIsTheFirstThatShowsAStuckSession) {
    threshold_settings thresholds;
    EXPECT_EQ(deciding_age(thresholds), 31s);
    thresholds.not_started.clear();
    EXPECT_EQ(deciding_age(thresholds), 16s);
    thresholds.connecting.clear();
    EXPECT_EQ(deciding_age(thresholds), 61s);
    thresholds.created.clear();
    EXPECT_EQ(deciding_age(thresholds), steady_duration::max());
}

} // namespace
} // namespace kallglot
