#include "simulator/fault_plan.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

TEST(FaultPlan, EveryFaultHasANameThatParses) {
    for (std::size_t place = 1; place < fault_count; ++place) {
        const auto kind = static_cast<fault>(place);
        ASSERT_FALSE(to_text(kind).empty());
        EXPECT_EQ(fault_from_text(to_text(kind)), kind);
    }
    EXPECT_FALSE(fault_from_text("none").has_value());
    EXPECT_FALSE(fault_from_text("locusts").has_value());
}

TEST(FaultPlan, ChoosesByShareInTheOrderOfTheTable) {
    fault_plan plan;
    EXPECT_EQ(plan.choose(0.0), fault::none);
    plan.set(fault::unauthorized, 0.25);
    plan.set(fault::hang, 0.25);
    EXPECT_EQ(plan.choose(0.0), fault::unauthorized);
    EXPECT_EQ(plan.choose(0.2499), fault::unauthorized);
    EXPECT_EQ(plan.choose(0.25), fault::hang);
    EXPECT_EQ(plan.choose(0.4999), fault::hang);
    EXPECT_EQ(plan.choose(0.5), fault::none);
    plan.set(fault::unauthorized, 0.0);
    plan.set(fault::hang, 1.0);
    EXPECT_EQ(plan.choose(0.999'999'999), fault::hang);
}

TEST(FaultPlan, TakesChangesAsJson) {
    fault_plan plan;
    const auto refusal = apply_json(
        plan,
        R"({"rate_limited":0.1,"retry_after":7,"latency":"300ms","jitter":"1s","close_after":100})");
    EXPECT_EQ(refusal.value_or(""), "");
    EXPECT_DOUBLE_EQ(plan.share_of(fault::rate_limited), 0.1);
    EXPECT_EQ(plan.retry_after, "7");
    EXPECT_EQ(plan.latency, std::chrono::milliseconds{300});
    EXPECT_EQ(plan.jitter, std::chrono::seconds{1});
    EXPECT_EQ(plan.close_after, 100U);

    EXPECT_FALSE(apply_json(plan, R"({"server_error":0.2})").has_value());
    EXPECT_DOUBLE_EQ(plan.share_of(fault::rate_limited), 0.1) << "unnamed fields stay";

    EXPECT_FALSE(apply_json(plan, R"({"close":1,"reset":true})").has_value());
    EXPECT_DOUBLE_EQ(plan.share_of(fault::rate_limited), 0.0);
    EXPECT_DOUBLE_EQ(plan.share_of(fault::close), 1.0);
    EXPECT_EQ(plan.latency, std::chrono::milliseconds{0});
}

TEST(FaultPlan, TakesSettingsOfHttp2) {
    fault_plan plan;
    const auto refusal = apply_json(
        plan,
        R"({"max_streams":0,"reset_code":"NO_ERROR","goaway_code":11,"cancelled_bytes":65536,
            "late_by":"20s","alpn":"h2","alpn_answer":"spdy/3","speak":"http/1.1"})");
    EXPECT_EQ(refusal.value_or(""), "");
    EXPECT_EQ(plan.http2.max_streams, 0U);
    EXPECT_EQ(plan.http2.reset_code, 0U);
    EXPECT_EQ(plan.http2.goaway_code, 11U);
    EXPECT_EQ(plan.http2.cancelled_bytes, 65536U);
    EXPECT_EQ(plan.late_by, std::chrono::seconds{20});
    EXPECT_EQ(plan.alpn.accepted, "h2");
    EXPECT_EQ(plan.alpn.forced, "spdy/3");
    EXPECT_EQ(plan.alpn.spoken, "http/1.1");
    EXPECT_NE(to_json(plan).find(R"("goaway_code":"ENHANCE_YOUR_CALM")"), std::string::npos);
    fault_plan copy;
    EXPECT_FALSE(apply_json(copy, to_json(plan)).has_value());
    EXPECT_EQ(to_json(copy), to_json(plan));
}

TEST(FaultPlan, FaultsOfHttp2AreGrouped) {
    EXPECT_FALSE(is_http2_fault(fault::shorter_body));
    EXPECT_TRUE(is_http2_fault(fault::refused_stream));
    EXPECT_TRUE(is_unprocessed(fault::goaway));
    EXPECT_FALSE(is_unprocessed(fault::reset_stream));
    EXPECT_FALSE(is_flood(fault::stall));
    EXPECT_TRUE(is_flood(fault::window_overrun));
}

TEST(FaultPlan, InvalidChangesAreRejectedAndChangeNothing) {
    for (const char* text : {"",
                             "[]",
                             "{",
                             R"({"locusts":0.1})",
                             R"({"hang":2})",
                             R"({"hang":-0.1})",
                             R"({"hang":"yes"})",
                             R"({"latency":"soon"})",
                             R"({"close_after":-1})",
                             R"({"max_streams":-1})",
                             R"({"reset_code":"OOPS"})",
                             R"({"speak":"spdy"})",
                             R"({"hang":0.6,"close":0.6})",
                             R"({"close":0.5,"latency":"1x"})"}) {
        fault_plan plan;
        plan.set(fault::not_json, 0.125);
        EXPECT_TRUE(apply_json(plan, text).has_value()) << text;
        EXPECT_DOUBLE_EQ(plan.share_of(fault::not_json), 0.125) << text;
        EXPECT_DOUBLE_EQ(plan.share_of(fault::close), 0.0) << text;
    }
}

TEST(FaultPlan, ShownPlanParsesAsTheSame) {
    fault_plan plan;
    plan.set(fault::two_responses, 0.5);
    plan.retry_after = "date+9";
    plan.latency = std::chrono::milliseconds{1234};
    fault_plan copy;
    EXPECT_FALSE(apply_json(copy, to_json(plan)).has_value());
    EXPECT_EQ(to_json(copy), to_json(plan));
}

TEST(FaultPlan, RetryAfterGivesTheLengthOfThePause) {
    EXPECT_EQ(pause_of("7"), std::chrono::seconds{7});
    EXPECT_EQ(pause_of("date+12"), std::chrono::seconds{12});
    for (const char* text : {"", "soon", "-1", "1.5", "3,4", "date+"}) {
        EXPECT_FALSE(pause_of(text).has_value()) << text;
    }
}

} // namespace
} // namespace kallglot::simulator
