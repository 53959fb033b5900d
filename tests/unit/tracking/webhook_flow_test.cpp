#include "tracking/webhook_flow.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {
namespace {

constexpr session_slot some_slot{4711};

class WebhookFlow : public testing::Test {
protected:
    void report(int count) {
        for (int i = 0; i < count; ++i) {
            flow_.reported_first(now_);
        }
    }

    /// Starts that a poll saw and no webhook reports.
    void see(int count, std::uint32_t first_slot = 0) {
        for (int i = 0; i < count; ++i) {
            flow_.seen_first(session_slot{first_slot++}, reported_change::start, now_);
        }
    }

    [[nodiscard]] bool flows_after(steady_duration span) {
        now_ += span;
        return flow_.flows(now_);
    }

    steady_time now_ = t0;
    webhook_flow flow_;
};

TEST_F(WebhookFlow, WithoutEventsWebhooksAreNotReliable) {
    EXPECT_FALSE(flows_after(0s));
}

TEST_F(WebhookFlow, NeedsTwentyChanges) {
    report(19);
    EXPECT_FALSE(flows_after(0s));
    report(1);
    EXPECT_TRUE(flows_after(0s));
}

TEST_F(WebhookFlow, OneInAHundredMayBeThePolls) {
    report(99);
    see(1);
    EXPECT_TRUE(flows_after(10s));
    see(1, 1);
    EXPECT_FALSE(flows_after(10s));
}

TEST_F(WebhookFlow, ForgetsWhatIsOlderThanFifteenMinutes) {
    report(20);
    EXPECT_TRUE(flows_after(14min));
    EXPECT_FALSE(flows_after(2min));
}

TEST_F(WebhookFlow, AWebhookThatWasMerelyOvertakenCountsAsItsOwn) {
    report(20);
    flow_.seen_first(some_slot, reported_change::start, now_);
    now_ += 4s;
    flow_.reported_after(some_slot, reported_change::start, now_);
    EXPECT_TRUE(flows_after(3min));
    EXPECT_EQ(flow_.missed(), 0U);
}

TEST_F(WebhookFlow, ALateWebhookCountsForThePollButWasNotMissed) {
    report(20);
    flow_.seen_first(some_slot, reported_change::end, now_);
    EXPECT_FALSE(flows_after(6s));
    now_ += 60s;
    flow_.reported_after(some_slot, reported_change::end, now_);
    EXPECT_FALSE(flows_after(3min));
    EXPECT_EQ(flow_.missed(), 0U);
}

TEST_F(WebhookFlow, AChangeWithoutAWebhookForTwoMinutesIsMissed) {
    see(3);
    EXPECT_FALSE(flows_after(2min));
    EXPECT_EQ(flow_.missed(), 0U);
    EXPECT_FALSE(flows_after(1s));
    EXPECT_EQ(flow_.missed(), 3U);
    flow_.reported_after(session_slot{0}, reported_change::start, now_);
    EXPECT_EQ(flow_.missed(), 3U);
}

TEST_F(WebhookFlow, StartAndEndOfOneSessionAreTwoCases) {
    flow_.seen_first(some_slot, reported_change::start, now_);
    flow_.seen_first(some_slot, reported_change::end, now_);
    flow_.reported_after(some_slot, reported_change::end, now_ + 1s);
    EXPECT_FALSE(flows_after(3min));
    EXPECT_EQ(flow_.missed(), 1U);
}

TEST_F(WebhookFlow, ASlotOfAnotherSessionStartsAgain) {
    flow_.seen_first(some_slot, reported_change::start, now_);
    flow_.seen_first(some_slot, reported_change::start, now_ + 1min);
    EXPECT_EQ(flow_.missed(), 1U);
    flow_.reported_after(some_slot, reported_change::start, now_ + 1min + 1s);
    EXPECT_FALSE(flows_after(5min));
    EXPECT_EQ(flow_.missed(), 1U);
}

TEST_F(WebhookFlow, EventsOfNoOpenCaseChangeNothing) {
    report(20);
    flow_.reported_after(some_slot, reported_change::start, now_);
    EXPECT_TRUE(flows_after(1s));
}

} // namespace
} // namespace kallglot::test
