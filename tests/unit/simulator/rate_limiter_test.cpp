#include "simulator/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const system_time noon{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}
                       + std::chrono::hours{12}};

TEST(RateLimiter, AllowsTheLimitInEachWindowOfTheClock) {
    rate_limiter limiter{event_rate{3, minutes{1}}, event_rate{0, seconds{1}}};
    const system_time now = noon + seconds{17};
    for (const std::uint64_t remaining : {2U, 1U, 0U}) {
        const auto state = limiter.take(now);
        ASSERT_TRUE(state.has_value());
        EXPECT_TRUE(state->allowed);
        EXPECT_EQ(state->limit, 3U);
        EXPECT_EQ(state->remaining, remaining);
        EXPECT_EQ(state->reset, noon + minutes{1});
    }
    EXPECT_FALSE(limiter.take(now)->allowed);
    EXPECT_FALSE(limiter.take(noon + seconds{59})->allowed);
    const auto next = limiter.take(noon + minutes{1});
    EXPECT_TRUE(next->allowed);
    EXPECT_EQ(next->remaining, 2U);
    EXPECT_EQ(next->reset, noon + minutes{2});
}

TEST(RateLimiter, OtherClientsCanUseUpTheBudget) {
    rate_limiter limiter{event_rate{100, minutes{1}}, event_rate{2, seconds{1}}};
    EXPECT_EQ(limiter.take(noon)->remaining, 99U);
    EXPECT_EQ(limiter.take(noon + seconds{30})->remaining, 38U);
    EXPECT_FALSE(limiter.take(noon + seconds{50})->allowed);
    EXPECT_EQ(limiter.take(noon + seconds{50})->remaining, 0U);
}

TEST(RateLimiter, NoLimitMeansNoHeaders) {
    rate_limiter limiter;
    EXPECT_FALSE(limiter.take(noon).has_value());
}

} // namespace
} // namespace kallglot::simulator
