#include "metrics/snapshot_metrics.hpp"

#include "exposition_reader.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/ports/api_client.hpp"
#include "sample_report.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace kallglot {
namespace {

test::read_exposition render(const daemon_report& report) {
    std::string text;
    exposition_writer out(text, exposition_format::text);
    write_snapshot_metrics(out, report);
    return test::read_text_format(text);
}

TEST(SnapshotMetrics, NothingReportedIsNothingShown) {
    EXPECT_EQ(render(daemon_report()).type.size(), 0U);
}

TEST(SnapshotMetrics, GateKnowsTheStateOfTheApiBeforeTheFirstExchange) {
    const steady_time start{std::chrono::hours(10)};
    const request_gate gate(request_budget({{}, {}, 1.0}, start), api_health(start, 4711));
    daemon_report report;
    gate.report(report.gauges, start, api_time(std::chrono::seconds(1'800'000'000)));
    const test::read_exposition read = render(report);
    EXPECT_EQ(read.count("kallglot_exporter_api_state"), api_state_count);
    EXPECT_EQ(read.value("kallglot_exporter_api_state", {{"state", "starting"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_state", {{"state", "ok"}}), 0);
    EXPECT_EQ(read.count("kallglot_up"), 0U);
    EXPECT_EQ(read.value("kallglot_exporter_api_paused_until_timestamp_seconds"), 0);
}

TEST(SnapshotMetrics, ShowsZeroWhenZeroIsKnown) {
    daemon_report report;
    report.gauges.set(metric::up, 0);
    report.gauges.set(metric::api_rate_limit_remaining, 0);
    report.gauges.set(metric::api_state, "out_of_credits", 1);
    const test::read_exposition read = render(report);
    EXPECT_EQ(read.value("kallglot_up"), 0);
    EXPECT_EQ(read.value("kallglot_api_rate_limit_remaining_requests"), 0);
    EXPECT_EQ(read.value("kallglot_exporter_api_state", {{"state", "out_of_credits"}}), 1);
    EXPECT_EQ(read.count("kallglot_api_rate_limit_requests"), 0U);
}

TEST(SnapshotMetrics, ShowsEveryGaugeThatIsKnown) {
    const test::read_exposition read = render(test::make_full_report());
    EXPECT_EQ(read.value("kallglot_up"), 1);
    EXPECT_EQ(read.value("kallglot_api_rate_limit_requests"), 600);
    EXPECT_EQ(read.value("kallglot_api_rate_limit_remaining_requests"), 421);
    EXPECT_EQ(read.value("kallglot_api_rate_limit_reset_timestamp_seconds"), 1'800'000'030);
    EXPECT_EQ(read.value("kallglot_api_credits_remaining"), 12345);
    EXPECT_EQ(read.value("kallglot_api_credits_used"), 678);
    EXPECT_EQ(read.value("kallglot_exporter_api_paused_until_timestamp_seconds"), 0);
    EXPECT_EQ(read.value("kallglot_exporter_last_poll_success_timestamp_seconds"),
              1'799'999'999.25);
    EXPECT_EQ(read.value("kallglot_exporter_clock_offset_seconds"), -0.5);
    EXPECT_EQ(read.value("kallglot_exporter_poll_budget_requests_per_second"),
              std::numeric_limits<double>::infinity());
    EXPECT_EQ(read.value("kallglot_exporter_poll_demand_requests_per_second"), 12.75);
    EXPECT_EQ(read.value("kallglot_exporter_poll_stretch_ratio"), 1);
    EXPECT_EQ(read.value("kallglot_exporter_decisions_ratio"), 0.58);
    EXPECT_EQ(read.value("kallglot_exporter_foreign_requests_total"), 17);
    EXPECT_EQ(read.value("kallglot_exporter_sessions_limit"), 1'000'000);
    EXPECT_EQ(read.value("kallglot_exporter_event_loop_delay_seconds"), 0.0125);
    EXPECT_EQ(read.value("kallglot_exporter_config_last_reload_successful"), 1);
    EXPECT_EQ(read.value("kallglot_exporter_config_last_reload_success_timestamp_seconds"),
              1'799'000'000);
    EXPECT_EQ(read.value("kallglot_exporter_webhook_last_event_timestamp_seconds"), 1'799'999'998);
}

TEST(SnapshotMetrics, ShowsConnectionsAndOverduePollsByKind) {
    const test::read_exposition read = render(test::make_full_report());
    EXPECT_EQ(read.value("kallglot_exporter_api_connections", {{"state", "idle"}}), 3);
    EXPECT_EQ(read.value("kallglot_exporter_api_connections", {{"state", "busy"}}), 14);
    EXPECT_EQ(read.value("kallglot_exporter_api_connections", {{"state", "opening"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_open_connections", {{"protocol", "http/1.1"}}), 4);
    EXPECT_EQ(read.value("kallglot_exporter_api_open_connections", {{"protocol", "h2"}}), 13);
    EXPECT_EQ(read.value("kallglot_exporter_api_requests_in_flight"), 340);
    EXPECT_EQ(read.value("kallglot_exporter_api_requests_waiting"), 2);
    EXPECT_EQ(read.value("kallglot_exporter_api_requests_resent_total", {{"cause", "refused"}}), 6);
    EXPECT_EQ(read.value("kallglot_exporter_api_goaways_total", {{"code", "no_error"}}), 0);
    EXPECT_EQ(read.value("kallglot_exporter_api_goaways_total", {{"code", "enhance_your_calm"}}),
              9);
    EXPECT_EQ(read.count("kallglot_exporter_api_goaways_total"), 15U);
    EXPECT_EQ(read.value("kallglot_exporter_api_streams_cancelled_total"), 11);
    EXPECT_EQ(read.value("kallglot_exporter_api_connections_opened_total"), 90);
    EXPECT_EQ(read.value("kallglot_exporter_api_tls_handshakes_total"), 88);
    EXPECT_EQ(read.value("kallglot_exporter_api_tls_resumptions_total"), 70);
    EXPECT_EQ(read.value("kallglot_exporter_api_certificate_not_after_timestamp_seconds"),
              1'900'000'000);
    EXPECT_EQ(read.value("kallglot_exporter_polls_overdue", {{"class", "confirm"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_polls_overdue", {{"class", "audit"}}), 4);
}

TEST(SnapshotMetrics, CertificateIsAbsentBeforeTheFirstHandshake) {
    daemon_report report;
    api_connection_counts().report(report.gauges);
    const test::read_exposition read = render(report);
    EXPECT_EQ(read.value("kallglot_exporter_api_connections_opened_total"), 0);
    EXPECT_EQ(read.count("kallglot_exporter_api_certificate_not_after_timestamp_seconds"), 0U);
}

TEST(SnapshotMetrics, ShowsStoreAndListenerCertificates) {
    const test::read_exposition read = render(test::make_full_report());
    EXPECT_EQ(read.value("kallglot_exporter_store_writes_total"), 44);
    EXPECT_EQ(read.value("kallglot_exporter_store_write_failures_total"), 2);
    EXPECT_EQ(read.value("kallglot_exporter_store_last_commit_timestamp_seconds"), 1'799'999'997);
    EXPECT_EQ(read.value("kallglot_exporter_store_size_bytes"), 65536);
    EXPECT_EQ(read.value("kallglot_exporter_store_last_corruption_timestamp_seconds"), 0);
    EXPECT_EQ(read.value("kallglot_exporter_web_certificate_not_after_timestamp_seconds",
                         {{"listener", "webhook"}}),
              1'860'000'000);
    EXPECT_EQ(
        read.value("kallglot_exporter_tls_handshake_failures_total", {{"listener", "webhook"}}),
        5);
}

TEST(SnapshotMetrics, ShowsTheBoundedSetOfSessions) {
    const test::read_exposition read = render(test::make_full_report());
    EXPECT_EQ(read.count("kallglot_session_duration_seconds"), 1U);
    EXPECT_EQ(read.value("kallglot_session_duration_seconds",
                         {{"session_id", "sess_01HXYZ123456789ABCDEFGHJKMNPQ"},
                          {"mode", "ai_agent"},
                          {"provider", "sip"}}),
              61.5);
    EXPECT_EQ(read.value(
                  "kallglot_session_status_age_seconds",
                  {{"session_id", "sess_waiting-for-an-answer-0000001"}, {"status", "connecting"}}),
              45.5);
    EXPECT_EQ(read.value("kallglot_exporter_session_series_omitted"), 16);
}

} // namespace
} // namespace kallglot
