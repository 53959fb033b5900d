// The table in the code against what is promised to users: a copy, so that a change of a name is made twice on purpose.

#include "metrics/metric_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

struct promise {
    std::string_view name;
    std::string_view type;
    std::vector<std::string_view> labels;
};

const std::vector<promise> promised = {
    {"kallglot_up", "gauge", {}},
    {"kallglot_sessions", "gauge", {"status"}},
    {"kallglot_sessions_by_mode", "gauge", {"status", "mode"}},
    {"kallglot_sessions_by_provider", "gauge", {"status", "provider"}},
    {"kallglot_sessions_over_threshold", "gauge", {"status", "threshold_seconds"}},
    {"kallglot_sessions_suspected_over_threshold", "gauge", {"status", "threshold_seconds"}},
    {"kallglot_sessions_not_started_over_threshold", "gauge", {"status", "threshold_seconds"}},
    {"kallglot_oldest_session_status_since_timestamp_seconds", "gauge", {"status"}},
    {"kallglot_sessions_stale", "gauge", {"status"}},
    {"kallglot_sessions_unverified", "gauge", {}},
    {"kallglot_session_duration_seconds", "gauge", {"session_id", "mode", "provider"}},
    {"kallglot_session_status_age_seconds", "gauge", {"session_id", "status"}},
    {"kallglot_exporter_session_series_omitted", "gauge", {}},
    {"kallglot_session_status_dwell_seconds", "histogram", {"status"}},
    {"kallglot_session_setup_seconds", "histogram", {}},
    {"kallglot_ended_session_duration_seconds", "histogram", {}},
    {"kallglot_session_transitions_total", "counter", {"from", "to", "source"}},
    {"kallglot_session_regressions_total", "counter", {}},
    {"kallglot_session_imprecise_transitions_total", "counter", {}},
    {"kallglot_sessions_ended_total", "counter", {"reason"}},
    {"kallglot_sessions_ended_without_start_total", "counter", {}},
    {"kallglot_api_rate_limit_requests", "gauge", {}},
    {"kallglot_api_rate_limit_remaining_requests", "gauge", {}},
    {"kallglot_api_rate_limit_reset_timestamp_seconds", "gauge", {}},
    {"kallglot_api_credits_remaining", "gauge", {}},
    {"kallglot_api_credits_used", "gauge", {}},
    {"kallglot_exporter_api_state", "gauge", {"state"}},
    {"kallglot_exporter_api_requests_total", "counter", {}},
    {"kallglot_exporter_api_responses_total", "counter", {"code"}},
    {"kallglot_exporter_api_request_failures_total", "counter", {"reason"}},
    {"kallglot_exporter_api_request_duration_seconds", "histogram", {}},
    {"kallglot_exporter_api_connections", "gauge", {"state"}},
    {"kallglot_exporter_api_connections_opened_total", "counter", {}},
    {"kallglot_exporter_api_tls_handshakes_total", "counter", {}},
    {"kallglot_exporter_api_tls_resumptions_total", "counter", {}},
    {"kallglot_exporter_api_certificate_not_after_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_web_certificate_not_after_timestamp_seconds", "gauge", {"listener"}},
    {"kallglot_exporter_api_paused_until_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_poll_budget_requests_per_second", "gauge", {}},
    {"kallglot_exporter_poll_demand_requests_per_second", "gauge", {}},
    {"kallglot_exporter_poll_stretch_ratio", "gauge", {}},
    {"kallglot_exporter_foreign_requests_total", "counter", {}},
    {"kallglot_exporter_polls_total", "counter", {"class"}},
    {"kallglot_exporter_polls_late_total", "counter", {"class"}},
    {"kallglot_exporter_poll_lateness_seconds", "histogram", {}},
    {"kallglot_exporter_polls_overdue", "gauge", {"class"}},
    {"kallglot_exporter_last_poll_success_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_clock_offset_seconds", "gauge", {}},
    {"kallglot_exporter_sessions_limit", "gauge", {}},
    {"kallglot_exporter_sessions_added_total", "counter", {"source"}},
    {"kallglot_exporter_sessions_rejected_total", "counter", {"reason"}},
    {"kallglot_exporter_sessions_forgotten_total", "counter", {"reason"}},
    {"kallglot_exporter_unknown_status_total", "counter", {}},
    {"kallglot_exporter_webhook_requests_total", "counter", {"result"}},
    {"kallglot_exporter_webhook_events_total", "counter", {"event"}},
    {"kallglot_exporter_webhook_missed_transitions_total", "counter", {}},
    {"kallglot_exporter_webhook_delivery_delay_seconds", "histogram", {}},
    {"kallglot_exporter_webhook_last_event_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_store_writes_total", "counter", {}},
    {"kallglot_exporter_store_write_failures_total", "counter", {}},
    {"kallglot_exporter_store_last_commit_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_store_size_bytes", "gauge", {}},
    {"kallglot_exporter_store_last_corruption_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_config_last_reload_successful", "gauge", {}},
    {"kallglot_exporter_config_last_reload_success_timestamp_seconds", "gauge", {}},
    {"kallglot_exporter_event_loop_delay_seconds", "gauge", {}},
    {"kallglot_exporter_scrape_duration_seconds", "gauge", {}},
    {"kallglot_exporter_log_messages_total", "counter", {"level"}},
    {"kallglot_exporter_build_info", "gauge", {"version", "revision", "compiler"}},
    {"process_cpu_seconds_total", "counter", {}},
    {"process_resident_memory_bytes", "gauge", {}},
    {"process_virtual_memory_bytes", "gauge", {}},
    {"process_virtual_memory_max_bytes", "gauge", {}},
    {"process_open_fds", "gauge", {}},
    {"process_max_fds", "gauge", {}},
    {"process_start_time_seconds", "gauge", {}},
    {"process_threads", "gauge", {}},
};

TEST(MetricTable, HoldsEveryPromisedMetricWithItsTypeAndLabels) {
    for (const promise& expected : promised) {
        const metric_info* const row = find_metric(expected.name);
        ASSERT_NE(row, nullptr) << expected.name;
        EXPECT_EQ(to_string(row->type), expected.type) << expected.name;
        const std::set<std::string_view> labels(row->labels.begin(),
                                                row->labels.begin() + row->label_count());
        EXPECT_EQ(labels,
                  std::set<std::string_view>(expected.labels.begin(), expected.labels.end()))
            << expected.name;
    }
}

TEST(MetricTable, HoldsNothingElse) {
    EXPECT_EQ(metric_table().size(), promised.size());
}

TEST(MetricTable, GivesTheRowThatItsNameSays) {
    EXPECT_EQ(describe(metric::up).name, "kallglot_up");
    EXPECT_EQ(describe(metric::session_status_dwell).name, "kallglot_session_status_dwell_seconds");
    EXPECT_EQ(describe(metric::polls_overdue).name, "kallglot_exporter_polls_overdue");
    EXPECT_EQ(describe(metric::build_info).name, "kallglot_exporter_build_info");
    EXPECT_EQ(describe(metric::process_threads).name, "process_threads");
    EXPECT_EQ(find_metric("kallglot_sessions_total"), nullptr);
}

TEST(MetricTable, NamesEachMetricOnceAndWellFormed) {
    std::set<std::string_view> names;
    for (const metric_info& row : metric_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
                  std::string_view::npos);
        EXPECT_EQ(row.name.ends_with("_total"), row.type == metric_type::counter) << row.name;
    }
}

TEST(MetricTable, HelpsWithOneSentence) {
    for (const metric_info& row : metric_table()) {
        EXPECT_GE(row.help.size(), 20U) << row.name;
        EXPECT_TRUE(row.help.ends_with('.')) << row.name;
        EXPECT_TRUE(row.help.front() >= 'A' && row.help.front() <= 'Z') << row.name;
        EXPECT_EQ(row.help.find('\n'), std::string_view::npos) << row.name;
        EXPECT_EQ(row.help.find(".."), std::string_view::npos) << row.name;
    }
}

} // namespace
} // namespace kallglot
