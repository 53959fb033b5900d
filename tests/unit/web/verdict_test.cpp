#include "web/verdict.hpp"

#include "fake_daemon.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace kallglot {
namespace {

class Verdict : public testing::Test {
protected:
    Verdict() {
        daemon_.report.census.stuck = {};
        daemon_.report.stuck.clear();
    }

    [[nodiscard]] verdict said() const { return judge(daemon_.state, &daemon_.report); }

    void expect(tone wanted, const std::string& headline, const std::string& detail) const {
        const verdict now = said();
        EXPECT_EQ(to_string(now.tone), to_string(wanted));
        EXPECT_EQ(now.headline, headline);
        EXPECT_NE(now.detail.find(detail), std::string::npos) << now.detail;
    }

    test::fake_daemon daemon_;
};

TEST_F(Verdict, IsGoodWhenNothingIsStuck) {
    expect(tone::good, "No session is stuck", "");
    EXPECT_EQ(said().detail, "");
}

TEST_F(Verdict, CountsTheStuckAndSaysWhere) {
    test::fake_daemon stuck;
    daemon_.report = stuck.report;
    expect(tone::bad,
           "21 sessions are stuck",
           "20 connecting, 1 ending; the longest for 4 min 10 s.");
    daemon_.report.census.stuck = {0, 1, 0, 0, 0, 0};
    expect(tone::bad, "1 session is stuck", "1 connecting;");
}

TEST_F(Verdict, SaysWhatTheStuckHaveInCommon) {
    census& counted = daemon_.report.census;
    counted.stuck = {0, 12, 0, 0, 0, 0};
    // twilio, telnyx, sip, other, none
    counted.in_episode[1].by_provider = {11, 1, 0, 0, 0};
    counted.in_episode[1].by_mode = {4, 4, 4, 0, 0, 0};
    counted.in_episode[1].by_creation_hour[0] = 5;
    counted.in_episode[1].by_creation_hour[24] = 7;
    expect(tone::bad, "12 sessions are stuck", "12 connecting for over 30 s, 11 of them twilio.");
    daemon_.report.thresholds.episodes.connecting = std::chrono::minutes(2);
    expect(tone::bad, "12 sessions are stuck", "12 connecting for over 2 min, 11 of them twilio.");
}

TEST_F(Verdict, UnusableApiComesBeforeStuckSessions) {
    daemon_.report.census.stuck = {0, 2, 0, 0, 0, 0};
    daemon_.report.state = api_state::unauthorized;
    expect(tone::bad, "The API rejects the key", "At the last poll, 2 sessions were stuck.");
    daemon_.report.state = api_state::unreachable;
    expect(tone::bad, "The API is unreachable", "At the last poll");
    daemon_.report.census.stuck = {};
    daemon_.report.state = api_state::out_of_credits;
    expect(tone::bad, "The account is out of credits", "");
    EXPECT_EQ(said().detail.find("At the last poll"), std::string::npos);
}

TEST_F(Verdict, ThrottlingStaleSessionsAndStoreAreReported) {
    daemon_.report.state = api_state::throttled;
    expect(tone::warning, "The API limits the request rate", "");
    daemon_.report.state = api_state::ok;
    daemon_.report.census.stale = {1, 0, 0, 0, 0, 0};
    expect(tone::warning, "1 session is stale", "");
    daemon_.report.store_writable = false;
    expect(tone::bad, "The store is not writable", "rejected");
}

TEST_F(Verdict, StartingDaemonReportsWhatItWaitsFor) {
    daemon_.report.state = api_state::starting;
    expect(tone::warning, "Waiting for the first API response", "");
    daemon_.report.census.by_status = {};
    expect(tone::good, "No sessions are tracked", "webhook");
    daemon_.state = {false, false, "restoring sessions"};
    expect(tone::warning, "Not ready: restoring sessions", "");
    EXPECT_EQ(judge(daemon_.state, nullptr).headline, "Not ready: restoring sessions");
}

TEST_F(Verdict, StillJudgesWhileStopping) {
    daemon_.state = {true, false, "stopping"};
    expect(tone::good, "No session is stuck", "The daemon is stopping.");
}

TEST(DescribeDuration, GivesTwoUnitsAtMost) {
    EXPECT_EQ(describe_duration(0), "0 s");
    EXPECT_EQ(describe_duration(-3), "0 s");
    EXPECT_EQ(describe_duration(0.04), "0 s");
    EXPECT_EQ(describe_duration(0.31), "0.3 s");
    EXPECT_EQ(describe_duration(59.4), "59 s");
    EXPECT_EQ(describe_duration(60), "1 min");
    EXPECT_EQ(describe_duration(250), "4 min 10 s");
    EXPECT_EQ(describe_duration(7500), "2 h 5 min");
    EXPECT_EQ(describe_duration(3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
    EXPECT_EQ(describe_duration(std::numeric_limits<double>::infinity()), "366000 d");
}

TEST(DescribeCount, GroupsDigits) {
    EXPECT_EQ(describe_count(0), "0");
    EXPECT_EQ(describe_count(999), "999");
    EXPECT_EQ(describe_count(1000), "1,000");
    EXPECT_EQ(describe_count(1234567), "1,234,567");
}

} // namespace
} // namespace kallglot
