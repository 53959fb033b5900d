/// One run: the daemon's real poller, schedule, gate, tracker and census on virtual time, against a model of the API.
///
/// Webhooks are modelled up to their arrival at the daemon. The real tracker applies an event to a record, and the real
/// poller decides which session is polled.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_SIMULATION_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_SIMULATION_HPP

#include "bench/policy/alert_ledger.hpp"
#include "bench/policy/api_model.hpp"
#include "bench/policy/fixed_interval_poller.hpp"
#include "bench/policy/outcome.hpp"
#include "bench/policy/scenario.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/webhook_metrics.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/polling/poller.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/tracking/session_ledger.hpp"
#include "support/fake_api.hpp"
#include "support/instant_store.hpp"
#include "support/virtual_clock.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kallglot::policy {

class simulation final : private api_listener {
public:
    simulation(scenario plan, polling policy, std::uint64_t seed);
    ~simulation() override = default;
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;

    /// Runs it to its end, once.
    [[nodiscard]] outcome run();

private:
    [[nodiscard]] static session_id name_of(std::size_t number);
    [[nodiscard]] static std::size_t number_of(std::string_view id);

    [[nodiscard]] steady_time end() const noexcept { return start_ + plan_.length; }

    // The API and its sessions.
    std::size_t be_born(steady_time created, const life_settings& lives);
    void arrive();
    void restore_sessions();
    void add_long_stuck();
    [[nodiscard]] test::fake_reply answer(std::string_view id, steady_time sent);

    // Registrations, webhooks and answers that reach the daemon.
    void register_by_api(std::size_t number, bool bulk);
    void arrange_webhooks(std::size_t number);
    void arrange_webhook(std::size_t number, session_event event, steady_time happened);
    void deliver(std::size_t number, session_event event, steady_time happened);
    void on_answer(const api_answer& answer) override;

    // look() runs every second, scrape() every minute.
    void look();
    void scrape();

    /// Sessions past the age that decides which no poll has observed. Without webhooks only a poll says more.
    [[nodiscard]] std::uint32_t unobserved(const threshold_settings& thresholds) const;
    void judge_outage(outcome& figures) const;
    void count_polls(outcome& figures) const;

    scenario plan_;
    polling policy_;
    std::uint64_t seed_;
    random_source random_;
    test::virtual_clock clock_;
    steady_time start_;
    api_model api_;
    std::vector<simulated_session> sessions_;
    alert_ledger ledger_;

    null_logger log_;
    test::instant_store store_;
    daemon_metrics metrics_;
    session_ledger tracked_;
    const session_registry& registry_ = tracked_.sessions();
    poll_schedule schedule_;
    request_gate gate_;
    session_changes changes_;
    server_clock api_clock_;
    poller ours_;
    fixed_interval_poller fixed_;
    test::fake_api client_;

    double stretch_sum_ = 0;
    double stretch_max_ = 1;
    std::uint64_t looks_ = 0;
    std::uint64_t looks_with_flow_ = 0;
    std::uint64_t census_differs_ = 0;
};

} // namespace kallglot::policy

#endif
