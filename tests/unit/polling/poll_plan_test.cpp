#include "kallglot/polling/poll_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace kallglot::test {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

settings with_limit(rate_limit_mode mode, double per_second) {
    settings values;
    values.api.rate_limit = {mode, rate{per_second}};
    values.api.max_rate = rate::unlimited();
    return values;
}

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

TEST(PollPlan, CoversTenToAMillionSessions) {
    const auto rows = make_poll_plan(with_limit(rate_limit_mode::unlimited, 0), unlimited);
    ASSERT_EQ(rows.size(), 6U);
    EXPECT_EQ(rows.front().sessions, 10U);
    EXPECT_EQ(rows.back().sessions, 1'000'000U);
    for (std::size_t i = 1; i < rows.size(); ++i) {
        EXPECT_NEAR(rows[i].demand, 10 * rows[i - 1].demand, 1e-6 * rows[i].demand);
        EXPECT_GT(rows[i].memory_bytes, rows[i - 1].memory_bytes);
    }
}

TEST(PollPlan, WithoutLimitEveryIntervalIsKept) {
    settings values = with_limit(rate_limit_mode::unlimited, 0);
    values.api.max_connections = 65'536;
    values.api.max_requests_in_flight = 65'536;
    for (const plan_row& row : make_poll_plan(values, unlimited)) {
        EXPECT_EQ(row.stretch, 1);
        // The first threshold (30 s), two whole seconds of timestamps, one retry, and the latency.
        EXPECT_NEAR(row.worst_detection, 33.1, 1e-9);
    }
}

TEST(PollPlan, DemandIsThatOfTheIntervalsOfAnAverageLife) {
    const auto rows = make_poll_plan(settings{}, unlimited);
    // A life of 306 s: 2 s created at 5 s, 4 s connecting at 2 s, 300 s active at 30 s, and the first poll.
    EXPECT_NEAR(rows[2].demand, 1000.0 * (0.4 + 2 + 10 + 1) / 306, 1e-9);
}

TEST(PollPlan, AShortBudgetStretchesRoutineFirst) {
    const auto rows = make_poll_plan(settings{}, 10);
    EXPECT_EQ(rows[1].stretch, 1) << "100 sessions ask for 4.4 a second";
    EXPECT_GT(rows[2].stretch, 5) << "1000 sessions ask for 44";
    EXPECT_LT(rows[2].worst_detection, 45) << "but stuck sessions are found all the same";
    EXPECT_TRUE(std::isinf(rows[3].worst_detection)) << "10000 sessions: 33 new ones a second";
    for (const plan_row& row : rows) {
        EXPECT_EQ(row.budget, 10);
        EXPECT_GE(row.stretch, 1);
    }
}

TEST(PollPlan, MaxRateHoldsWhateverTheAccountAllows) {
    settings values;
    values.api.max_rate = rate{50};
    EXPECT_EQ(make_poll_plan(values, unlimited).back().budget, 50);
    EXPECT_EQ(make_poll_plan(values, 10).back().budget, 10);
}

TEST(PollPlan, RequestsInFlightAreRateTimesLatency) {
    settings values = with_limit(rate_limit_mode::unlimited, 0);
    values.api.max_connections = 100;
    const auto rows = make_poll_plan(values, unlimited);
    EXPECT_EQ(rows[0].requests_fast, 1U);
    // 438 a second at 100 ms and at 300 ms; a hundred connections carry 333.
    EXPECT_EQ(rows[3].requests_fast, 44U);
    EXPECT_EQ(rows[3].requests_slow, 132U);
    EXPECT_EQ(rows[3].connections_http_1_1, 132U);
    EXPECT_EQ(rows[3].connections_http_2, 2U);
    EXPECT_EQ(rows[2].stretch, 1);
    EXPECT_GT(rows[3].stretch, 1);
    // With HTTP/2 alone the limit of requests in flight decides, and it allows 853 a second.
    values.api.http_version = http_version_choice::http_2;
    EXPECT_EQ(make_poll_plan(values, unlimited)[3].stretch, 1);
    values.api.max_requests_in_flight = 100;
    EXPECT_GT(make_poll_plan(values, unlimited)[3].stretch, 1);
}

TEST(PollPlan, LaterThresholdsAreFoundLater) {
    settings values;
    values.thresholds.not_started = {std::chrono::minutes(10)};
    values.thresholds.created = {std::chrono::minutes(20)};
    EXPECT_NEAR(make_poll_plan(values, unlimited)[0].worst_detection, 603.1, 1e-9);
    values.thresholds.created = {std::chrono::seconds(5)};
    EXPECT_NEAR(make_poll_plan(values, unlimited)[0].worst_detection, 8.1, 1e-9);
}

TEST(PollPlan, TheLeastBudgetOfEachPromise) {
    const least_budgets least = least_budgets_for(settings{}, 3060);
    EXPECT_NEAR(least.new_sessions, 600, 1e-6);
    EXPECT_NEAR(least.intervals, 600 * 13.4, 1e-6);
    EXPECT_NEAR(least.ends, 1200, 1e-6);
    EXPECT_NEAR(least.all_stuck, 690, 1e-6);
    EXPECT_NEAR(least.half_stuck, 360, 1e-6);
    EXPECT_NEAR(least.webhooks, 720, 1e-6);
    const std::string text = describe_poll_plan(settings{});
    EXPECT_NE(text.find("least requests a minute for the daemon alone"), std::string::npos) << text;
}

TEST(PollPlan, JustEnoughForOneRequestEachIsNotBehind) {
    // 10,000 sessions: 32.7 new ones a second.
    EXPECT_TRUE(std::isinf(make_poll_plan(settings{}, 35)[3].worst_detection));
    EXPECT_LT(make_poll_plan(settings{}, 38)[3].worst_detection, 45);
}

TEST(PollPlan, TheTextHasATableForEachLimit) {
    const std::string automatic = describe_poll_plan(settings{});
    EXPECT_EQ(count_of(automatic, "\n   1000000 "), 4U) << automatic;
    EXPECT_NE(automatic.find("account limit of 600 requests a minute, budget share 50 %"),
              std::string::npos);
    EXPECT_NE(automatic.find("behind"), std::string::npos);

    const std::string fixed = describe_poll_plan(with_limit(rate_limit_mode::fixed, 12.5));
    EXPECT_EQ(count_of(fixed, "\n   1000000 "), 2U) << fixed;
    EXPECT_NE(fixed.find("fixed limit of 12.5 requests a second"), std::string::npos);

    const std::string open = describe_poll_plan(with_limit(rate_limit_mode::unlimited, 0));
    EXPECT_EQ(count_of(open, "no limit\n"), 0U);
    EXPECT_EQ(count_of(open, " no limit "), 6U) << open;
}

TEST(PollPlan, LinesFitATerminal) {
    const std::string text = describe_poll_plan(settings{});
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        EXPECT_LE(end - begin, 110U) << text.substr(begin, end - begin);
        begin = end + 1;
    }
    EXPECT_EQ(begin, text.size());
}

} // namespace
} // namespace kallglot::test
