/// Collects the report that a scrape or the status page shows: census, gauges, and the sessions with their own series.
///
/// The census runs in slices, so that a scrape of a million sessions does not delay a poll. Each owner reports its own
/// gauges. Decides nothing.

#ifndef KALLGLOT_APP_REPORTER_HPP
#define KALLGLOT_APP_REPORTER_HPP

#include "app/config_host.hpp"
#include "app/loop_delay.hpp"
#include "app/web_host.hpp"
#include "app/webhook_host.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/polling/poller.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/daemon_control.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/report/series_selection.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/store/durable_store.hpp"
#include "kallglot/tracking/session_ledger.hpp"

#include <memory>
#include <string>

namespace kallglot {

/// Where the gauges come from.
struct report_sources {
    session_ledger& ledger;
    const poll_schedule& schedule;
    const request_gate& gate;
    const poller& polls;
    const server_clock& api_clock;
    const api_client& client;
    const loop_delay& delay;
    const durable_store& store;
    webhook_host& webhooks;
    const clock& time;
};

/// Loop only. Lifetime: the sources outlive it.
class reporter final : public daemon_control {
public:
    reporter(loop_executor executor, const report_sources& sources, const settings& values);

    /// The owners that are made after the reporter. Before the first report. Lifetime: as the sources.
    void follow(const config_host& configuration, web_host& web) noexcept {
        configuration_ = &configuration;
        web_ = &web;
    }

    /// Where a proxy shows the private listener. Without it, the first listen address counts.
    void set_external_url(const api_endpoint& url);

    /// Other settings from now on.
    void use(const settings& values);

    /// The stages of the daemon's life, in this order.
    void restored() noexcept;
    void listening() noexcept;
    void stopping() noexcept;

    [[nodiscard]] readiness ready() const noexcept override { return readiness_; }

    [[nodiscard]] task<result<std::shared_ptr<const daemon_report>>> take_report() override;

private:
    struct counted_report {
        daemon_report report;
        bool whole = false; ///< else the census has failed
    };

    [[nodiscard]] task<> count(daemon_report& report);
    void end_count() noexcept;
    void show_sessions(daemon_report& report, series_candidates& candidates);
    /// Asks each owner for its gauges.
    void collect(daemon_report& report) const;
    [[nodiscard]] std::string external_url() const;

    report_sources from_;
    const config_host* configuration_ = nullptr;
    web_host* web_ = nullptr;
    std::string external_url_; ///< empty: not set
    steady_duration request_timeout_{};
    series_selection series_;
    readiness readiness_;
    /// Wakes the scrapes that share the census in progress.
    steady_timer counted_;
    std::shared_ptr<const counted_report> counting_; ///< the census in progress
};

} // namespace kallglot

#endif
