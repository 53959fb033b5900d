#include "sample_report.hpp"

#include "kallglot/ports/api_client.hpp"

#include <chrono>
#include <limits>

namespace kallglot::test {

namespace {

constexpr steady_time moment = steady_time(std::chrono::hours(10));

[[nodiscard]] constexpr std::size_t at(session_status status) {
    return static_cast<std::size_t>(status);
}

void fill_thresholds(census& counted, const threshold_settings& lists) {
    counted.over_threshold[at(session_status::created)].assign(lists.created.size(), 0);
    counted.over_threshold[at(session_status::connecting)] = {2, 1, 0, 0, 0};
    counted.over_threshold[at(session_status::active)] = {3, 0};
    counted.over_threshold[at(session_status::ending)] = {0, 0};
    for (const session_status status :
         {session_status::created, session_status::connecting, session_status::ending}) {
        counted.over_threshold_by_provider[at(status)].resize(
            counted.over_threshold[at(status)].size());
    }
    // Two over 15 s, one of them over 30 s.
    counted.over_threshold_by_provider[at(session_status::connecting)][0] = {1, 0, 1, 0, 0};
    counted.over_threshold_by_provider[at(session_status::connecting)][1] = {1, 0, 0, 0, 0};
    counted.suspected_over_threshold = counted.over_threshold;
    counted.suspected_over_threshold[at(session_status::connecting)] = {0, 1, 0, 0, 0};
    for (const session_status status :
         {session_status::created, session_status::connecting, session_status::unknown}) {
        counted.not_started_over_threshold[at(status)].assign(lists.not_started.size(), 0);
    }
    counted.not_started_over_threshold[at(session_status::connecting)] = {2, 0, 0};
}

} // namespace

daemon_report make_young_report() {
    daemon_report report;
    census& counted = report.census;
    counted.at = moment;
    counted.by_status = {1, 4, 7, 0, 5, 1};
    counted.by_mode[at(session_status::active)] = {3, 1, 1, 0, 1, 1};
    counted.by_provider[at(session_status::active)] = {4, 1, 1, 1, 0};
    fill_thresholds(counted, report.thresholds);
    counted.stale = {0, 1, 2, 0, 0, 0};
    counted.unverified = 6;
    counted.unobserved = 8;
    counted.oldest_since.fill(no_time);
    counted.oldest_since[at(session_status::connecting)] =
        moment - std::chrono::milliseconds(45'500);
    counted.oldest_since[at(session_status::active)] = moment - std::chrono::hours(2);
    report.wall_now = api_time(std::chrono::seconds(1'800'000'000));
    return report;
}

daemon_report make_full_report() {
    daemon_report report = make_young_report();
    report.external_url = "https://metrics.example.com/kallglot";
    gauge_set& gauges = report.gauges;
    report.state = api_state::ok;
    gauges.set(metric::up, 1);
    for (const auto& state : api_state_words) {
        gauges.set(metric::api_state, state.text, state.value == api_state::ok ? 1 : 0);
    }
    gauges.set(metric::api_rate_limit, 600);
    gauges.set(metric::api_rate_limit_remaining, 421);
    gauges.set(metric::api_rate_limit_reset, 1'800'000'030);
    gauges.set(metric::api_credits_remaining, 12345);
    gauges.set(metric::api_credits_used, 678);
    gauges.set(metric::api_paused_until, 0);
    gauges.set(metric::last_poll_success, 1'799'999'999.25);
    gauges.set(metric::clock_offset, -0.5);
    api_connection_counts connections;
    connections.idle = 3;
    connections.busy = 14;
    connections.opening = 1;
    connections.open = {4, 13};
    connections.requests_in_flight = 340;
    connections.requests_waiting = 2;
    connections.resent_total = {5, 6, 7, 8};
    connections.goaways_total[static_cast<std::size_t>(http2_code::enhance_your_calm)] = 9;
    connections.streams_cancelled_total = 11;
    connections.opened_total = 90;
    connections.tls_handshakes_total = 88;
    connections.tls_resumptions_total = 70;
    connections.certificate_not_after = 1'900'000'000;
    connections.report(gauges);
    gauges.set(metric::poll_budget, std::numeric_limits<double>::infinity());
    gauges.set(metric::poll_demand, 12.75);
    gauges.set(metric::poll_stretch, 1);
    gauges.set(metric::decisions, 0.58);
    gauges.set(metric::foreign_requests, 17);
    for (const auto& cls : poll_class_words) {
        gauges.set(metric::polls_overdue, cls.text, 1 + static_cast<double>(cls.value));
    }
    gauges.set(metric::sessions_limit, 1'000'000);
    gauges.set(metric::event_loop_delay, 0.0125);
    gauges.set(metric::config_last_reload_successful, 1);
    gauges.set(metric::config_last_reload_success, 1'799'000'000);
    gauges.set(metric::webhook_last_event, 1'799'999'998);
    gauges.set(metric::store_writes, 44);
    gauges.set(metric::store_write_failures, 2);
    gauges.set(metric::store_last_commit, 1'799'999'997);
    gauges.set(metric::store_size, 65536);
    gauges.set(metric::store_last_corruption, 0);
    report.store_writable = true;
    gauges.set(metric::web_certificate_not_after, "private", 1'850'000'000);
    gauges.set(metric::web_certificate_not_after, "webhook", 1'860'000'000);
    gauges.set(metric::tls_handshake_failures, "private", 3);
    gauges.set(metric::tls_handshake_failures, "webhook", 5);

    session_series series{*session_id::parse("sess_01HXYZ123456789ABCDEFGHJKMNPQ")};
    series.status = session_status::active;
    series.mode = session_mode::ai_agent;
    series.provider = session_provider::sip;
    series.duration_seconds = 61.5;
    series.status_age_seconds = 60;
    session_series waiting{*session_id::parse("sess_waiting-for-an-answer-0000001")};
    waiting.status = session_status::connecting;
    waiting.status_age_seconds = 45.5;
    report.series = session_series_snapshot{{series, waiting}, 16};
    return report;
}

void move_everything(daemon_metrics& metrics) {
    using std::chrono::milliseconds;
    using enum session_status;
    const session_id who = *session_id::parse("sess_slow-0000001");
    const api_time now{std::chrono::seconds(1'800'000'000)};
    metrics.transition({created, connecting, false, {}}, change_source::poll, who, now);
    metrics.transition({connecting, active, false, milliseconds(2500)},
                       change_source::poll,
                       who,
                       now);
    metrics.transition({active, connecting, true, milliseconds(9000)},
                       change_source::webhook,
                       who,
                       now);
    metrics.setup(milliseconds(4000), who, now);
    metrics.ended(end_reason::agent_hangup);
    metrics.ended_without_start();
    metrics.ended_duration(milliseconds(90'000));
    metrics.unknown_status();
    metrics.request_sent();
    metrics.response(200, milliseconds(30));
    metrics.response(418, milliseconds(60));
    metrics.request_failed(failure_reason::not_found);
    metrics.poll(poll_class::confirm, milliseconds(1500), true);
    metrics.poll(poll_class::routine, milliseconds(1), false);
    for (int i = 0; i < 18; ++i) {
        metrics.session_added(session_source::file);
    }
    metrics.session_rejected(reject_reason::invalid_id, 2);
    metrics.session_forgotten(forget_reason::operator_asked);
    metrics.log_message(log_level::warn);
}

} // namespace kallglot::test
