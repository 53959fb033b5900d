#include "polling/request_budget.hpp"

#include "kallglot/base/time.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <optional>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::api_at;
using test::t0;

constexpr double infinity = std::numeric_limits<double>::infinity();

budget_settings automatic(double share = 0.5, rate max_rate = rate::unlimited()) {
    return {{rate_limit_mode::automatic, {}}, max_rate, share};
}

budget_settings fixed(double per_second, rate max_rate = rate::unlimited()) {
    return {{rate_limit_mode::fixed, rate{per_second}}, max_rate, 0.5};
}

response_headers limits(std::uint32_t limit,
                        std::optional<std::uint32_t> remaining = std::nullopt,
                        std::optional<api_time> reset = std::nullopt) {
    response_headers headers;
    headers.rate_limit = limit;
    headers.rate_remaining = remaining;
    headers.rate_reset = reset;
    return headers;
}

/// Headers as they come `at`, with a reset `left` later.
void receive(request_budget& budget,
             std::uint32_t limit,
             std::uint32_t remaining,
             steady_duration left,
             steady_time at) {
    const api_time reset =
        std::chrono::time_point_cast<milliseconds>(api_at(at) + std::chrono::round<seconds>(left));
    budget.on_headers(limits(limit, remaining, reset), api_at(at), at, at);
}

TEST(RequestBudget, WithoutHeadersSixtyAMinuteAndATenthMoreEachMinute) {
    const request_budget budget(automatic(), t0);
    EXPECT_NEAR(budget.allowed(t0), 1.0, 1e-9);
    EXPECT_NEAR(budget.allowed(t0 + 1min), 1.1, 1e-9);
    EXPECT_NEAR(budget.allowed(t0 + 10min), std::pow(1.1, 10), 1e-6);
    EXPECT_TRUE(std::isfinite(budget.allowed(t0 + 24h * 365)));
}

TEST(RequestBudget, TheGuessStaysBelowMaxRate) {
    const request_budget budget(automatic(0.5, rate{3}), t0);
    EXPECT_EQ(budget.allowed(t0 + 24h), 3);
}

TEST(RequestBudget, A429HalvesTheGuess) {
    request_budget budget(automatic(), t0);
    budget.on_throttled(t0 + 9min, t0 + 10min);
    const double halved = std::pow(1.1, 10) / 2;
    EXPECT_NEAR(budget.allowed(t0 + 10min), halved, 1e-6);
    EXPECT_NEAR(budget.allowed(t0 + 11min), halved * 1.1, 1e-6);
    for (int i = 0; i < 100; ++i) {
        const steady_time at = t0 + 11min + i * 1s;
        budget.on_throttled(at, at);
    }
    EXPECT_NEAR(budget.allowed(t0 + 11min + 99s), 1.0 / 60, 1e-9) << "one a minute at least";
}

TEST(RequestBudget, TheAnswersUnderWayTogetherHalveItOnce) {
    request_budget budget(automatic(), t0);
    for (int i = 0; i < 256; ++i) {
        budget.on_throttled(t0 + 10min - 300ms + i * 1ms, t0 + 10min + i * 1ms);
    }
    EXPECT_NEAR(budget.allowed(t0 + 10min), std::pow(1.1, 10) / 2, 1e-3);
}

TEST(RequestBudget, A429HalvesTheUsedRateNotTheAllowedOne) {
    request_budget budget(automatic(0.5, rate{3}), t0);
    budget.on_throttled(t0 + 24h, t0 + 24h);
    EXPECT_NEAR(budget.allowed(t0 + 24h), 1.5, 1e-9);
}

TEST(RequestBudget, AnEndOfTheWindowInAYearIsNotBelieved) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 599, 60s, t0);
    const double before = budget.allowed(t0 + 1s);
    receive(budget, 600, 598, 365 * 24h, t0 + 1s);
    EXPECT_NEAR(budget.allowed(t0 + 1s), before, 0.1);
    const api_time far = parse_timestamp("9999-12-31T23:59:59Z").value();
    budget.on_headers(limits(600, 597, far), api_at(t0 + 61s), t0 + 61s, t0 + 61s);
    receive(budget, 600, 597, 59s, t0 + 61s);
    EXPECT_NEAR(budget.allowed(t0 + 61s), before, 0.1);
}

TEST(RequestBudget, AWrongEndOfTheWindowCostsOneWindowNotADay) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 599, 60s, t0);
    const double before = budget.allowed(t0 + 1s);
    receive(budget, 600, 598, 23h, t0 + 1s);
    receive(budget, 600, 590, 50s, t0 + 10s);
    receive(budget, 600, 599, 59s, t0 + 61s);
    EXPECT_NEAR(budget.allowed(t0 + 61s), before, 0.1);
}

TEST(RequestBudget, FixedAndUnlimitedIgnoreHeaders) {
    request_budget own(fixed(10), t0);
    request_budget capped(fixed(10, rate{4}), t0);
    request_budget unlimited({{rate_limit_mode::unlimited, {}}, rate::unlimited(), 0.5}, t0);
    request_budget held({{rate_limit_mode::unlimited, {}}, rate{200}, 0.5}, t0);
    for (request_budget* budget : {&own, &capped, &unlimited, &held}) {
        receive(*budget, 60, 0, 30s, t0);
        budget->on_throttled(t0, t0);
    }
    EXPECT_EQ(own.allowed(t0), 10);
    EXPECT_EQ(capped.allowed(t0), 4);
    EXPECT_EQ(unlimited.allowed(t0), infinity);
    EXPECT_EQ(held.allowed(t0), 200);
}

struct window_case {
    const char* name;
    double share;
    std::uint32_t limit;
    std::uint32_t remaining;
    steady_duration left;
    double expected;
};

class RequestBudgetWindow : public testing::TestWithParam<window_case> {};

TEST_P(RequestBudgetWindow, FollowsTheFormula) {
    const window_case& tried = GetParam();
    request_budget budget(automatic(tried.share), t0);
    receive(budget, tried.limit, tried.remaining, tried.left, t0);
    EXPECT_NEAR(budget.allowed(t0), tried.expected, 0.001);
}

INSTANTIATE_TEST_SUITE_P(
    Auto,
    RequestBudgetWindow,
    testing::Values(window_case{"FreshWindow", 0.5, 600, 600, 60s, 5},
                    window_case{"OthersUsedNothing", 0.5, 600, 450, 30s, 5},
                    window_case{"OthersUsedMoreThanTheirs", 0.5, 600, 240, 30s, (240 - 150) / 30.0},
                    window_case{"OnlyTheOthersShareIsLeft", 0.5, 600, 150, 30s, 0},
                    window_case{"NothingIsLeft", 0.5, 600, 0, 30s, 0},
                    window_case{"AllOfItIsOurs", 1.0, 600, 300, 30s, 10},
                    window_case{"AllOfItIsOursAndMuchIsLeft", 1.0, 600, 600, 10s, 10},
                    window_case{"ATenthIsOurs", 0.1, 600, 600, 60s, 1},
                    window_case{"TheSmallestAccount", 0.5, 60, 60, 60s, 0.5}),
    [](const auto& tried) { return tried.param.name; });

TEST(RequestBudget, MaxRateHoldsInAutoToo) {
    request_budget budget(automatic(0.5, rate{2}), t0);
    receive(budget, 600, 600, 60s, t0);
    EXPECT_EQ(budget.allowed(t0), 2);
}

TEST(RequestBudget, AWindowThatIsOverIsAFreshOne) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 0, 10s, t0);
    EXPECT_EQ(budget.allowed(t0 + 9s), 0);
    EXPECT_NEAR(budget.allowed(t0 + 11s), 5, 1e-9);
    // And stays so if no header ever comes again.
    EXPECT_NEAR(budget.allowed(t0 + 24h), 5, 1e-9);
}

TEST(RequestBudget, CountsWhatItSentSinceTheLastHeader) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 160, 30s, t0);
    const double before = budget.allowed(t0);
    for (int i = 0; i < 10; ++i) {
        budget.on_sent(t0, 1000);
    }
    EXPECT_NEAR(before, 10 / 30.0, 0.001);
    EXPECT_EQ(budget.allowed(t0), 0);
}

/// Windows of a minute in which others use `others` requests evenly, and we none.
void let_others_use(request_budget& budget, std::uint32_t limit, double others, int windows) {
    for (int second = 0; second < 60 * windows; ++second) {
        const int place = second % 60;
        const auto used = static_cast<std::uint32_t>(others * place / 60);
        receive(budget, limit, limit - used, std::chrono::seconds(60 - place), t0 + second * 1s);
    }
}

TEST(RequestBudget, LeavesOthersWhatTheyUseBeyondTheirShare) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 900, 10);
    // Half of a window: 450 are left of the limit for others, and a margin; 300 would be their share.
    receive(budget, 1200, 750, 30s, t0 + 10min + 30s);
    // What is free is spent until a second and a half before the end; the margin of 98 shrinks meanwhile.
    EXPECT_NEAR(budget.allowed(t0 + 10min + 30s), (750.0 - 450 - 98) / 28.5 + 98.0 / 60, 0.1);
}

TEST(RequestBudget, WhatIsFreeNearTheEndIsSpentAtOnce) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 900, 10);
    receive(budget, 1200, 60, 1s, t0 + 10min + 59s);
    EXPECT_NEAR(budget.allowed(t0 + 10min + 59s), 10, 1e-9) << "our share, and never more";
}

TEST(RequestBudget, TheCountIsAsOldAsTheRequest) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 900, 10);
    receive(budget, 1200, 1200, 60s, t0 + 10min);
    request_budget slow = budget;
    const steady_time now = t0 + 10min + 30s;
    const auto headers = limits(1200, 750, api_at(now) + 30s);
    budget.on_headers(headers, api_at(now), now, now);
    slow.on_headers(headers, api_at(now), now - 2s, now);
    // Others have used thirty more by now.
    EXPECT_NEAR(budget.allowed(now) - slow.allowed(now), 30 / 28.5, 0.3);
}

TEST(RequestBudget, AnAnswerBeforeTheRequestWasWrittenCountsFromNow) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 900, 10);
    request_budget odd = budget;
    const steady_time now = t0 + 10min + 30s;
    const auto headers = limits(1200, 750, api_at(now) + 30s);
    budget.on_headers(headers, api_at(now), now, now);
    odd.on_headers(headers, api_at(now), no_time, now);
    EXPECT_EQ(budget.allowed(now), odd.allowed(now));
}

/// Windows in which others use 900 of 1,200; a request goes at each expected end and `late` behind it, and the window
/// really ends between the two.
request_budget after_ends(bool late) {
    request_budget budget(automatic(), t0);
    for (int window = 0; window < 12; ++window) {
        const steady_time begin = t0 + window * 60s;
        const api_time reset = api_at(begin) + 60s;
        for (int second = 0; second < 60; ++second) {
            const steady_time at = begin + second * 1s + 900ms;
            const auto used = static_cast<std::uint32_t>(15 * second + 14);
            budget.on_headers(limits(1200, 1200 - used, reset), api_at(at), at, at);
        }
        if (late) {
            const steady_time behind = begin + 60s + 100ms;
            budget.on_headers(limits(1200, 300, reset), api_at(behind), behind, behind);
        }
    }
    return budget;
}

TEST(RequestBudget, AWindowThatEndsLateIsLeftToOthersForSoLong) {
    request_budget punctual = after_ends(false);
    request_budget late = after_ends(true);
    const steady_time now = t0 + 12min + 30s;
    for (request_budget* budget : {&punctual, &late}) {
        receive(*budget, 1200, 750, 30s, now);
    }
    // 0.9 s, in which others use thirteen.
    EXPECT_NEAR(punctual.allowed(now) - late.allowed(now), 13.5 / 28.5, 0.2);
}

TEST(RequestBudget, IsAskedMoreOftenAsAWindowEnds) {
    request_budget budget(automatic(), t0);
    EXPECT_EQ(budget.next_change(t0), t0 + 500ms);
    receive(budget, 600, 500, 60s, t0);
    EXPECT_EQ(budget.next_change(t0 + 10s), t0 + 10s + 500ms);
    EXPECT_EQ(budget.next_change(t0 + 59s), t0 + 59s + 125ms);
    EXPECT_EQ(budget.next_change(t0 + 60s - 1ms), t0 + 60s + 4ms);
    EXPECT_EQ(budget.next_change(t0 + 61s), t0 + 61s + 500ms);
}

TEST(RequestBudget, LooksSeldomWhileOthersMayNeedTheRest) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 1150, 10);
    const steady_time begin = t0 + 10min;
    receive(budget, 1200, 1200, 60s, begin);
    const double look = 1200.0 / 40 / 60;
    EXPECT_EQ(budget.allowed(begin + 14s), 0);
    EXPECT_NEAR(budget.allowed(begin + 16s), look, 1e-9)
        << "a quarter of it has passed without an answer";
    // With ten seconds left, others may need all of what remains; if they went on as usual, not two seconds before the end.
    receive(budget, 1200, 220, 10s, begin + 50s);
    EXPECT_EQ(budget.allowed(begin + 51s), 0);
    EXPECT_NEAR(budget.allowed(begin + 59s), 1, 1e-9) << "once in the second that is left";
}

TEST(RequestBudget, OneRequestShowsTheNextWindow) {
    request_budget budget(automatic(), t0);
    let_others_use(budget, 1200, 1150, 10);
    const steady_time end = t0 + 10min;
    budget.on_sent(end - 1s, 10);
    EXPECT_NEAR(budget.allowed(end + 10ms), 10, 1e-9);
    budget.on_sent(end + 10ms, 10);
    EXPECT_NEAR(budget.allowed(end + 20ms), 1200.0 / 40 / 60, 1e-9);
}

TEST(RequestBudget, TheEarliestEndOfAWindowHolds) {
    request_budget budget(automatic(), t0);
    const api_time reset = api_at(t0) + 60s;
    const auto answer_at = [&](steady_duration at) {
        // `Date` is the second that has begun.
        const api_time date = std::chrono::floor<seconds>(api_at(t0 + at));
        budget.on_headers(limits(600, 200, reset), date, t0 + at, t0 + at);
    };
    for (const steady_duration at : {28'900ms, 29'000ms, 29'900ms}) {
        answer_at(at);
    }
    EXPECT_NEAR(budget.allowed(t0 + 30s), (200 - 150) / 30.0, 1e-6);
}

TEST(RequestBudget, WithoutResetTheWindowIsAMinute) {
    request_budget budget(automatic(), t0);
    budget.on_headers(limits(600, 500), api_at(t0), t0, t0);
    EXPECT_NEAR(budget.allowed(t0), 5, 1e-9);
    EXPECT_NEAR(budget.allowed(t0 + 10min), 5, 1e-9);
}

TEST(RequestBudget, WithoutDateTheWindowIsTakenToBeFresh) {
    request_budget budget(automatic(), t0);
    budget.on_headers(limits(600, 600, test::api_t0 + 30s), std::nullopt, t0, t0);
    EXPECT_NEAR(budget.allowed(t0), 5, 1e-9);
}

TEST(RequestBudget, HeadersOfNoUseAreIgnored) {
    request_budget budget(automatic(), t0);
    budget.on_headers({}, api_at(t0), t0, t0);
    budget.on_headers(limits(0, 0, test::api_t0 + 60s), api_at(t0), t0, t0);
    EXPECT_NEAR(budget.allowed(t0), 1, 1e-9);
    // More left than there is.
    budget.on_headers(limits(60, 4'000'000'000U, test::api_t0 + 60s), api_at(t0), t0, t0);
    EXPECT_NEAR(budget.allowed(t0), 0.5, 1e-9);
    EXPECT_EQ(budget.foreign_requests(), 0U);
}

TEST(RequestBudget, LearnsTheLengthOfTheWindow) {
    request_budget budget(automatic(), t0);
    for (int window = 0; window < 4; ++window) {
        for (int second = 0; second < 10; ++second) {
            receive(budget, 100, 100, 10s - 1s * second, t0 + 10s * window + 1s * second);
        }
    }
    EXPECT_NEAR(budget.allowed(t0 + 35s), 5, 0.01) << "half of 100 in 10 s";
    request_budget hourly(automatic(), t0);
    receive(hourly, 3600, 3600, 1h, t0);
    EXPECT_NEAR(hourly.allowed(t0), 0.5, 0.01) << "half of 3,600 in an hour";
}

TEST(RequestBudget, IdleWindowsDoNotMakeTheWindowLonger) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 600, 60s, t0);
    // Seven windows without a request.
    receive(budget, 600, 600, 30s, t0 + 7 * 60s + 30s);
    EXPECT_NEAR(budget.allowed(t0 + 7 * 60s + 30s), 5, 0.1);
}

TEST(RequestBudget, AResetThatMovesWithEachAnswerIsOneWindow) {
    // Some APIs send the time when a bucket will be full; it fills while requests continue.
    request_budget budget(automatic(), t0);
    for (int second = 0; second < 300; ++second) {
        const steady_time at = t0 + 1s * second;
        receive(budget, 60, 59, 60s, at);
        ASSERT_NEAR(budget.allowed(at), 0.5, 0.02) << second;
    }
    EXPECT_LE(budget.foreign_requests(), 60U);
}

TEST(RequestBudget, AResetThatIsRoundedUpAndDownIsOneWindow) {
    request_budget budget(automatic(), t0);
    const api_time reset = api_at(t0) + 60s;
    for (int i = 0; i < 50; ++i) {
        const steady_time at = t0 + 1s * i;
        const auto used = static_cast<std::uint32_t>(i + 1);
        budget.on_sent(at, 1);
        budget.on_headers(limits(600, 600 - used, reset + seconds(i % 2)), api_at(at), at, at);
        ASSERT_LE(budget.allowed(at), 5.001) << i;
        ASSERT_GE(budget.allowed(at), 4.5) << i;
    }
    EXPECT_EQ(budget.foreign_requests(), 0U);
}

TEST(RequestBudget, AnAnswerOfTheOldWindowIsIgnored) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 10, 5s, t0);
    receive(budget, 600, 600, 60s, t0 + 5s);
    const double before = budget.allowed(t0 + 6s);
    // Late: it belongs to the window before.
    budget.on_headers(limits(600, 9, api_at(t0) + 5s), api_at(t0 + 6s), t0 + 6s, t0 + 6s);
    EXPECT_EQ(budget.allowed(t0 + 6s), before);
}

TEST(RequestBudget, AnAnswerThatWasOvertakenIsIgnored) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 240, 30s, t0);
    const double before = budget.allowed(t0 + 1s);
    receive(budget, 600, 290, 29s, t0 + 1s);
    EXPECT_EQ(budget.allowed(t0 + 1s), before);
}

TEST(RequestBudget, AWindowResetEarlyIsBelieved) {
    request_budget budget(automatic(), t0);
    receive(budget, 600, 0, 50s, t0);
    EXPECT_EQ(budget.allowed(t0 + 5s), 0);
    receive(budget, 600, 590, 60s, t0 + 10s);
    EXPECT_NEAR(budget.allowed(t0 + 10s), (590 - 300) / 60.0, 0.001);
}

TEST(RequestBudget, IsPacedEvenlyWithoutBurstsAfterIdling) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    for (const double rate : {0.5, 1.0, 7.3, 200.0, 1000.0}) {
        request_budget budget(fixed(rate), t0);
        std::deque<steady_time> sent;
        std::size_t in_all = 0;
        steady_time now = t0;
        const steady_time end = t0 + from_seconds(2000 / rate + 30);
        while (now < end) {
            // Woken late, sometimes by much.
            now = std::max(now, std::max(t0, budget.next_request(rate)));
            now += chance.of(1) ? chance.between(0s, 5s) : chance.between(0s, 1ms);
            ASSERT_LE(budget.next_request(rate), now);
            budget.on_sent(now, rate);
            sent.push_back(now);
            ++in_all;
            while (sent.front() <= now - 10s) {
                sent.pop_front();
            }
            ASSERT_LE(static_cast<double>(sent.size()), rate * 10.005 + 1) << rate;
        }
        EXPECT_GT(in_all, 100U);
    }
}

TEST(RequestBudget, LateWakeUpsDoNotAddUp) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    request_budget budget(fixed(200), t0);
    steady_time now = t0;
    int sent = 0;
    for (; now < t0 + 60s; ++sent) {
        now = std::max(now, std::max(t0, budget.next_request(200))) + chance.between(0s, 2ms);
        budget.on_sent(now, 200);
    }
    EXPECT_GT(sent, 60 * 198);
    EXPECT_LE(sent, 60 * 200 + 2);
}

TEST(RequestBudget, NothingGoesAtARateOfZero) {
    request_budget budget(fixed(1), t0);
    EXPECT_EQ(budget.next_request(0), steady_time::max());
    budget.on_sent(t0, 1);
    EXPECT_EQ(budget.next_request(0), steady_time::max());
    EXPECT_LE(budget.next_request(infinity), t0);
}

TEST(RequestBudget, AReloadKeepsWhatWasLearned) {
    request_budget budget(automatic(0.5), t0);
    receive(budget, 600, 600, 60s, t0);
    budget.use_settings(automatic(0.1));
    EXPECT_NEAR(budget.allowed(t0), 1, 0.001);
    budget.use_settings(fixed(3));
    EXPECT_EQ(budget.allowed(t0), 3);
}

TEST(RequestBudget, OneOddDateSlowsForAFewAnswersOnly) {
    for (const steady_duration off : {steady_duration(1h), steady_duration(12h)}) {
        request_budget budget(automatic(), t0);
        receive(budget, 60, 59, 60s, t0);
        // A node whose Date is that late.
        budget.on_headers(
            limits(60, 58, std::chrono::time_point_cast<milliseconds>(api_at(t0 + 60s))),
            std::chrono::time_point_cast<milliseconds>(api_at(t0 + 5s) - off),
            t0 + 5s,
            t0 + 5s);
        EXPECT_LT(budget.allowed(t0 + 6s), 0.1);
        // Slow as it is, an answer comes in every other window only.
        for (int i = 1; i <= 3; ++i) {
            receive(budget, 60, 59, 59s, t0 + i * 120s + 1s);
        }
        EXPECT_GT(budget.allowed(t0 + 362s), 0.2);
        receive(budget, 60, 59, 59s, t0 + 421s);
        // The odd answer shows a request of ours as that of others, and a little is left to them for it.
        EXPECT_NEAR(budget.allowed(t0 + 422s), 0.5, 0.06);
    }
}

TEST(RequestBudget, AResetThatFollowsTheUsageIsNotAShortWindow) {
    // A token bucket says when it is full again: a second after each request.
    for (const steady_duration gap : {3s, 5s, 20s}) {
        request_budget budget(automatic(), t0);
        for (int i = 0; i < 100; ++i) {
            receive(budget, 600, 599, 1s, t0 + i * gap);
        }
        EXPECT_LE(budget.allowed(t0 + 99 * gap + 1s), 5.01);
    }
}

} // namespace
} // namespace kallglot
