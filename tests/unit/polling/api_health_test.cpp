#include "kallglot/polling/api_health.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

constexpr session_slot a{1};
constexpr session_slot b{2};
constexpr session_slot c{3};

api_failure status(int http, session_slot slot = a) {
    return {classify_status(http), http, std::nullopt, false, slot};
}

api_failure throttled(std::optional<steady_duration> retry_after = std::nullopt) {
    return {failure_reason::throttled, 429, retry_after, false, a};
}

api_health healthy() {
    api_health health(t0, 7);
    health.on_success(t0);
    return health;
}

/// Five failures in a row and five seconds without a success.
api_health unreachable(std::uint64_t seed = 7) {
    api_health health(t0, seed);
    health.on_success(t0);
    for (int i = 1; i <= 5; ++i) {
        health.on_failure(status(503), t0 + 1s * i);
    }
    return health;
}

TEST(ApiHealth, StartsWithoutAVerdict) {
    api_health health(t0, 1);
    EXPECT_EQ(health.state(), api_state::starting);
    EXPECT_FALSE(health.up().has_value());
    EXPECT_LE(health.next_request(t0), t0);
    EXPECT_EQ(health.paused_until(t0), no_time);
    EXPECT_EQ(health.ramp(t0), 1);
    health.on_success(t0 + 1s);
    EXPECT_EQ(health.state(), api_state::ok);
    EXPECT_EQ(health.up(), true);
    EXPECT_EQ(health.ramp(t0 + 1s), 1) << "the first success is no recovery";
}

struct pause_case {
    const char* name;
    std::optional<steady_duration> asked;
    steady_duration least;
    steady_duration most; ///< with the jitter
};

class ApiHealthPause : public testing::TestWithParam<pause_case> {};

TEST_P(ApiHealthPause, APauseLastsAsAskedPlusJitter) {
    const pause_case& tried = GetParam();
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        api_health health(t0, seed);
        health.on_success(t0);
        health.on_failure(throttled(tried.asked), t0);
        EXPECT_EQ(health.state(), api_state::throttled);
        EXPECT_EQ(health.up(), true) << "a 429 proves the key";
        const steady_time until = health.paused_until(t0);
        ASSERT_GE(until, t0 + tried.least);
        ASSERT_LE(until, t0 + tried.most);
        EXPECT_EQ(health.next_request(t0), until);
        EXPECT_EQ(health.next_request(until - 1ns), until);
        EXPECT_LE(health.next_request(until), until);
        EXPECT_EQ(health.paused_until(until), no_time);
    }
}

INSTANTIATE_TEST_SUITE_P(RetryAfter,
                         ApiHealthPause,
                         testing::Values(pause_case{"Missing", std::nullopt, 30s, 35s},
                                         pause_case{"TwentySeconds", 20s, 20s, 25s},
                                         pause_case{"Zero", 0s, 1s, 2s},
                                         pause_case{"InThePast", -1h, 1s, 2s},
                                         pause_case{"OneHour", 1h, 1h, 1h + 5min},
                                         pause_case{"ADay", 24h, 1h, 1h + 5min},
                                         pause_case{"TenYears", 3660 * 24h, 1h, 1h + 5min}),
                         [](const auto& tried) { return tried.param.name; });

TEST(ApiHealth, PausesAreOnlyEverExtended) {
    api_health health = healthy();
    health.on_failure(throttled(10min), t0);
    const steady_time until = health.paused_until(t0);
    health.on_failure(throttled(1s), t0 + 1s);
    EXPECT_EQ(health.paused_until(t0 + 1s), until);
    health.on_failure(throttled(20min), t0 + 2s);
    EXPECT_GE(health.paused_until(t0 + 2s), t0 + 20min);
}

TEST(ApiHealth, SuccessesThatWereInFlightDoNotEndAPause) {
    api_health health = healthy();
    health.on_failure(throttled(30s), t0);
    const steady_time until = health.paused_until(t0);
    for (int i = 0; i < 50; ++i) {
        health.on_success(t0 + 10ms * i);
        ASSERT_EQ(health.next_request(t0 + 10ms * i), until);
    }
    EXPECT_EQ(health.state(), api_state::throttled);
}

TEST(ApiHealth, APauseIsFollowedByARampFromATenth) {
    api_health health = healthy();
    health.on_failure(throttled(30s), t0);
    const steady_time until = health.paused_until(t0);
    // From the first moment, not only from the first answer.
    EXPECT_NEAR(health.ramp(until), 0.1, 0.01);
    EXPECT_LT(health.ramp(until + 1s), 0.2);
    health.on_success(until + 2s);
    EXPECT_EQ(health.state(), api_state::ok);
    EXPECT_LT(health.ramp(until + 2s), 0.2);
    double before = 0;
    for (steady_time at = until; at <= until + 60s; at += 100ms) {
        const double ramp = health.ramp(at);
        ASSERT_GE(ramp, before);
        ASSERT_LE(ramp, 1);
        before = ramp;
    }
    EXPECT_EQ(before, 1);
}

TEST(ApiHealth, A409WithRetryAfterPausesLikeA429) {
    api_health health = healthy();
    api_failure conflict = status(409);
    health.on_failure(conflict, t0);
    EXPECT_EQ(health.paused_until(t0), no_time);
    EXPECT_EQ(health.state(), api_state::ok);
    conflict.retry_after = 15s;
    health.on_failure(conflict, t0);
    EXPECT_GE(health.paused_until(t0), t0 + 15s);
}

/// Counts what is let through when every probe fails with `failure` after 200 ms.
int probes_within(api_health& health, steady_duration span, const api_failure& failure) {
    int sent = 0;
    for (steady_time now = t0; now < t0 + span; now += 10ms) {
        if (health.next_request(now) <= now) {
            health.on_sent(now);
            ++sent;
            now += 200ms;
            health.on_failure(failure, now);
        }
    }
    return sent;
}

class ApiHealthKey : public testing::TestWithParam<int> {};

TEST_P(ApiHealthKey, ARejectedKeyAllowsOneProbeAMinute) {
    api_health health = healthy();
    api_failure refused = status(GetParam());
    refused.key_at_fault = GetParam() == 403;
    health.on_failure(refused, t0);
    EXPECT_EQ(health.state(),
              GetParam() == 402 ? api_state::out_of_credits : api_state::unauthorized);
    EXPECT_EQ(health.up(), false);
    EXPECT_GT(health.next_request(t0), t0 + 59s);
    const int probes = probes_within(health, 10min, refused);
    EXPECT_GE(probes, 9);
    EXPECT_LE(probes, 10);
}

TEST_P(ApiHealthKey, OneProbeAMinuteWhateverItsResult) {
    for (const int answer : {400, 403, 409, 418, 500, 503, 301}) {
        api_health health = healthy();
        api_failure refused = status(GetParam());
        refused.key_at_fault = GetParam() == 403;
        health.on_failure(refused, t0);
        EXPECT_LE(probes_within(health, 10min, status(answer)), 10) << answer;
    }
}

TEST_P(ApiHealthKey, SuccessesFromBeforeDoNotReopenTheGate) {
    api_health health = healthy();
    api_failure refused = status(GetParam());
    refused.key_at_fault = GetParam() == 403;
    health.on_failure(refused, t0);
    health.on_success(t0 + 50ms);
    EXPECT_GT(health.next_request(t0 + 50ms), t0 + 59s);
    EXPECT_NE(health.state(), api_state::ok);
}

TEST_P(ApiHealthKey, AProbeThatSucceedsOpensTheGateWithARamp) {
    api_health health = healthy();
    api_failure refused = status(GetParam());
    refused.key_at_fault = GetParam() == 403;
    health.on_failure(refused, t0);
    const steady_time probe = health.next_request(t0);
    health.on_sent(probe);
    EXPECT_GT(health.next_request(probe), probe) << "one probe at a time";
    health.on_success(probe + 200ms);
    EXPECT_EQ(health.state(), api_state::ok);
    EXPECT_EQ(health.up(), true);
    EXPECT_LE(health.next_request(probe + 200ms), probe + 200ms);
    EXPECT_NEAR(health.ramp(probe + 200ms), 0.1, 0.01);
}

TEST_P(ApiHealthKey, AnotherKeyIsTriedAtOnce) {
    api_health health = healthy();
    api_failure refused = status(GetParam());
    refused.key_at_fault = GetParam() == 403;
    health.on_failure(refused, t0);
    health.on_key_changed(t0 + 5s);
    EXPECT_LE(health.next_request(t0 + 5s), t0 + 5s);
    health.on_sent(t0 + 5s);
    // An answer to the old key arrives while the new one is being tried.
    health.on_failure(refused, t0 + 5s + 50ms);
    health.on_success(t0 + 5s + 200ms);
    EXPECT_EQ(health.state(), api_state::ok);
    EXPECT_LE(health.next_request(t0 + 6s), t0 + 6s);
}

INSTANTIATE_TEST_SUITE_P(Status, ApiHealthKey, testing::Values(401, 402, 403));

TEST(ApiHealth, ASessionOfAnotherAccountIsNotAFaultOfTheKey) {
    api_health health = healthy();
    for (int i = 0; i < 20; ++i) {
        health.on_failure(status(403, i % 2 == 0 ? a : b), t0 + 1s * i);
    }
    EXPECT_EQ(health.state(), api_state::ok);
    health.on_success(t0 + 30s);
    health.on_failure(status(403, c), t0 + 31s);
    EXPECT_EQ(health.state(), api_state::ok);
}

TEST(ApiHealth, Three403FromDifferentSessionsAreTheKeysFault) {
    api_health health = healthy();
    health.on_failure(status(403, a), t0);
    health.on_failure(status(403, b), t0);
    EXPECT_LE(health.next_request(t0), t0);
    health.on_failure(status(403, c), t0);
    EXPECT_EQ(health.state(), api_state::unauthorized);
    EXPECT_GT(health.next_request(t0), t0 + 59s);
}

TEST(ApiHealth, LateRejectionsDoNotPostponeTheProbe) {
    api_health health = healthy();
    health.on_failure(status(401), t0);
    for (int i = 1; i < 100; ++i) {
        health.on_failure(status(401), t0 + 100ms * i);
    }
    EXPECT_LE(health.next_request(t0 + 60s), t0 + 60s);
}

TEST(ApiHealth, AThrottledProbeDoesNotProveTheKeyGood) {
    api_health health = healthy();
    health.on_failure(status(401), t0);
    health.on_failure(throttled(5s), t0 + 1s);
    EXPECT_EQ(health.state(), api_state::unauthorized);
    EXPECT_EQ(health.up(), false);
}

TEST(ApiHealth, AThrottledProbeEndsAnOutage) {
    api_health health = unreachable();
    const steady_time probe = health.next_request(t0 + 5s);
    health.on_sent(probe);
    health.on_failure(throttled(5s), probe + 1s);
    EXPECT_EQ(health.state(), api_state::throttled);
    EXPECT_GE(health.next_request(probe + 1s), probe + 6s);
    EXPECT_LT(health.next_request(probe + 1s), probe + 8s);
}

TEST(ApiHealth, FiveFailuresWithinFiveSecondsAreNotAnOutage) {
    api_health health = healthy();
    for (int i = 0; i < 50; ++i) {
        health.on_failure(status(503), t0 + 4999ms);
    }
    EXPECT_EQ(health.state(), api_state::ok);
    health.on_failure(status(503), t0 + 5s);
    EXPECT_EQ(health.state(), api_state::unreachable);
    EXPECT_EQ(health.up(), false);
}

TEST(ApiHealth, FourFailuresAreNotAnOutageHoweverLong) {
    api_health health = healthy();
    for (int i = 1; i <= 4; ++i) {
        health.on_failure({failure_reason::timeout, 0, std::nullopt, false, a}, t0 + 1min * i);
        EXPECT_EQ(health.state(), api_state::ok);
    }
    health.on_failure({failure_reason::timeout, 0, std::nullopt, false, a}, t0 + 5min);
    EXPECT_EQ(health.state(), api_state::unreachable);
}

TEST(ApiHealth, OneFailingSessionDoesNotMakeTheApiUnreachable) {
    api_health health = healthy();
    for (int i = 0; i < 10'000; ++i) {
        health.on_failure(status(500, a), t0 + 2s * i);
        health.on_success(t0 + 2s * i + 1s);
        ASSERT_EQ(health.state(), api_state::ok);
    }
}

TEST(ApiHealth, AnOutageIsProbedOnceAStepOfUpToAMinute) {
    api_health health = unreachable();
    steady_time now = t0 + 5s;
    for (int step = 0; step < 200; ++step) {
        const steady_time probe = health.next_request(now);
        ASSERT_GE(probe, now);
        ASSERT_LE(probe, now + 60s);
        health.on_sent(probe);
        ASSERT_GT(health.next_request(probe + 5s), probe + 5s) << "a second probe in one step";
        now = probe + 10s;
        health.on_failure({failure_reason::timeout, 0, std::nullopt, false, a}, now);
        ASSERT_EQ(health.state(), api_state::unreachable);
    }
    health.on_sent(health.next_request(now));
    health.on_success(now + 61s);
    EXPECT_EQ(health.state(), api_state::ok);
    EXPECT_NEAR(health.ramp(now + 61s), 0.1, 0.01);
}

TEST(ApiHealth, JitterIsFull) {
    // The mean wait of each step is half its bound, and the waits reach from end to end.
    for (int step = 1; step <= 8; ++step) {
        const double bound = std::min(60.0, std::pow(2.0, step));
        double sum = 0;
        double least = bound;
        double most = 0;
        constexpr int draws = 1000;
        for (std::uint64_t seed = 0; seed < draws; ++seed) {
            api_health health = unreachable(seed * 977);
            steady_time now = t0 + 5s;
            for (int i = 1; i < step; ++i) {
                now = health.next_request(now);
                health.on_sent(now);
                now += 1ms;
                health.on_failure(status(503), now);
            }
            const double wait = to_seconds(health.next_request(now) - now);
            sum += wait;
            least = std::min(least, wait);
            most = std::max(most, wait);
        }
        EXPECT_NEAR(sum / draws, bound / 2, bound / 2 * 0.05) << "step " << step;
        EXPECT_LT(least, bound * 0.02);
        EXPECT_GT(most, bound * 0.98);
        EXPECT_LE(most, bound);
    }
}

TEST(ApiHealth, ALostProbeIsFollowedByAnother) {
    api_health health = unreachable();
    const steady_time probe = health.next_request(t0 + 5s);
    health.on_sent(probe);
    EXPECT_LE(health.next_request(probe + 2min), probe + 2min);
}

TEST(ApiHealth, AProbeOnAClosedConnectionIsRetriedAtOnce) {
    api_health health = unreachable();
    const steady_time probe = health.next_request(t0 + 5s);
    health.on_sent(probe);
    health.on_retry(probe - 1s, probe + 1s);
    EXPECT_EQ(health.next_request(probe + 1s), probe + 1min) << "one that left before is no probe";
    health.on_retry(probe + 1ms, probe + 1s);
    EXPECT_EQ(health.next_request(probe + 1s), probe + 1s);
    health.on_sent(probe + 1s);
    EXPECT_EQ(health.next_request(probe + 2s), probe + 61s);
}

TEST(ApiHealth, AnyAnswerButTroubleEndsAnOutage) {
    for (const int answer : {400, 403, 418}) {
        api_health health = unreachable();
        const steady_time probe = health.next_request(t0 + 5s);
        health.on_sent(probe);
        health.on_failure(status(answer), probe + 100ms);
        EXPECT_NE(health.state(), api_state::unreachable) << answer;
        EXPECT_LT(health.ramp(probe + 200ms), 0.2) << answer;
    }
}

} // namespace
} // namespace kallglot
