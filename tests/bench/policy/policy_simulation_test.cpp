// Simulates minutes of each kind of failure on virtual time: no alert is false, and none is missed.

#include "bench/policy/attainable_share.hpp"
#include "bench/policy/simulation.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

namespace kallglot::policy {
namespace {

constexpr std::uint64_t seed = 4711;

struct trouble {
    scenario plan;
    polling policy = polling::ours;
};

/// Each short scenario with and without webhooks; scenarios about webhooks only with them.
std::vector<trouble> all_troubles() {
    std::vector<trouble> all;
    for (const scenario& plan : short_scenarios()) {
        all.push_back({plan, polling::ours_with_webhooks});
        if (!plan.only_webhook_policy) {
            all.push_back({plan, polling::ours});
        }
    }
    return all;
}

class PolicySimulation : public testing::TestWithParam<trouble> {};

TEST_P(PolicySimulation, AlertsAreNeverFalseAndNeverMissed) {
    const auto& [plan, policy] = GetParam();
    const outcome figures = simulation(plan, policy, seed).run();
    EXPECT_EQ(figures.false_alarms, 0U);
    EXPECT_EQ(figures.missed, 0U);
    EXPECT_EQ(figures.polled_twice, 0U);
    EXPECT_EQ(figures.census_differs, 0U);
    // The scenario must contain stuck sessions.
    EXPECT_GT(figures.stuck, 0U);
    EXPECT_GE(figures.detected, figures.stuck);
    if (plan.api.limit_a_minute > 0 && plan.api.headers) {
        EXPECT_LE(static_cast<double>(figures.busiest_minute),
                  plan.budget.share * plan.api.limit_a_minute + 1);
    }
}

std::string case_name(const testing::TestParamInfo<trouble>& info) {
    std::string name;
    bool word = true;
    for (const char c : info.param.plan.name + ' ' + to_string(info.param.policy)) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0) {
            name += word ? static_cast<char>(std::toupper(byte)) : c;
        }
        word = std::isalnum(byte) == 0;
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(Troubles, PolicySimulation, testing::ValuesIn(all_troubles()), case_name);

scenario half_an_hour() {
    scenario plan = account("half an hour", 600, 200);
    plan.length = std::chrono::minutes(30);
    plan.api.failing = 0.05;
    return plan;
}

TEST(PolicyFigures, ASeedReproducesARun) {
    const scenario plan = short_scenarios().front();
    const outcome once = simulation(plan, polling::ours, seed).run();
    const outcome again = simulation(plan, polling::ours, seed).run();
    const outcome other = simulation(plan, polling::ours, seed + 1).run();
    EXPECT_EQ(once.requests, again.requests);
    EXPECT_EQ(once.sessions, again.sessions);
    EXPECT_EQ(once.delay.max, again.delay.max);
    EXPECT_NE(once.delay.max, other.delay.max);
}

TEST(PolicyFigures, FindsStuckSessionsTenTimesSoonerThanFixed) {
    const outcome ours = simulation(half_an_hour(), polling::ours, seed).run();
    const outcome fixed = simulation(half_an_hour(), polling::fixed_interval, seed).run();
    EXPECT_LE(ours.delay.p99, 5);
    EXPECT_LE(ours.delay.p99, fixed.delay.p99 / 10);
    EXPECT_EQ(fixed.false_alarms, 0U) << "the tracker is the same";
}

scenario scarce(double each) {
    scenario plan = account("scarce", 600, 600 / each);
    plan.length = std::chrono::minutes(45);
    return plan;
}

TEST(PolicyFigures, OneAndAHalfRequestsASessionDecideAll) {
    const outcome ours = simulation(scarce(1.5), polling::ours, seed).run();
    EXPECT_EQ(ours.false_alarms, 0U);
    EXPECT_EQ(ours.missed, 0U);
    EXPECT_EQ(ours.census_differs, 0U);
    EXPECT_LE(ours.delay.p50, 3);
    EXPECT_LE(ours.delay.p99, 8);
}

TEST(PolicyFigures, TooFewRequestsDecideAsManySessionsInTime) {
    for (const double each : {1.0, 0.6, 0.3}) {
        const outcome ours = simulation(scarce(each), polling::ours, seed).run();
        EXPECT_EQ(ours.false_alarms, 0U);
        EXPECT_GE(static_cast<double>(ours.in_time), 0.85 * each * static_cast<double>(ours.stuck))
            << each;
        EXPECT_LE(ours.in_time_p99, 8) << each;
    }
}

double attainable(double others, double burst) {
    api_model_settings api = account("shared", 600, 100).api;
    api.others_a_minute = others;
    api.others_burst = burst;
    return attainable_share(api);
}

TEST(PolicyFigures, LessCanBeSpentAsOthersNeedMore) {
    EXPECT_NEAR(attainable(900, 0), 0.953, 0.002);
    EXPECT_NEAR(attainable(1080, 0), 0.863, 0.002);
    EXPECT_NEAR(attainable(400, 500), 0.801, 0.002);
}

TEST(PolicyFigures, WebhooksSaveMostRequestsAndNoTime) {
    const outcome figures = simulation(half_an_hour(), polling::ours_with_webhooks, seed).run();
    EXPECT_LE(figures.requests_each, 1.3);
    EXPECT_LE(figures.delay.p99, 5);
    EXPECT_GT(figures.webhook_share, 0.95);
}

TEST(PolicyFigures, LateWebhooksAreNotReliedUpon) {
    scenario plan = half_an_hour();
    plan.api.failing = 0;
    plan.webhooks = {0, 1, true};
    const outcome figures = simulation(plan, polling::ours_with_webhooks, seed).run();
    EXPECT_EQ(figures.webhook_share, 0);
    EXPECT_LE(figures.delay.p99, 5);
}

} // namespace
} // namespace kallglot::policy
