#include "kallglot/tracking/server_clock.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

constexpr api_time noon{1'776'160'000'000ms};

TEST(ServerClock, KnowsNothingBeforeTheFirstDate) {
    const server_clock clock;
    EXPECT_FALSE(clock.at(t0).has_value());
}

TEST(ServerClock, RunsOnWithTheSteadyClock) {
    server_clock clock;
    clock.note(noon, t0);
    EXPECT_EQ(clock.at(t0), noon);
    EXPECT_EQ(clock.at(t0 + 90s), noon + 90s);
    EXPECT_EQ(clock.at(t0 - 2s), noon - 2s);
}

TEST(ServerClock, FollowsTheLatestDate) {
    server_clock clock;
    clock.note(noon, t0);
    clock.note(noon - 1h, t0 + 10s);
    EXPECT_EQ(clock.at(t0 + 11s), noon - 1h + 1s);
}

TEST(ServerClock, IsNeverAheadOfTheTruth) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    server_clock clock;
    for (std::size_t i = 0; i < 10'000; ++i) {
        // What the API's clock really shows at t0 plus a time is noon plus that time.
        const steady_duration answered = chance.between(0s, 24h);
        const steady_duration latency = chance.between(0s, 10s);
        const api_time truth = noon + std::chrono::floor<milliseconds>(answered);
        clock.note(std::chrono::floor<seconds>(truth), t0 + answered + latency);
        const steady_duration later = chance.between(0s, 1h);
        const auto api_now = clock.at(t0 + answered + latency + later);
        ASSERT_TRUE(api_now.has_value());
        const api_time then = noon + std::chrono::floor<milliseconds>(answered + latency + later);
        ASSERT_LE(*api_now, then);
        ASSERT_GE(*api_now, then - latency - 1s - 2ms);
    }
}

} // namespace
} // namespace kallglot
