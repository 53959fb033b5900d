#include "bench/policy/scenario.hpp"

#include <algorithm>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

scenario failing(scenario base, double share) {
    base.api.failing = share;
    return base;
}

scenario lasting(scenario base, steady_duration length) {
    base.length = length;
    return base;
}

scenario unlimited(std::string name, double new_a_minute) {
    scenario made;
    made.name = std::move(name);
    made.new_a_minute = new_a_minute;
    made.spendable_a_minute = 0;
    made.budget = {{rate_limit_mode::unlimited, {}}, rate::unlimited(), 1.0};
    made.connections = 1024;
    return made;
}

/// Ordinary operation: budgets, arrivals, failures.
void add_loads(std::vector<scenario>& all) {
    all.push_back(account("600/min, 200 new", 600, 200));
    all.push_back(failing(account("600/min, 200 new, 5 % fail", 600, 200), 0.05));
    all.push_back(failing(account("600/min, 200 new, 20 % fail", 600, 200), 0.2));
    all.push_back(failing(account("600/min, 240 new, 5 % fail", 600, 240), 0.05));
    all.push_back(account("600/min, 1 new", 600, 1));
    all.push_back(account("60/min, 20 new", 60, 20));
    all.push_back(failing(account("60/min, 24 new, 5 % fail", 60, 24), 0.05));
    all.push_back(failing(account("60/min, 20 new, 20 % fail", 60, 20), 0.2));
    all.push_back(lasting(failing(account("6000/min, 2000 new, 5 % fail", 6000, 2000), 0.05), 4h));
    all.push_back(lasting(failing(account("6000/min, 2400 new", 6000, 2400), 0.0), 4h));
    all.push_back(lasting(failing(unlimited("unlimited, 200 new, 5 % fail", 200), 0.05), 4h));
    all.push_back(lasting(unlimited("unlimited, 10000 new", 10'000), 20min));
}

/// Shortage: fewer than 2.5 requests for each session.
void add_shortages(std::vector<scenario>& all) {
    all.push_back(lasting(account("600/min, 400 new", 600, 400), 6h));
    all.push_back(lasting(account("600/min, 1000 new", 600, 1000), 2h));
    all.push_back(lasting(account("60/min, 200 new", 60, 200), 6h));
    all.push_back(lasting(account("6000/min, 10000 new", 6000, 10'000), 30min));
}

/// From a third of a request for each session to three, and what happens on top of a shortage.
void add_steps(std::vector<scenario>& all) {
    for (const auto& [each, words] : {std::pair{0.3, "0.3"},
                                      {0.6, "0.6"},
                                      {1.0, "1.0"},
                                      {1.15, "1.15"},
                                      {1.5, "1.5"},
                                      {2.0, "2.0"},
                                      {2.5, "2.5"},
                                      {3.0, "3.0"}}) {
        all.push_back(lasting(account(std::string(words) + " a session", 600, 600 / each), 8h));
    }
    for (const auto& [each, words] : {std::pair{1.0, "1.0"}, {1.5, "1.5"}}) {
        scenario outage =
            lasting(account(std::string(words) + " a session, provider out", 600, 600 / each), 2h);
        outage.provider_outage = period{1h, 1h + 20min};
        all.push_back(outage);
    }
    scenario surge = lasting(account("1.5 a session, twice for 10 min", 600, 400), 4h);
    surge.surges = {{1h, 1h + 10min}, {2h, 2h + 10min}};
    all.push_back(surge);

    scenario restarted = lasting(account("1.2 a session, restarted", 600, 500), 3h);
    restarted.restored = 5000;
    all.push_back(restarted);

    scenario lagging = lasting(account("statuses 8 s late", 600, 200), 6h);
    lagging.status_lag = 8s;
    all.push_back(lagging);
    lagging = lasting(account("1.5 a session, statuses 8 s late", 600, 400), 6h);
    lagging.status_lag = 8s;
    all.push_back(lagging);
}

/// Other programs on the same key that use more than their share, in a rhythm of their own.
void add_others(std::vector<scenario>& all) {
    scenario bursts = lasting(account("others burst as windows end", 600, 100), 12h);
    bursts.api.others_a_minute = 400;
    bursts.api.others_burst = 500;
    bursts.left_by_others = true;
    all.push_back(bursts);

    scenario most = lasting(account("others use nine tenths", 600, 40), 12h);
    most.api.others_a_minute = 1080;
    most.left_by_others = true;
    all.push_back(most);

    scenario day = lasting(account("others are busy from 9 to 12", 600, 100), 72h);
    day.api.others_a_minute = 200;
    day.api.others_busy_a_minute = 960;
    day.left_by_others = true;
    all.push_back(day);
}

/// Failures.
void add_troubles(std::vector<scenario>& all) {
    scenario outage = lasting(account("10 min outage", 600, 200), 6h);
    outage.api.outages = {{2h, 2h + 10min}};
    all.push_back(outage);

    scenario storm = lasting(account("429 storms of 5 min", 600, 200), 6h);
    for (int hour = 1; hour < 6; ++hour) {
        storm.api.storms.push_back({hour * 1h, hour * 1h + 5min});
    }
    all.push_back(storm);

    scenario shared = account("others use half of our budget", 600, 100);
    shared.api.others_a_minute = 900;
    shared.left_by_others = true;
    all.push_back(shared);

    scenario bare = account("no headers", 600, 20);
    bare.api.headers = false;
    all.push_back(bare);

    scenario jump = lasting(account("clock jumps by an hour", 600, 200), 6h);
    jump.wall_jumps = {{2h, 1h}, {4h, -1h}};
    all.push_back(jump);

    scenario restored = lasting(account("100000 restored", 6000, 200), 2h);
    restored.restored = 100'000;
    all.push_back(restored);

    scenario stuck = lasting(account("1000 stuck for hours", 600, 200), 6h);
    stuck.long_stuck = 1000;
    all.push_back(stuck);

    scenario newer = account("newer JSON", 600, 200);
    newer.lives.newer_share = 1;
    all.push_back(newer);
}

void add_webhook_troubles(std::vector<scenario>& all) {
    scenario lost = lasting(account("webhooks: 30 % lost", 600, 200), 6h);
    lost.webhooks = {0.3, 0, true};
    lost.only_webhook_policy = true;
    all.push_back(lost);

    scenario few_lost = lasting(account("webhooks: 0.5 % lost", 600, 200), 6h);
    few_lost.webhooks = {0.005, 0, true};
    few_lost.only_webhook_policy = true;
    all.push_back(few_lost);

    scenario late = lasting(account("webhooks: two minutes late", 600, 200), 6h);
    late.webhooks = {0, 1, true};
    late.only_webhook_policy = true;
    all.push_back(late);
}

void be_short(scenario& plan) {
    plan.length = 12min;
}

} // namespace

const char* to_string(polling value) noexcept {
    switch (value) {
        case polling::ours:
            return "ours";
        case polling::ours_with_webhooks:
            return "ours + webhooks";
        case polling::fixed_interval:
            break;
    }
    return "fixed interval";
}

scenario account(std::string name, double spendable_a_minute, double new_a_minute) {
    scenario made;
    made.name = std::move(name);
    made.new_a_minute = new_a_minute;
    made.spendable_a_minute = spendable_a_minute;
    made.budget = {{rate_limit_mode::automatic, {}}, rate{200.0}, 0.5};
    made.api.limit_a_minute = 2 * spendable_a_minute;
    made.api.others_a_minute = spendable_a_minute / 2;
    return made;
}

std::vector<scenario> all_scenarios() {
    std::vector<scenario> all;
    add_loads(all);
    add_shortages(all);
    add_steps(all);
    add_others(all);
    add_troubles(all);
    add_webhook_troubles(all);
    return all;
}

std::vector<scenario> short_scenarios() {
    std::vector<scenario> all;
    all.push_back(failing(account("failing requests", 600, 200), 0.05));
    all.push_back(account("few requests", 60, 20));
    all.push_back(unlimited("no limit", 200));

    scenario outage = account("outage", 600, 100);
    outage.api.outages = {{3min, 5min}};
    all.push_back(outage);

    scenario storm = account("throttled", 600, 100);
    storm.api.storms = {{3min, 4min}, {6min, 7min}};
    all.push_back(storm);

    scenario shared = account("others spend more than their share", 600, 100);
    shared.api.others_a_minute = 900;
    shared.spendable_a_minute = 300;
    all.push_back(shared);

    scenario bare = account("no headers", 600, 20);
    bare.api.headers = false;
    all.push_back(bare);

    scenario jump = account("clock jumps", 600, 200);
    jump.wall_jumps = {{4min, 1h}, {8min, -1h}};
    all.push_back(jump);

    scenario restored = account("restored", 600, 50);
    restored.restored = 1000;
    all.push_back(restored);

    scenario stuck = account("many stuck for long", 600, 100);
    stuck.long_stuck = 200;
    all.push_back(stuck);

    scenario newer = account("newer JSON", 600, 200);
    newer.lives.newer_share = 1;
    all.push_back(newer);

    scenario lost = account("webhooks lost", 600, 100);
    lost.webhooks = {0.3, 0, true};
    lost.only_webhook_policy = true;
    all.push_back(lost);

    scenario late = account("webhooks late", 600, 100);
    late.webhooks = {0, 1, true};
    late.only_webhook_policy = true;
    all.push_back(late);

    std::for_each(all.begin(), all.end(), be_short);
    return all;
}

} // namespace kallglot::policy
