#include "kallglot/base/log_throttle.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

TEST(LogThrottle, AllowsOneLineAMinuteWithTheNumberOfEvents) {
    log_throttle throttle;
    const steady_time start{std::chrono::hours(1)};
    EXPECT_EQ(throttle.note(start), 1);
    for (int i = 0; i < 59; ++i) {
        EXPECT_EQ(throttle.note(start + seconds(i + 1)), std::nullopt);
    }
    EXPECT_EQ(throttle.note(start + seconds(60)), 60);
    EXPECT_EQ(throttle.note(start + seconds(61)), std::nullopt);
    // Events that no line has told of are in the next one, however late it is.
    EXPECT_EQ(throttle.note(start + std::chrono::hours(1)), 2);
}

TEST(LogBudget, AllowsSixtyLinesAMinuteAndCountsTheRest) {
    log_budget budget;
    const steady_time start{std::chrono::hours(1)};
    for (std::uint32_t i = 0; i < log_budget::max_lines; ++i) {
        EXPECT_EQ(budget.note(start + milliseconds(i)), 0);
    }
    for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(budget.note(start + seconds(59)), std::nullopt);
    }
    EXPECT_EQ(budget.note(start + seconds(60)), 7);
    EXPECT_EQ(budget.note(start + seconds(61)), 0);
}

} // namespace
} // namespace kallglot
