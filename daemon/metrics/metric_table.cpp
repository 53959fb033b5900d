// The names, types, labels and HELP texts of every metric.
//
// To add one: an enumerator in metric_table.hpp, a row here at the same position, its owner that writes it, and
// `python3 tests/lint/metric_table.py --fix` for config/prometheus/metrics.md. HELP is for operators: one plain
// sentence that names what is counted and from where.

#include "metrics/metric_table.hpp"

#include "kallglot/base/vocabulary.hpp"

#include <algorithm>

namespace kallglot {

namespace {

using enum metric_type;

// One row for each metric, in the order of the enumeration.
// clang-format off
constexpr std::array table = std::to_array<metric_info>({
    {metric::up, "kallglot_up", gauge, {},
     "Whether the last exchange proved the API usable with the configured key: 1 yes; 0"
     " unauthorized, out of credits or unreachable."},
    {metric::sessions, "kallglot_sessions", gauge, {"status"},
     "Tracked sessions by last known status."},
    {metric::sessions_by_mode, "kallglot_sessions_by_mode", gauge, {"status", "mode"},
     "Tracked sessions by last known status and mode."},
    {metric::sessions_by_provider, "kallglot_sessions_by_provider", gauge, {"status", "provider"},
     "Tracked sessions by last known status and telephony provider."},
    {metric::sessions_over_threshold, "kallglot_sessions_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions that a poll observed in this status after they exceeded the threshold."},
    {metric::sessions_suspected_over_threshold, "kallglot_sessions_suspected_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions past the threshold by the clock, not yet confirmed by a poll."},
    {metric::sessions_not_started_over_threshold, "kallglot_sessions_not_started_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions that a poll observed without a start after they exceeded the threshold, counted"
     " from creation."},
    {metric::oldest_session_status_since, "kallglot_oldest_session_status_since_timestamp_seconds", gauge, {"status"},
     "Start of the longest current stay in this status, as a Unix time."},
    {metric::sessions_stale, "kallglot_sessions_stale", gauge, {"status"},
     "Sessions not ended whose last observation is older than three effective intervals plus the"
     " request timeout."},
    {metric::sessions_unverified, "kallglot_sessions_unverified", gauge, {},
     "Sessions restored after a restart and not yet polled."},
    {metric::session_duration, "kallglot_session_duration_seconds", gauge, {"session_id", "mode", "provider"},
     "Call duration of one session: running while active, final once ended."},
    {metric::session_status_age, "kallglot_session_status_age_seconds", gauge, {"session_id", "status"},
     "Time that one session has spent in its status, as of its last observation."},
    {metric::session_series_omitted, "kallglot_exporter_session_series_omitted", gauge, {},
     "Sessions without series of their own because of metrics.per_session_limit."},
    {metric::session_status_dwell, "kallglot_session_status_dwell_seconds", histogram, {"status"},
     "Time spent in a status, observed when a session leaves it, if known precisely enough."},
    {metric::session_setup, "kallglot_session_setup_seconds", histogram, {},
     "Time from the creation of a session to its start."},
    {metric::ended_session_duration, "kallglot_ended_session_duration_seconds", histogram, {},
     "Time from the start of a session to its end."},
    {metric::session_transitions, "kallglot_session_transitions_total", counter, {"from", "to", "source"},
     "Observed status transitions."},
    {metric::session_regressions, "kallglot_session_regressions_total", counter, {},
     "Backward status transitions that two polls in a row confirmed."},
    {metric::session_imprecise_transitions, "kallglot_session_imprecise_transitions_total", counter, {},
     "Status transitions observed too late to date; the dwell histogram omits them."},
    {metric::sessions_ended, "kallglot_sessions_ended_total", counter, {"reason"},
     "Sessions that ended, by reason."},
    {metric::sessions_ended_without_start, "kallglot_sessions_ended_without_start_total", counter, {},
     "Sessions that ended without becoming active."},
    {metric::api_rate_limit, "kallglot_api_rate_limit_requests", gauge, {},
     "Requests that the API allows the account in one window, from the rate limit headers."},
    {metric::api_rate_limit_remaining, "kallglot_api_rate_limit_remaining_requests", gauge, {},
     "Requests left in the current window, from the rate limit headers."},
    {metric::api_rate_limit_reset, "kallglot_api_rate_limit_reset_timestamp_seconds", gauge, {},
     "End of the current rate limit window, as a Unix time by the clock of the API."},
    {metric::api_credits_remaining, "kallglot_api_credits_remaining", gauge, {},
     "Credits left on the account, from the response headers."},
    {metric::api_credits_used, "kallglot_api_credits_used", gauge, {},
     "Credits used on the account, from the response headers."},
    {metric::api_state, "kallglot_exporter_api_state", gauge, {"state"},
     "State of the API as the exporter sees it; exactly one state is 1."},
    {metric::api_requests, "kallglot_exporter_api_requests_total", counter, {},
     "Requests sent to the API."},
    {metric::api_responses, "kallglot_exporter_api_responses_total", counter, {"code"},
     "API responses, by HTTP status code."},
    {metric::api_request_failures, "kallglot_exporter_api_request_failures_total", counter, {"reason"},
     "Failed API requests, by reason."},
    {metric::api_request_duration, "kallglot_exporter_api_request_duration_seconds", histogram, {},
     "Time from writing the first byte of a request to reading the last byte of its response."},
    {metric::api_connections, "kallglot_exporter_api_connections", gauge, {"state"},
     "Connections to the API, by state."},
    {metric::api_connections_opened, "kallglot_exporter_api_connections_opened_total", counter, {},
     "Connections opened to the API."},
    {metric::api_tls_handshakes, "kallglot_exporter_api_tls_handshakes_total", counter, {},
     "Completed TLS handshakes with the API."},
    {metric::api_tls_resumptions, "kallglot_exporter_api_tls_resumptions_total", counter, {},
     "TLS handshakes with the API that resumed an earlier TLS session."},
    {metric::api_certificate_not_after, "kallglot_exporter_api_certificate_not_after_timestamp_seconds", gauge, {},
     "Expiry of the API certificate, as a Unix time."},
    {metric::web_certificate_not_after, "kallglot_exporter_web_certificate_not_after_timestamp_seconds", gauge, {"listener"},
     "Expiry of the certificate of one of the exporter's listeners, as a Unix time."},
    {metric::api_paused_until, "kallglot_exporter_api_paused_until_timestamp_seconds", gauge, {},
     "End of the current pause of API requests, as a Unix time; 0 when not paused."},
    {metric::poll_budget, "kallglot_exporter_poll_budget_requests_per_second", gauge, {},
     "Request budget: API requests allowed per second now; +Inf without a limit."},
    {metric::poll_demand, "kallglot_exporter_poll_demand_requests_per_second", gauge, {},
     "API requests per second needed to poll every session at its configured interval."},
    {metric::poll_stretch, "kallglot_exporter_poll_stretch_ratio", gauge, {},
     "Factor by which the intervals of routine polls are stretched; 1 when every interval is met."},
    {metric::foreign_requests, "kallglot_exporter_foreign_requests_total", counter, {},
     "Requests that other clients sent with the same key, derived from the rate limit headers."},
    {metric::polls, "kallglot_exporter_polls_total", counter, {"class"},
     "Polls sent, by class."},
    {metric::polls_late, "kallglot_exporter_polls_late_total", counter, {"class"},
     "Polls sent later than the limit of their class."},
    {metric::poll_lateness, "kallglot_exporter_poll_lateness_seconds", histogram, {},
     "Delay of confirm and event polls, from due to sent."},
    {metric::polls_overdue, "kallglot_exporter_polls_overdue", gauge, {"class"},
     "Polls due now and not yet sent, by class."},
    {metric::last_poll_success, "kallglot_exporter_last_poll_success_timestamp_seconds", gauge, {},
     "Time of the last successful API response, as a Unix time."},
    {metric::clock_offset, "kallglot_exporter_clock_offset_seconds", gauge, {},
     "Clock of the API minus clock of this host."},
    {metric::sessions_limit, "kallglot_exporter_sessions_limit", gauge, {},
     "Maximum number of tracked sessions."},
    {metric::sessions_added, "kallglot_exporter_sessions_added_total", counter, {"source"},
     "Sessions added to tracking, by source."},
    {metric::sessions_rejected, "kallglot_exporter_sessions_rejected_total", counter, {"reason"},
     "Session ids rejected, by reason."},
    {metric::sessions_forgotten, "kallglot_exporter_sessions_forgotten_total", counter, {"reason"},
     "Sessions removed from tracking, by reason."},
    {metric::unknown_status, "kallglot_exporter_unknown_status_total", counter, {},
     "API responses with an unknown session status."},
    {metric::webhook_requests, "kallglot_exporter_webhook_requests_total", counter, {"result"},
     "Webhook requests received, by result."},
    {metric::webhook_events, "kallglot_exporter_webhook_events_total", counter, {"event"},
     "Webhook events accepted, by type."},
    {metric::webhook_missed_transitions, "kallglot_exporter_webhook_missed_transitions_total", counter, {},
     "Session starts and ends that a poll observed and no webhook reported in time."},
    {metric::webhook_delivery_delay, "kallglot_exporter_webhook_delivery_delay_seconds", histogram, {},
     "Delay of webhook events, from the event to its receipt."},
    {metric::webhook_last_event, "kallglot_exporter_webhook_last_event_timestamp_seconds", gauge, {},
     "Time of the last accepted webhook event, as a Unix time."},
    {metric::store_writes, "kallglot_exporter_store_writes_total", counter, {},
     "Successful commits of the store."},
    {metric::store_write_failures, "kallglot_exporter_store_write_failures_total", counter, {},
     "Failed commits of the store."},
    {metric::store_last_commit, "kallglot_exporter_store_last_commit_timestamp_seconds", gauge, {},
     "Time of the last successful commit of the store, as a Unix time."},
    {metric::store_size, "kallglot_exporter_store_size_bytes", gauge, {},
     "Size of the store on disk."},
    {metric::store_last_corruption, "kallglot_exporter_store_last_corruption_timestamp_seconds", gauge, {},
     "Time when the store was last found corrupt, as a Unix time; 0 if never."},
    {metric::config_last_reload_successful, "kallglot_exporter_config_last_reload_successful", gauge, {},
     "Whether the last configuration load succeeded: 1 yes, 0 no."},
    {metric::config_last_reload_success, "kallglot_exporter_config_last_reload_success_timestamp_seconds", gauge, {},
     "Time of the last successful configuration load, as a Unix time."},
    {metric::event_loop_delay, "kallglot_exporter_event_loop_delay_seconds", gauge, {},
     "Maximum delay of the event loop in the last 60 seconds."},
    {metric::scrape_duration, "kallglot_exporter_scrape_duration_seconds", gauge, {},
     "Time spent building the previous scrape response."},
    {metric::log_messages, "kallglot_exporter_log_messages_total", counter, {"level"},
     "Log messages, by level."},
    {metric::build_info, "kallglot_exporter_build_info", gauge, {"version", "revision", "compiler"},
     "Build information; always 1."},
    {metric::process_cpu, "process_cpu_seconds_total", counter, {},
     "Total user and system CPU time spent in seconds."},
    {metric::process_resident_memory, "process_resident_memory_bytes", gauge, {},
     "Resident memory size in bytes."},
    {metric::process_virtual_memory, "process_virtual_memory_bytes", gauge, {},
     "Virtual memory size in bytes."},
    {metric::process_virtual_memory_max, "process_virtual_memory_max_bytes", gauge, {},
     "Maximum amount of virtual memory available in bytes; +Inf without a limit."},
    {metric::process_open_fds, "process_open_fds", gauge, {},
     "Number of open file descriptors."},
    {metric::process_max_fds, "process_max_fds", gauge, {},
     "Maximum number of open file descriptors."},
    {metric::process_start_time, "process_start_time_seconds", gauge, {},
     "Start time of the process since the Unix epoch in seconds."},
    {metric::process_threads, "process_threads", gauge, {},
     "Number of threads of the process."},
});
// clang-format on

// Two swapped rows would publish each other's names, and nothing else would notice.
consteval bool each_row_is_at_its_metric() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].id) != i) {
            return false;
        }
    }
    return true;
}

static_assert(each_row_is_at_its_metric(), "two rows of the table are swapped");
static_assert(!is_enumerator<static_cast<metric>(table.size())>(), "a metric has no row");

} // namespace

std::span<const metric_info> metric_table() noexcept {
    return table;
}

const metric_info& describe(metric which) noexcept {
    return table[static_cast<std::size_t>(which)];
}

const metric_info* find_metric(std::string_view name) noexcept {
    const auto found = std::ranges::find(table, name, &metric_info::name);
    return found == table.end() ? nullptr : &*found;
}

} // namespace kallglot
