#include "simulator/request_stats.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const system_time start{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};

TEST(RequestStats, RequestsDuringAPauseAreCountedAsEarly) {
    request_stats stats;
    stats.pause_begun(start, start + seconds{5});
    stats.pause_begun(start + milliseconds{10}, start + seconds{5});
    stats.request_begun(start + milliseconds{100});
    stats.request_begun(start + seconds{1});
    stats.request_begun(start + milliseconds{4999});
    stats.request_begun(start + seconds{5});
    EXPECT_EQ(stats.pauses, 1U);
    EXPECT_EQ(stats.early_requests_in_grace, 1U);
    EXPECT_EQ(stats.early_requests, 2U);
}

TEST(RequestStats, PeakOfRequestsInFlightIsRecorded) {
    request_stats stats;
    stats.request_begun(start);
    stats.request_begun(start);
    stats.request_begun(start);
    stats.request_over();
    stats.request_begun(start);
    EXPECT_EQ(stats.in_flight, 3U);
    EXPECT_EQ(stats.in_flight_peak, 3U);
    stats.request_over();
    stats.reset();
    EXPECT_EQ(stats.in_flight, 2U);
    EXPECT_EQ(stats.in_flight_peak, 2U);
}

TEST(RequestStats, ReportsTheLastWholeSecond) {
    request_stats stats;
    for (int count = 0; count < 7; ++count) {
        stats.request_begun(start + milliseconds{count * 100});
    }
    EXPECT_EQ(stats.last_second_requests(start + milliseconds{900}), 0U);
    stats.request_begun(start + seconds{1});
    EXPECT_EQ(stats.last_second_requests(start + seconds{1}), 7U);
    stats.request_begun(start + seconds{9});
    EXPECT_EQ(stats.last_second_requests(start + seconds{9}), 0U);
    EXPECT_EQ(stats.peak_second_requests, 7U);
}

TEST(RequestStats, LastSecondDropsToZeroWithoutRequests) {
    request_stats stats;
    stats.request_begun(start);
    EXPECT_EQ(stats.last_second_requests(start + milliseconds{1500}), 1U);
    EXPECT_EQ(stats.last_second_requests(start + seconds{2}), 0U);
}

} // namespace
} // namespace kallglot::simulator
