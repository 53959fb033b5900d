// How many requests each new session has, and the degree of shortage that follows.

#include "polling/request_supply.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

constexpr double budget = 10;

/// Ten requests a second, and sessions that arrive evenly, `each` requests for one, from `start` on.
void run(request_supply& supply, double each, steady_time start, steady_duration length) {
    double owed = 0;
    for (steady_time now = start; now < start + length; now += 250ms) {
        owed += 0.25 * budget / each;
        for (; owed >= 1; owed -= 1) {
            supply.note_arrival();
        }
        supply.compare(2 * budget, budget, now);
    }
}

scarcity degree_at(double each) {
    request_supply supply;
    run(supply, each, t0, 20min);
    EXPECT_NEAR(supply.each(), each, each / 20);
    return supply.degree();
}

TEST(RequestSupply, WithoutArrivalsItIsInfinite) {
    request_supply supply;
    supply.compare(1, 2, t0);
    EXPECT_EQ(supply.degree(), scarcity::plenty);
    EXPECT_EQ(supply.each(), std::numeric_limits<double>::infinity());
    // Too few for the intervals of sessions that are there, but no new ones.
    supply.compare(2, 1, t0 + 1s);
    EXPECT_EQ(supply.degree(), scarcity::limited);
    EXPECT_EQ(supply.urgent_in_a_row(), 4U);
}

TEST(RequestSupply, DegreesFollowTheRequestsForEachSession) {
    EXPECT_EQ(degree_at(3.2), scarcity::limited);
    EXPECT_EQ(degree_at(2.2), scarcity::hard);
    EXPECT_EQ(degree_at(1.5), scarcity::hard);
    EXPECT_EQ(degree_at(1.3), scarcity::hard);
    EXPECT_EQ(degree_at(0.9), scarcity::too_few);
    EXPECT_EQ(degree_at(0.3), scarcity::too_few);
}

TEST(RequestSupply, ADegreeEndsWellAboveItsBound) {
    request_supply supply;
    run(supply, 2.4, t0, 20min);
    EXPECT_EQ(supply.degree(), scarcity::hard);
    run(supply, 2.8, t0 + 20min, 20min);
    EXPECT_EQ(supply.degree(), scarcity::hard);
    run(supply, 3.2, t0 + 40min, 20min);
    EXPECT_EQ(supply.degree(), scarcity::limited);
    run(supply, 2.6, t0 + 60min, 20min);
    EXPECT_EQ(supply.degree(), scarcity::limited);
}

TEST(RequestSupply, EnoughForAllIntervalsEndsEveryShortage) {
    request_supply supply;
    run(supply, 0.5, t0, 20min);
    ASSERT_EQ(supply.degree(), scarcity::too_few);
    supply.compare(1, budget, t0 + 20min);
    EXPECT_EQ(supply.degree(), scarcity::plenty);
}

TEST(RequestSupply, RepeatedPollsAreACost) {
    request_supply supply;
    for (int i = 0; i < 4000; ++i) {
        supply.note_poll(i % 2 == 0);
    }
    run(supply, 2, t0, 20min);
    EXPECT_NEAR(supply.each(), 1, 0.05);
}

TEST(RequestSupply, DecidingAllTakesALittleMoreThanOneRequestEach) {
    request_supply enough;
    run(enough, 1.15, t0, 20min);
    EXPECT_TRUE(enough.decides_all());
    request_supply too_few;
    run(too_few, 0.58, t0, 20min);
    EXPECT_FALSE(too_few.decides_all());
    EXPECT_NEAR(too_few.needed(), 1.08 * budget / 0.58, 1);
}

TEST(RequestSupply, TheRoutineFloorShrinksFromAFifthToAFiftieth) {
    unsigned before = 4;
    for (const double each : {4.0, 2.5, 2.0, 1.5, 1.2, 1.0, 0.3}) {
        request_supply supply;
        run(supply, each, t0, 20min);
        EXPECT_GE(supply.urgent_in_a_row(), before) << each;
        before = supply.urgent_in_a_row();
    }
    EXPECT_EQ(before, 49U);
}

} // namespace
} // namespace kallglot
