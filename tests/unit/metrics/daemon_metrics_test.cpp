#include "kallglot/metrics/daemon_metrics.hpp"

#include "exposition_reader.hpp"
#include "kallglot/metrics/exposition.hpp"
#include "sample_report.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kallglot {
namespace {

using std::chrono::milliseconds;

test::read_exposition render(const daemon_metrics& metrics) {
    std::string text;
    exposition_writer out(text, exposition_format::text);
    write_daemon_metrics(out, metrics);
    return test::read_text_format(text);
}

TEST(DaemonMetrics, BeginsWithEveryFixedLabelSetAtZero) {
    const daemon_metrics metrics(test::sample_build);
    const test::read_exposition read = render(metrics);
    // Ten edges forward and ten to and from unknown, from each of two sources.
    EXPECT_EQ(read.count("kallglot_session_transitions_total"), 40U);
    EXPECT_EQ(read.count("kallglot_sessions_ended_total"), end_reason_count);
    EXPECT_EQ(read.count("kallglot_exporter_api_responses_total"), 19U);
    EXPECT_EQ(read.count("kallglot_exporter_api_request_failures_total"), failure_reason_count);
    EXPECT_EQ(read.count("kallglot_exporter_polls_total"), poll_class_count);
    EXPECT_EQ(read.count("kallglot_exporter_polls_late_total"), poll_class_count);
    EXPECT_EQ(read.count("kallglot_exporter_sessions_added_total"), 3U);
    EXPECT_EQ(read.count("kallglot_exporter_sessions_rejected_total"), 2U);
    EXPECT_EQ(read.count("kallglot_exporter_sessions_forgotten_total"), 4U);
    EXPECT_EQ(read.count("kallglot_exporter_log_messages_total"), 4U);
    EXPECT_EQ(read.count("kallglot_session_status_dwell_seconds_count"), session_status_count);
    for (const test::read_sample& sample : read.samples) {
        if (sample.name != "kallglot_exporter_build_info") {
            EXPECT_EQ(sample.value, 0) << sample.name;
        }
    }
}

TEST(DaemonMetrics, ShowsTheBuild) {
    const daemon_metrics metrics(test::sample_build);
    EXPECT_EQ(
        render(metrics).value(
            "kallglot_exporter_build_info",
            {{"version", "1.2.3"}, {"revision", "abcdef012345"}, {"compiler", "Clang 19.1.7"}}),
        1);
}

TEST(DaemonMetrics, CountsEachEventUnderItsLabels) {
    daemon_metrics metrics(test::sample_build);
    test::move_everything(metrics);
    const test::read_exposition read = render(metrics);
    EXPECT_EQ(read.value("kallglot_session_transitions_total",
                         {{"from", "created"}, {"to", "connecting"}, {"source", "poll"}}),
              1);
    EXPECT_EQ(read.value("kallglot_session_regressions_total"), 1);
    EXPECT_EQ(read.value("kallglot_session_imprecise_transitions_total"), 1);
    EXPECT_EQ(read.value("kallglot_sessions_ended_total", {{"reason", "agent_hangup"}}), 1);
    EXPECT_EQ(read.value("kallglot_sessions_ended_without_start_total"), 1);
    EXPECT_EQ(read.value("kallglot_exporter_unknown_status_total"), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_requests_total"), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_responses_total", {{"code", "200"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_responses_total", {{"code", "other"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_api_responses_total", {{"code", "422"}}), 0);
    EXPECT_EQ(read.value("kallglot_exporter_api_request_failures_total", {{"reason", "not_found"}}),
              1);
    EXPECT_EQ(read.value("kallglot_exporter_polls_total", {{"class", "routine"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_polls_late_total", {{"class", "confirm"}}), 1);
    EXPECT_EQ(read.value("kallglot_exporter_sessions_added_total", {{"source", "file"}}), 18);
    EXPECT_EQ(read.value("kallglot_exporter_sessions_rejected_total", {{"reason", "invalid_id"}}),
              2);
    EXPECT_EQ(read.value("kallglot_exporter_sessions_forgotten_total", {{"reason", "operator"}}),
              1);
    EXPECT_EQ(read.value("kallglot_exporter_log_messages_total", {{"level", "warn"}}), 1);
}

TEST(DaemonMetrics, IllegalTransitionGetsASeriesWhenItHappens) {
    daemon_metrics metrics(test::sample_build);
    const status_change back{session_status::active, session_status::created, true, {}};
    const session_id who = *session_id::parse("sess_slow-0000001");
    metrics.transition(back, change_source::poll, who, {});
    metrics.transition(back, change_source::poll, who, {});
    const test::read_exposition read = render(metrics);
    EXPECT_EQ(read.count("kallglot_session_transitions_total"), 41U);
    EXPECT_EQ(read.value("kallglot_session_transitions_total",
                         {{"from", "active"}, {"to", "created"}, {"source", "poll"}}),
              2);
}

TEST(DaemonMetrics, FillsHistogramsInSeconds) {
    daemon_metrics metrics(test::sample_build);
    test::move_everything(metrics);
    const test::read_exposition read = render(metrics);
    const auto dwell = [&](const char* le) {
        return read.value("kallglot_session_status_dwell_seconds_bucket",
                          {{"status", "connecting"}, {"le", le}});
    };
    EXPECT_EQ(dwell("2"), 0);
    EXPECT_EQ(dwell("5"), 1);
    EXPECT_EQ(dwell("3600"), 1);
    EXPECT_EQ(dwell("+Inf"), 1);
    EXPECT_EQ(read.value("kallglot_session_status_dwell_seconds_sum", {{"status", "connecting"}}),
              2.5);
    EXPECT_EQ(read.value("kallglot_session_setup_seconds_sum"), 4);
    EXPECT_EQ(read.value("kallglot_ended_session_duration_seconds_bucket", {{"le", "120"}}), 1);
    EXPECT_EQ(
        read.value("kallglot_exporter_api_request_duration_seconds_bucket", {{"le", "0.025"}}),
        0);
    EXPECT_EQ(read.value("kallglot_exporter_api_request_duration_seconds_bucket", {{"le", "0.05"}}),
              1);
    // Of the two polls only the confirm is promised within seconds.
    EXPECT_EQ(read.value("kallglot_exporter_poll_lateness_seconds_count"), 1);
}

TEST(DaemonMetrics, GivesTheSameTextTwice) {
    daemon_metrics metrics(test::sample_build);
    test::move_everything(metrics);
    std::string first;
    std::string second;
    exposition_writer to_first(first, exposition_format::text);
    exposition_writer to_second(second, exposition_format::text);
    write_daemon_metrics(to_first, metrics);
    write_daemon_metrics(to_second, metrics);
    EXPECT_EQ(first, second);
}

TEST(DaemonMetrics, UnknownCodesAddNoSeries) {
    daemon_metrics metrics(test::sample_build);
    for (int code = -5; code < 1100; ++code) {
        metrics.response(code, milliseconds(1));
    }
    const test::read_exposition read = render(metrics);
    EXPECT_EQ(read.count("kallglot_exporter_api_responses_total"), 19U);
    EXPECT_EQ(read.value("kallglot_exporter_api_responses_total", {{"code", "other"}}), 1105 - 18);
}

TEST(IsLate, UrgentPollsMayBeOneSecondLate) {
    EXPECT_FALSE(is_late(poll_class::confirm, milliseconds(1000), milliseconds(2000), 4));
    EXPECT_TRUE(is_late(poll_class::confirm, milliseconds(1001), milliseconds(2000), 4));
    EXPECT_TRUE(is_late(poll_class::event, milliseconds(1500), std::chrono::minutes(30), 1));
}

TEST(IsLate, RoutinePollsMayBeATenthAndASecondLate) {
    // An interval of 30 s allows 3 s.
    EXPECT_FALSE(is_late(poll_class::routine, milliseconds(2900), milliseconds(30'000), 1));
    EXPECT_TRUE(is_late(poll_class::routine, milliseconds(3100), milliseconds(30'000), 1));
    // One of 2 s allows a whole second, not a tenth.
    EXPECT_FALSE(is_late(poll_class::routine, milliseconds(900), milliseconds(2000), 1));
    EXPECT_TRUE(is_late(poll_class::routine, milliseconds(1100), milliseconds(2000), 1));
    // At twice the interval the poll is due 30 s later, and 6 s are allowed then.
    EXPECT_FALSE(is_late(poll_class::audit, milliseconds(35'900), milliseconds(30'000), 2));
    EXPECT_TRUE(is_late(poll_class::audit, milliseconds(36'100), milliseconds(30'000), 2));
}

} // namespace
} // namespace kallglot
