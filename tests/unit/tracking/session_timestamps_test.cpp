// What the timestamps of the API say on our clock.

#include "kallglot/tracking/session_tracker.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

TEST(SessionTimestamps, AgesATimestampByDateLessOneSecond) {
    const exchange_times times{t0, t0 + 200ms, test::api_t0};
    EXPECT_EQ(later_bound(test::api_t0 - 60s, times), t0 + 200ms - 59s);
    EXPECT_EQ(later_bound(test::api_t0 - 1s, times), t0 + 200ms);
    EXPECT_EQ(later_bound(test::api_t0, times), t0 + 200ms);
}

TEST(SessionTimestamps, NeverDatesATimestampAfterItsReceipt) {
    const exchange_times times{t0, t0 + 200ms, test::api_t0};
    EXPECT_EQ(later_bound(test::api_t0 + 23h, times), t0 + 200ms);
}

TEST(SessionTimestamps, IgnoresTimestampsThatCannotBe) {
    const exchange_times times{t0, t0 + 200ms, test::api_t0};
    EXPECT_FALSE(later_bound(test::api_t0 + 25h, times).has_value());
    EXPECT_FALSE(later_bound(test::api_t0 - 401 * 24h, times).has_value());
    EXPECT_TRUE(later_bound(test::api_t0 - 399 * 24h, times).has_value());
    EXPECT_FALSE(later_bound(test::api_t0, {t0, t0, std::nullopt}).has_value());
}

} // namespace
} // namespace kallglot
