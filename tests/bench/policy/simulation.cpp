#include "bench/policy/simulation.hpp"

#include "bench/policy/attainable_share.hpp"
#include "kallglot/polling/alert_crossing.hpp"
#include "kallglot/report/census.hpp"
#include "support/instrument_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t id_digits = 12;

/// The size of the table: the maximum of sessions that the daemon may track at a time.
std::size_t table_size(const scenario& plan) {
    const double all = plan.new_a_minute * to_seconds(plan.length) / 60;
    return std::min<std::size_t>(
        4'000'000,
        static_cast<std::size_t>(all * 1.2) + 10'000 + plan.restored + plan.long_stuck);
}

} // namespace

simulation::simulation(scenario plan, polling policy, std::uint64_t seed)
    : plan_(std::move(plan)),
      policy_(policy),
      seed_(seed),
      random_(seed),
      start_(clock_.now()),
      api_(plan_.api, start_, random_.fork()),
      ledger_(threshold_settings{}, plan_.status_lag),
      metrics_(build_details{"0", "0", "0"}),
      tracked_(table_size(plan_)),
      schedule_(registry_, poll_policy{}, start_),
      gate_(request_budget(plan_.budget, start_), api_health(start_, random_.bits())),
      changes_(tracked_, schedule_, store_, metrics_, clock_, log_),
      ours_(tracked_, schedule_, gate_, changes_, api_clock_, metrics_, clock_, log_),
      fixed_(tracked_, gate_, clock_),
      client_(clock_, *this, plan_.connections, [this](std::string_view id, steady_time sent) {
          return answer(id, sent);
      }) {
    client_.count_only();
    if (policy_ == polling::ours_with_webhooks) {
        tracked_.follow_webhooks();
    }
}

outcome simulation::run() {
    const std::clock_t cpu_start = std::clock();
    for (const auto& jump : plan_.wall_jumps) {
        clock_.at(start_ + jump.first, [this, by = jump.second] { clock_.jump_wall(by); });
    }
    restore_sessions();
    add_long_stuck();
    if (policy_ == polling::fixed_interval) {
        fixed_.start(client_);
    } else {
        ours_.start(client_);
    }
    arrive();
    look();
    scrape();
    clock_.advance(plan_.length);

    outcome figures;
    figures.scenario = plan_.name;
    figures.policy = policy_;
    figures.seed = seed_;
    figures.sessions = sessions_.size();
    figures.requests = client_.request_count();
    figures.busiest_minute = api_.busiest_window();
    figures.throttled = api_.throttled();
    const double minutes = to_seconds(plan_.length) / 60;
    const auto sessions = static_cast<double>(std::max<std::size_t>(sessions_.size(), 1));
    const double spendable =
        plan_.left_by_others ? api_.left_to_us() : plan_.spendable_a_minute * minutes;
    figures.budget_spent = spendable > 0 ? static_cast<double>(figures.requests) / spendable : -1;
    figures.attainable = plan_.left_by_others ? attainable_share(plan_.api) : -1;
    figures.spendable_each = spendable > 0 ? spendable / sessions : -1;
    figures.requests_each = static_cast<double>(figures.requests) / sessions;
    figures.stretch = stretch_sum_ / static_cast<double>(looks_);
    figures.stretch_max = stretch_max_;
    figures.webhook_share = static_cast<double>(looks_with_flow_) / static_cast<double>(looks_);
    figures.polled_twice = client_.polled_twice_at_once();
    figures.census_differs = census_differs_;
    figures.others_refused = api_.others_refused();
    ledger_.close(sessions_, api_, end(), figures);
    judge_outage(figures);
    count_polls(figures);
    figures.cpu_seconds =
        static_cast<double>(std::clock() - cpu_start) / static_cast<double>(CLOCKS_PER_SEC);
    return figures;
}

session_id simulation::name_of(std::size_t number) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "sess_01JQ7N0C5VXB3HEZ4M8K%012zu", number);
    return session_id::parse(text.data()).value();
}

std::size_t simulation::number_of(std::string_view id) {
    std::size_t number = 0;
    const std::string_view digits = id.substr(id.size() - id_digits);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

test::fake_reply simulation::answer(std::string_view id, steady_time sent) {
    test::fake_reply reply = api_.answer(sent);
    simulated_session& session = sessions_[number_of(id)];
    session.asked = sent + reply.latency / 2;
    if (reply.answer.http_status == 200) {
        const steady_time seen = session.asked - plan_.status_lag;
        reply.answer.snapshot = snapshot_at(session.life, session.asked, seen, api_.wall());
    }
    return reply;
}

void simulation::on_answer(const api_answer& answer) {
    const session_slot slot = answer.slot;
    const session_id id = registry_.id_of(slot);
    simulated_session& session = sessions_[number_of(id.view())];
    // The poller may send the next poll of the same session from inside this call.
    const steady_time asked = session.asked;
    if (policy_ == polling::fixed_interval) {
        fixed_.on_answer(answer);
    } else {
        ours_.on_answer(answer);
    }
    if (registry_.find(id.view()) != slot) {
        ledger_.forget(session);
        return;
    }
    const session_record& record = registry_[slot];
    const bool confirmed = record.observed == answer.sent;
    session.seen = session.seen || confirmed;
    ledger_.note(session, record, confirmed ? asked : no_time, clock_.now());
}

void simulation::look() {
    const steady_time now = clock_.now();
    const double stretch =
        policy_ == polling::fixed_interval ? fixed_.stretch() : schedule_.stretch(now);
    stretch_sum_ += stretch;
    stretch_max_ = std::max(stretch_max_, stretch);
    ++looks_;
    looks_with_flow_ += schedule_.policy().webhooks_flow ? 1 : 0;
    clock_.at(now + 1s, [this] { look(); });
}

void simulation::scrape() {
    const poll_policy policy = schedule_.policy();
    census_pass pass(
        registry_,
        {clock_.now(), &policy, schedule_.stretch(clock_.now()), schedule_.shortage(), 10s});
    while (pass.step(8192)) {
    }
    const bool same = ledger_.agrees(pass.outcome())
                      && (policy_ == polling::ours_with_webhooks
                          || pass.outcome().unobserved == unobserved(policy.thresholds));
    census_differs_ += same ? 0 : 1;
    clock_.at(clock_.now() + 1min, [this] { scrape(); });
}

std::uint32_t simulation::unobserved(const threshold_settings& thresholds) const {
    const steady_time crossed = clock_.now() - deciding_age(thresholds);
    return static_cast<std::uint32_t>(
        std::count_if(sessions_.begin(), sessions_.end(), [&](const simulated_session& one) {
            return one.registered != no_time && one.registered <= crossed && !one.seen
                   && !one.forgotten;
        }));
}

void simulation::judge_outage(outcome& figures) const {
    if (!plan_.provider_outage) {
        return;
    }
    const steady_time began = start_ + plan_.provider_outage->from;
    std::size_t due = 0;
    std::size_t shown = 0;
    auto first = steady_time::max();
    for (const simulated_session& one : sessions_) {
        if (!one.life.of_failing_provider || one.alerted_at == no_time) {
            continue;
        }
        first = std::min(first, one.alerted_at);
    }
    for (const simulated_session& one : sessions_) {
        // A full budget counts a session within two seconds of its crossing.
        if (one.life.of_failing_provider && one.owed + 2s <= began + 2min) {
            ++due;
            shown += one.alerted_at != no_time && one.alerted_at <= began + 2min ? 1 : 0;
        }
    }
    figures.outage_first = to_seconds(first - began);
    figures.outage_shown =
        static_cast<double>(shown) / static_cast<double>(std::max<std::size_t>(due, 1));
}

void simulation::count_polls(outcome& figures) const {
    double polls = static_cast<double>(fixed_.polls());
    double late = static_cast<double>(fixed_.late_polls());
    if (policy_ != polling::fixed_interval) {
        polls = test::instrument_value(metrics_.instruments(), "kallglot_exporter_polls_total");
        late = test::instrument_value(metrics_.instruments(), "kallglot_exporter_polls_late_total");
    }
    figures.late_share = polls > 0 ? late / polls : 0;
}

} // namespace kallglot::policy
