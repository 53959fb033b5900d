#include "kallglot/polling/request_gate.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <variant>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

constexpr double infinity = std::numeric_limits<double>::infinity();

request_gate gate_with(rate_limit_setting limit, rate max_rate = rate::unlimited()) {
    return {request_budget({limit, max_rate, 0.5}, t0), api_health(t0, 11)};
}

request_gate unlimited_gate() {
    return gate_with({rate_limit_mode::unlimited, {}});
}

request_gate fixed_gate(double per_second) {
    return gate_with({rate_limit_mode::fixed, rate{per_second}});
}

bool permitted(request_gate& gate, steady_time now) {
    const auto answer = gate.permit(now);
    return std::holds_alternative<request_permit>(answer);
}

/// Asks every millisecond, as often as it is allowed; each request fails if there is a reason.
int sent_within(request_gate& gate, steady_time from, steady_duration span) {
    int sent = 0;
    for (steady_time now = from; now < from + span; now += 1ms) {
        for (int i = 0; i < 1000 && permitted(gate, now); ++i) {
            ++sent;
        }
    }
    return sent;
}

api_failure failure(int status, std::optional<steady_duration> retry_after = std::nullopt) {
    return {classify_status(status), status, retry_after, false, session_slot{1}};
}

void break_down(request_gate& gate, steady_time at) {
    for (int i = 0; i < 6; ++i) {
        gate.health().on_failure(failure(503), at + 1s * i);
    }
}

TEST(RequestGate, OnlyAProbesRateMayBeSpentWhileTheApiIsNotUsable) {
    request_gate gate = fixed_gate(50);
    gate.health().on_success(t0);
    EXPECT_EQ(gate.spendable(t0 + 1min), 50);

    gate.health().on_failure(failure(429, 20s), t0 + 1min);
    EXPECT_EQ(gate.spendable(t0 + 1min + 1s), 0);
    gate.health().on_failure(failure(401), t0 + 1min + 2s);
    EXPECT_EQ(gate.spendable(t0 + 1min + 2s), 0) << "the pause still holds";
    EXPECT_NEAR(gate.spendable(t0 + 2min), 1 / 60.0, 1e-9);
    gate.health().on_sent(t0 + 3min);
    gate.health().on_success(t0 + 3min + 1s);
    EXPECT_EQ(gate.spendable(t0 + 4min), 50);

    break_down(gate, t0 + 5min);
    EXPECT_GT(gate.spendable(t0 + 6min), 1 / 60.0);
    EXPECT_LE(gate.spendable(t0 + 6min), 1);
}

TEST(RequestGate, GivesAPermitOrTheTimeToAskAgain) {
    request_gate gate = fixed_gate(2);
    auto first = gate.permit(t0);
    ASSERT_TRUE(std::holds_alternative<request_permit>(first));
    EXPECT_TRUE(std::get<request_permit>(first).valid());
    const auto second = gate.permit(t0);
    ASSERT_TRUE(std::holds_alternative<steady_time>(second));
    EXPECT_EQ(std::get<steady_time>(second), t0 + 500ms);
    EXPECT_FALSE(permitted(gate, t0 + 499ms));
    EXPECT_TRUE(permitted(gate, t0 + 500ms));
}

TEST(RequestGate, NoBurstAtStartOrAfterIdling) {
    request_gate gate = fixed_gate(10);
    EXPECT_LE(sent_within(gate, t0, 10s), 101);
    EXPECT_LE(sent_within(gate, t0 + 10min, 10s), 101);
}

TEST(RequestGate, UnlimitedMeansUnlimited) {
    request_gate gate = unlimited_gate();
    gate.health().on_success(t0);
    EXPECT_EQ(gate.rate(t0), infinity);
    for (int i = 0; i < 10'000; ++i) {
        ASSERT_TRUE(permitted(gate, t0));
    }
}

TEST(RequestGate, NothingPassesBeforeRetryAfterIsOver) {
    request_gate gate = unlimited_gate();
    gate.health().on_success(t0);
    gate.health().on_failure(failure(429, 20s), t0);
    EXPECT_EQ(gate.rate(t0), 0);
    EXPECT_EQ(sent_within(gate, t0, 20s), 0);
    const auto answer = gate.permit(t0 + 1s);
    ASSERT_TRUE(std::holds_alternative<steady_time>(answer));
    EXPECT_TRUE(permitted(gate, std::get<steady_time>(answer)));
}

TEST(RequestGate, RampsUpFromATenthAfterAPause) {
    request_gate gate = unlimited_gate();
    gate.use_demand(500);
    gate.health().on_success(t0);
    gate.health().on_failure(failure(429, 20s), t0);
    const steady_time over = gate.health().paused_until(t0);
    EXPECT_NEAR(gate.rate(over), 50, 5);
    const int first = sent_within(gate, over, 1s);
    EXPECT_GE(first, 45);
    EXPECT_LE(first, 75);
}

TEST(RequestGate, AfterAnOutageTheRateStaysBelowSteadyAndAFifth) {
    for (const double demand : {10.0, 500.0, 5000.0}) {
        request_gate gate = unlimited_gate();
        gate.use_demand(demand);
        gate.health().on_success(t0);
        break_down(gate, t0);
        const steady_time probe = gate.health().next_request(t0 + 5s);
        ASSERT_TRUE(permitted(gate, probe));
        ASSERT_FALSE(permitted(gate, probe + 1s)) << "one probe at a time";
        gate.health().on_success(probe + 1s);
        const int sent = sent_within(gate, probe + 1s, 10s);
        EXPECT_LE(sent, demand * 10 * 1.2);
        EXPECT_GE(sent, demand * 10 * 0.1);
    }
}

TEST(RequestGate, ARampNeverExceedsTheBudget) {
    request_gate gate = fixed_gate(0.2);
    gate.use_demand(1000);
    gate.health().on_success(t0);
    gate.health().on_failure(failure(429, 1s), t0);
    for (steady_time at = gate.health().paused_until(t0); at < t0 + 2min; at += 100ms) {
        ASSERT_LE(gate.rate(at), 0.2);
        ASSERT_GT(gate.rate(at), 0);
    }
}

TEST(RequestGate, AWindowThatIsUsedUpIsAskedForAgainSoon) {
    request_gate gate = gate_with({rate_limit_mode::automatic, {}});
    response_headers headers;
    headers.rate_limit = 601;
    headers.rate_reset = test::api_t0 + 29s;
    // Nothing left, and next to nothing: the window ends in half a minute whatever the pace would be.
    for (const std::uint32_t remaining : {0U, 147U}) {
        headers.rate_remaining = remaining;
        gate.budget().on_headers(headers, test::api_at(t0), t0, t0);
        (void)gate.permit(t0);
        const auto answer = gate.permit(t0 + 1ms);
        ASSERT_TRUE(std::holds_alternative<steady_time>(answer));
        EXPECT_GT(std::get<steady_time>(answer), t0 + 1ms);
        EXPECT_LE(std::get<steady_time>(answer), t0 + 29s);
    }
}

TEST(RequestGate, AsksAgainSoonerAsAWindowEnds) {
    request_gate gate = gate_with({rate_limit_mode::automatic, {}});
    response_headers headers;
    headers.rate_limit = 600;
    headers.rate_remaining = 0;
    headers.rate_reset = test::api_t0 + 30s;
    gate.budget().on_headers(headers, test::api_at(t0), t0, t0);
    const steady_time now = t0 + 30s - 40ms;
    const auto answer = gate.permit(now);
    ASSERT_TRUE(std::holds_alternative<steady_time>(answer));
    EXPECT_EQ(std::get<steady_time>(answer), now + 5ms);
}

TEST(RequestGate, IsNeverWithoutANumber) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    for (int life = 0; life < 50; ++life) {
        request_gate gate =
            chance.of(50) ? unlimited_gate() : gate_with({rate_limit_mode::automatic, {}});
        steady_time now = t0;
        for (int i = 0; i < 400; ++i) {
            now += chance.between(0s, 20s);
            gate.use_demand(chance.of(10) ? 0 : 1000 * chance.part());
            constexpr std::array statuses{400, 401, 402, 403, 409, 429, 500, 503};
            if (chance.of(40)) {
                gate.health().on_success(now);
            } else if (chance.of(40)) {
                gate.health().on_failure(failure(statuses[chance.below(statuses.size())]), now);
            } else if (chance.of(30)) {
                gate.health().on_key_changed(now);
            } else {
                response_headers headers;
                headers.rate_limit = static_cast<std::uint32_t>(chance.below(1000));
                headers.rate_remaining = static_cast<std::uint32_t>(chance.below(1000));
                headers.rate_reset = api_time(
                    std::chrono::floor<seconds>(test::api_at(now + chance.between(-90s, 90s))));
                gate.budget().on_headers(headers, test::api_at(now), now, now);
            }
            ASSERT_FALSE(std::isnan(gate.rate(now)));
            ASSERT_GE(gate.rate(now), 0);
            const auto answer = gate.permit(now);
            if (const auto* later = std::get_if<steady_time>(&answer)) {
                ASSERT_GT(*later, now);
                ASSERT_LE(*later, now + 1h + 5min) << "nothing waits longer than the longest pause";
            }
        }
    }
}

} // namespace
} // namespace kallglot
