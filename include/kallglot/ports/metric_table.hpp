/// The names, types, labels and HELP texts of every metric.
///
/// To add one: an enumerator, a row at the same position, and its owner that reports it: a counter or histogram in
/// metrics/daemon_metrics, a gauge through gauge_sink. Then `python3 tests/lint/metric_table.py --fix` for
/// config/prometheus/metrics.md. HELP is for operators: one plain sentence that names what is counted and from where.

#ifndef KALLGLOT_PORTS_METRIC_TABLE_HPP
#define KALLGLOT_PORTS_METRIC_TABLE_HPP

#include "kallglot/base/vocabulary.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kallglot {

enum class metric_type : std::uint8_t { counter, gauge, histogram };

[[nodiscard]] constexpr std::string_view to_string(metric_type type) noexcept {
    constexpr std::array<std::string_view, 3> names = {"counter", "gauge", "histogram"};
    return names[static_cast<std::size_t>(type)];
}

inline constexpr std::size_t max_metric_labels = 3;

/// The names of the rows in the code.
enum class metric : std::uint8_t {
    up,
    sessions,
    sessions_by_mode,
    sessions_by_provider,
    sessions_over_threshold,
    sessions_over_threshold_by_provider,
    sessions_suspected_over_threshold,
    sessions_not_started_over_threshold,
    oldest_session_status_since,
    sessions_stale,
    sessions_unverified,
    sessions_unobserved,
    session_duration,
    session_status_age,
    session_series_omitted,
    session_status_dwell,
    session_setup,
    ended_session_duration,
    session_transitions,
    session_regressions,
    session_imprecise_transitions,
    sessions_ended,
    sessions_ended_without_start,
    stuck_episodes,
    stuck_episode_duration,
    api_rate_limit,
    api_rate_limit_remaining,
    api_rate_limit_reset,
    api_credits_remaining,
    api_credits_used,
    api_state,
    api_requests,
    api_responses,
    api_request_failures,
    api_request_duration,
    api_connections,
    api_open_connections,
    api_connections_opened,
    api_requests_in_flight,
    api_requests_waiting,
    api_requests_resent,
    api_goaways,
    api_streams_cancelled,
    api_tls_handshakes,
    api_tls_resumptions,
    api_certificate_not_after,
    web_certificate_not_after,
    tls_handshake_failures,
    api_paused_until,
    poll_budget,
    poll_demand,
    poll_stretch,
    decisions,
    foreign_requests,
    polls,
    polls_late,
    poll_lateness,
    polls_overdue,
    last_poll_success,
    clock_offset,
    sessions_limit,
    sessions_added,
    sessions_rejected,
    sessions_forgotten,
    unknown_status,
    webhook_requests,
    webhook_events,
    webhook_missed_transitions,
    webhook_delivery_delay,
    webhook_last_event,
    store_writes,
    store_write_failures,
    store_last_commit,
    store_size,
    store_last_corruption,
    config_last_reload_successful,
    config_last_reload_success,
    event_loop_delay,
    scrape_duration,
    log_messages,
    refused_logins,
    build_info,
    web_info,
    process_cpu,
    process_resident_memory,
    process_virtual_memory,
    process_virtual_memory_max,
    process_open_fds,
    process_max_fds,
    process_start_time,
    process_threads
};

/// One row. `help` is one sentence without line ends; labels are in the order in which they are written.
struct metric_info {
    metric id; ///< ties the row to its enumerator: swapped rows do not compile
    std::string_view name;
    metric_type type = metric_type::gauge;
    std::array<std::string_view, max_metric_labels> labels{}; ///< unused ones are empty, at the end
    std::string_view help;

    [[nodiscard]] constexpr std::size_t label_count() const noexcept {
        std::size_t count = 0;
        while (count < labels.size() && !labels[count].empty()) {
            ++count;
        }
        return count;
    }
};

// One row for each metric, in the order of the enumeration.
// clang-format off
inline constexpr std::array metric_rows = std::to_array<metric_info>({
    {metric::up, "kallglot_up", metric_type::gauge, {},
     "Whether the API is usable with the configured key: 1 yes; 0 if the key is rejected, credits are"
     " used up, or requests fail in a row."},
    {metric::sessions, "kallglot_sessions", metric_type::gauge, {"status"},
     "Tracked sessions by last known status."},
    {metric::sessions_by_mode, "kallglot_sessions_by_mode", metric_type::gauge, {"status", "mode"},
     "Tracked sessions by last known status and mode."},
    {metric::sessions_by_provider, "kallglot_sessions_by_provider", metric_type::gauge, {"status", "provider"},
     "Tracked sessions by last known status and telephony provider."},
    {metric::sessions_over_threshold, "kallglot_sessions_over_threshold", metric_type::gauge, {"status", "threshold_seconds"},
     "Sessions that a poll observed in this status after they exceeded the threshold."},
    {metric::sessions_over_threshold_by_provider, "kallglot_sessions_over_threshold_by_provider", metric_type::gauge, {"status", "threshold_seconds", "provider"},
     "Sessions that a poll observed in this status after they exceeded the threshold, by telephony provider."},
    {metric::sessions_suspected_over_threshold, "kallglot_sessions_suspected_over_threshold", metric_type::gauge, {"status", "threshold_seconds"},
     "Sessions whose last known status has lasted longer than the threshold, not yet confirmed by a poll."},
    {metric::sessions_not_started_over_threshold, "kallglot_sessions_not_started_over_threshold", metric_type::gauge, {"status", "threshold_seconds"},
     "Sessions that a poll observed without a start after they exceeded the threshold, counted"
     " from creation."},
    {metric::oldest_session_status_since, "kallglot_oldest_session_status_since_timestamp_seconds", metric_type::gauge, {"status"},
     "When the session that has been longest in this status entered it, as a Unix time."},
    {metric::sessions_stale, "kallglot_sessions_stale", metric_type::gauge, {"status"},
     "Sessions, not ended, without a successful poll for longer than three of their present"
     " intervals plus the request timeout."},
    {metric::sessions_unverified, "kallglot_sessions_unverified", metric_type::gauge, {},
     "Sessions restored after a restart and not yet polled."},
    {metric::sessions_unobserved, "kallglot_sessions_unobserved", metric_type::gauge, {},
     "Sessions past the first threshold that no poll has observed: nothing says whether they are stuck."},
    {metric::session_duration, "kallglot_session_duration_seconds", metric_type::gauge, {"session_id", "mode", "provider"},
     "Call duration of one session: from when it became active until now, or until its end."},
    {metric::session_status_age, "kallglot_session_status_age_seconds", metric_type::gauge, {"session_id", "status"},
     "Time that one session has spent in its status, as of its last observation."},
    {metric::session_series_omitted, "kallglot_exporter_session_series_omitted", metric_type::gauge, {},
     "Tracked sessions without series of their own because of metrics.per_session_limit; they are"
     " counted all the same."},
    {metric::session_status_dwell, "kallglot_session_status_dwell_seconds", metric_type::histogram, {"status"},
     "Time spent in a status, observed when a session leaves it; left out if entry or exit is not known precisely."},
    {metric::session_setup, "kallglot_session_setup_seconds", metric_type::histogram, {},
     "Time from the creation of a session to its start."},
    {metric::ended_session_duration, "kallglot_ended_session_duration_seconds", metric_type::histogram, {},
     "Time from the start of a session to its end."},
    {metric::session_transitions, "kallglot_session_transitions_total", metric_type::counter, {"from", "to", "source"},
     "Status transitions seen by a poll or a webhook. A status passed between two of them is not counted."},
    {metric::session_regressions, "kallglot_session_regressions_total", metric_type::counter, {},
     "Sessions that went back to an earlier status, as two polls in a row saw."},
    {metric::session_imprecise_transitions, "kallglot_session_imprecise_transitions_total", metric_type::counter, {},
     "Status transitions whose time is not known precisely enough to count in the dwell"
     " histogram."},
    {metric::sessions_ended, "kallglot_sessions_ended_total", metric_type::counter, {"reason"},
     "Sessions that ended, by reason."},
    {metric::sessions_ended_without_start, "kallglot_sessions_ended_without_start_total", metric_type::counter, {},
     "Sessions that ended without becoming active."},
    {metric::stuck_episodes, "kallglot_stuck_episodes_total", metric_type::counter, {"status", "outcome"},
     "Stuck episodes that have ended, by outcome; an episode is a stay in the status that a"
     " poll confirmed to exceed its episode threshold."},
    {metric::stuck_episode_duration, "kallglot_stuck_episode_duration_seconds", metric_type::histogram, {"status"},
     "Length of stuck episodes that have ended, from when the session entered the status until"
     " it left."},
    {metric::api_rate_limit, "kallglot_api_rate_limit_requests", metric_type::gauge, {},
     "Requests that the API allows the account in one window, from the rate limit headers."},
    {metric::api_rate_limit_remaining, "kallglot_api_rate_limit_remaining_requests", metric_type::gauge, {},
     "Requests left in the current window, from the rate limit headers."},
    {metric::api_rate_limit_reset, "kallglot_api_rate_limit_reset_timestamp_seconds", metric_type::gauge, {},
     "End of the current rate limit window, as a Unix time by the clock of the API."},
    {metric::api_credits_remaining, "kallglot_api_credits_remaining", metric_type::gauge, {},
     "Credits left on the account, from the response headers."},
    {metric::api_credits_used, "kallglot_api_credits_used", metric_type::gauge, {},
     "Credits used on the account, from the response headers."},
    {metric::api_state, "kallglot_exporter_api_state", metric_type::gauge, {"state"},
     "State of the API as the exporter sees it; exactly one state is 1."},
    {metric::api_requests, "kallglot_exporter_api_requests_total", metric_type::counter, {},
     "Requests sent to the API."},
    {metric::api_responses, "kallglot_exporter_api_responses_total", metric_type::counter, {"code"},
     "API responses, by HTTP status code."},
    {metric::api_request_failures, "kallglot_exporter_api_request_failures_total", metric_type::counter, {"reason"},
     "Failed API requests, by reason."},
    {metric::api_request_duration, "kallglot_exporter_api_request_duration_seconds", metric_type::histogram, {},
     "Time from writing the first byte of a request to reading the last byte of its response."},
    {metric::api_connections, "kallglot_exporter_api_connections", metric_type::gauge, {"state"},
     "Connections to the API, by state."},
    {metric::api_open_connections, "kallglot_exporter_api_open_connections", metric_type::gauge, {"protocol"},
     "Open connections to the API, by the version of HTTP."},
    {metric::api_connections_opened, "kallglot_exporter_api_connections_opened_total", metric_type::counter, {},
     "Connections opened to the API."},
    {metric::api_requests_in_flight, "kallglot_exporter_api_requests_in_flight", metric_type::gauge, {},
     "API requests that were sent and not answered."},
    {metric::api_requests_waiting, "kallglot_exporter_api_requests_waiting", metric_type::gauge, {},
     "API requests that wait for a connection."},
    {metric::api_requests_resent, "kallglot_exporter_api_requests_resent_total", metric_type::counter, {"cause"},
     "API requests sent again because the API had not processed them; each counts as one request."},
    {metric::api_goaways, "kallglot_exporter_api_goaways_total", metric_type::counter, {"code"},
     "HTTP/2 connections that the API asked to end (GOAWAY), by its error code."},
    {metric::api_streams_cancelled, "kallglot_exporter_api_streams_cancelled_total", metric_type::counter, {},
     "HTTP/2 requests that the exporter cancelled at api.request_timeout."},
    {metric::api_tls_handshakes, "kallglot_exporter_api_tls_handshakes_total", metric_type::counter, {},
     "Completed TLS handshakes with the API."},
    {metric::api_tls_resumptions, "kallglot_exporter_api_tls_resumptions_total", metric_type::counter, {},
     "TLS handshakes with the API that resumed an earlier TLS session."},
    {metric::api_certificate_not_after, "kallglot_exporter_api_certificate_not_after_timestamp_seconds", metric_type::gauge, {},
     "Expiry of the API certificate, as a Unix time."},
    {metric::web_certificate_not_after, "kallglot_exporter_web_certificate_not_after_timestamp_seconds", metric_type::gauge, {"listener"},
     "Expiry of the certificate of one of the exporter's listeners, as a Unix time."},
    {metric::tls_handshake_failures, "kallglot_exporter_tls_handshake_failures_total", metric_type::counter, {"listener"},
     "Clients that could not finish a TLS handshake with one of the exporter's listeners, or spoke TLS to a plain one."},
    {metric::api_paused_until, "kallglot_exporter_api_paused_until_timestamp_seconds", metric_type::gauge, {},
     "End of the current pause of API requests, as a Unix time; 0 when not paused."},
    {metric::poll_budget, "kallglot_exporter_poll_budget_requests_per_second", metric_type::gauge, {},
     "Request budget: API requests allowed per second now; +Inf without a limit."},
    {metric::poll_demand, "kallglot_exporter_poll_demand_requests_per_second", metric_type::gauge, {},
     "API requests per second needed to poll every session at its configured interval."},
    {metric::poll_stretch, "kallglot_exporter_poll_stretch_ratio", metric_type::gauge, {},
     "Factor by which the intervals of routine polls are stretched; 1 when every interval is met."},
    {metric::decisions, "kallglot_exporter_decisions_ratio", metric_type::gauge, {},
     "Of the sessions that needed a first or a confirming poll in the last 15 minutes, the"
     " share that got it within 10 seconds."},
    {metric::foreign_requests, "kallglot_exporter_foreign_requests_total", metric_type::counter, {},
     "Requests of other programs that share the rate limit of the account, derived from its headers."},
    {metric::polls, "kallglot_exporter_polls_total", metric_type::counter, {"class"},
     "Polls sent, by purpose (class): confirm a crossed threshold, follow an event, routine, or"
     " audit what webhooks report."},
    {metric::polls_late, "kallglot_exporter_polls_late_total", metric_type::counter, {"class"},
     "Polls sent too late, by purpose (class): confirm and event polls over 1 s late, others by over"
     " a tenth of their stretched interval."},
    {metric::poll_lateness, "kallglot_exporter_poll_lateness_seconds", metric_type::histogram, {},
     "How late after their due time confirm and event polls were sent; late ones delay alerts."},
    {metric::polls_overdue, "kallglot_exporter_polls_overdue", metric_type::gauge, {"class"},
     "Polls that are due and wait for the request budget or a connection, by purpose (class)."},
    {metric::last_poll_success, "kallglot_exporter_last_poll_success_timestamp_seconds", metric_type::gauge, {},
     "Time of the last poll that the API answered with 200, as a Unix time."},
    {metric::clock_offset, "kallglot_exporter_clock_offset_seconds", metric_type::gauge, {},
     "Clock of the API minus clock of this host; webhooks are rejected if they differ by more than"
     " webhook.tolerance."},
    {metric::sessions_limit, "kallglot_exporter_sessions_limit", metric_type::gauge, {},
     "Maximum number of tracked sessions."},
    {metric::sessions_added, "kallglot_exporter_sessions_added_total", metric_type::counter, {"source"},
     "Sessions added to tracking, by source."},
    {metric::sessions_rejected, "kallglot_exporter_sessions_rejected_total", metric_type::counter, {"reason"},
     "Session ids that were not registered, by reason."},
    {metric::sessions_forgotten, "kallglot_exporter_sessions_forgotten_total", metric_type::counter, {"reason"},
     "Sessions removed from tracking, by reason."},
    {metric::unknown_status, "kallglot_exporter_unknown_status_total", metric_type::counter, {},
     "API responses with a session status that this version does not know."},
    {metric::webhook_requests, "kallglot_exporter_webhook_requests_total", metric_type::counter, {"result"},
     "Webhook requests received, by result."},
    {metric::webhook_events, "kallglot_exporter_webhook_events_total", metric_type::counter, {"event"},
     "Webhook events accepted, by type."},
    {metric::webhook_missed_transitions, "kallglot_exporter_webhook_missed_transitions_total", metric_type::counter, {},
     "Session starts and ends that a poll observed and no webhook reported within two minutes."},
    {metric::webhook_delivery_delay, "kallglot_exporter_webhook_delivery_delay_seconds", metric_type::histogram, {},
     "Delay of webhook events, from the event to its receipt."},
    {metric::webhook_last_event, "kallglot_exporter_webhook_last_event_timestamp_seconds", metric_type::gauge, {},
     "When the exporter accepted its last webhook event, as a Unix time."},
    {metric::store_writes, "kallglot_exporter_store_writes_total", metric_type::counter, {},
     "Successful commits of the store."},
    {metric::store_write_failures, "kallglot_exporter_store_write_failures_total", metric_type::counter, {},
     "Failed commits of the store; new session ids are rejected until one succeeds."},
    {metric::store_last_commit, "kallglot_exporter_store_last_commit_timestamp_seconds", metric_type::gauge, {},
     "Time of the last successful commit of the store, as a Unix time."},
    {metric::store_size, "kallglot_exporter_store_size_bytes", metric_type::gauge, {},
     "Size of the store on disk."},
    {metric::store_last_corruption, "kallglot_exporter_store_last_corruption_timestamp_seconds", metric_type::gauge, {},
     "Time when the store was last found corrupt, as a Unix time; 0 if never."},
    {metric::config_last_reload_successful, "kallglot_exporter_config_last_reload_successful", metric_type::gauge, {},
     "Whether the last load of the configuration file succeeded: 1 yes, 0 no."},
    {metric::config_last_reload_success, "kallglot_exporter_config_last_reload_success_timestamp_seconds", metric_type::gauge, {},
     "Time of the last successful configuration load, as a Unix time."},
    {metric::event_loop_delay, "kallglot_exporter_event_loop_delay_seconds", metric_type::gauge, {},
     "Longest delay of the daemon's event loop in the last 60 seconds; above 0.1 the host is too"
     " slow or too busy."},
    {metric::scrape_duration, "kallglot_exporter_scrape_duration_seconds", metric_type::gauge, {},
     "Time spent building the previous scrape response."},
    {metric::log_messages, "kallglot_exporter_log_messages_total", metric_type::counter, {"level"},
     "Log messages, by level."},
    {metric::refused_logins, "kallglot_exporter_refused_logins_total", metric_type::counter, {"listener", "reason"},
     "Requests refused for a missing or wrong password or token, or because too many logins"
     " waited."},
    {metric::build_info, "kallglot_exporter_build_info", metric_type::gauge, {"version", "revision", "compiler"},
     "Build information; always 1."},
    {metric::web_info, "kallglot_exporter_web_info", metric_type::gauge, {"external_url"},
     "Where people reach the pages of this exporter; always 1."},
    {metric::process_cpu, "process_cpu_seconds_total", metric_type::counter, {},
     "Total user and system CPU time spent in seconds."},
    {metric::process_resident_memory, "process_resident_memory_bytes", metric_type::gauge, {},
     "Resident memory size in bytes."},
    {metric::process_virtual_memory, "process_virtual_memory_bytes", metric_type::gauge, {},
     "Virtual memory size in bytes."},
    {metric::process_virtual_memory_max, "process_virtual_memory_max_bytes", metric_type::gauge, {},
     "Maximum amount of virtual memory available in bytes; +Inf without a limit."},
    {metric::process_open_fds, "process_open_fds", metric_type::gauge, {},
     "Number of open file descriptors."},
    {metric::process_max_fds, "process_max_fds", metric_type::gauge, {},
     "Maximum number of open file descriptors."},
    {metric::process_start_time, "process_start_time_seconds", metric_type::gauge, {},
     "Start time of the process since the Unix epoch in seconds."},
    {metric::process_threads, "process_threads", metric_type::gauge, {},
     "Number of threads of the process."},
});
// clang-format on

// Two swapped rows would publish each other's names, and nothing else would notice.
[[nodiscard]] consteval bool each_row_is_at_its_metric() {
    for (std::size_t i = 0; i < metric_rows.size(); ++i) {
        if (static_cast<std::size_t>(metric_rows[i].id) != i) {
            return false;
        }
    }
    return true;
}

static_assert(each_row_is_at_its_metric(), "two rows of the table are swapped");
static_assert(!is_enumerator<static_cast<metric>(metric_rows.size())>(), "a metric has no row");

/// The row of a metric.
[[nodiscard]] constexpr const metric_info& describe(metric which) noexcept {
    return metric_rows[static_cast<std::size_t>(which)];
}

/// The row with that name; null if there is none.
[[nodiscard]] constexpr const metric_info* find_metric(std::string_view name) noexcept {
    for (const metric_info& row : metric_rows) {
        if (row.name == name) {
            return &row;
        }
    }
    return nullptr;
}

// Bucket bounds of the histograms, in seconds: stays in a status and setup; call durations; requests and delays.
inline constexpr std::array<double, 13> dwell_buckets =
    {0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600};
inline constexpr std::array<double, 11> call_buckets =
    {15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400};
inline constexpr std::array<double, 14> delay_buckets =
    {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

} // namespace kallglot

#endif
