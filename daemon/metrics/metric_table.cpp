#include "metrics/metric_table.hpp"

#include "kallglot/base/vocabulary.hpp"

#include <algorithm>

namespace kallglot {

namespace {

using enum metric_type;

// One row a metric, in the order of the enumeration; nothing else describes a metric.
// clang-format off
constexpr std::array table = std::to_array<metric_info>({
    {metric::up, "kallglot_up", gauge, {},
     "Whether the last exchange proved the API usable with our key: 1 yes, 0 unauthorized, out"
     " of credits or unreachable."},
    {metric::sessions, "kallglot_sessions", gauge, {"status"},
     "Tracked sessions by last known status."},
    {metric::sessions_by_mode, "kallglot_sessions_by_mode", gauge, {"status", "mode"},
     "Tracked sessions by last known status and mode."},
    {metric::sessions_by_provider, "kallglot_sessions_by_provider", gauge, {"status", "provider"},
     "Tracked sessions by last known status and telephony provider."},
    {metric::sessions_over_threshold, "kallglot_sessions_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions that a poll has seen in this status after it had lasted that long."},
    {metric::sessions_suspected_over_threshold, "kallglot_sessions_suspected_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions past the threshold by the clock that no poll has confirmed yet."},
    {metric::sessions_not_started_over_threshold, "kallglot_sessions_not_started_over_threshold", gauge, {"status", "threshold_seconds"},
     "Sessions that a poll has seen without a start that long after they were created."},
    {metric::oldest_session_status_since, "kallglot_oldest_session_status_since_timestamp_seconds", gauge, {"status"},
     "When the longest present stay in this status began, as a Unix time."},
    {metric::sessions_stale, "kallglot_sessions_stale", gauge, {"status"},
     "Sessions not ended whose last observation is older than three effective intervals and a "
     "request timeout."},
    {metric::sessions_unverified, "kallglot_sessions_unverified", gauge, {},
     "Sessions restored after a restart and not yet polled."},
    {metric::session_duration, "kallglot_session_duration_seconds", gauge, {"session_id", "mode", "provider"},
     "Duration of the call of one session, running while active and final once ended."},
    {metric::session_status_age, "kallglot_session_status_age_seconds", gauge, {"session_id", "status"},
     "Time of one session in its status as of its last observation."},
    {metric::session_series_omitted, "kallglot_exporter_session_series_omitted", gauge, {},
     "Sessions without series of their own because of the configured bound."},
    {metric::session_status_dwell, "kallglot_session_status_dwell_seconds", histogram, {"status"},
     "Length of a stay in a status, taken when it is left and known well enough."},
    {metric::session_setup, "kallglot_session_setup_seconds", histogram, {},
     "Time from the creation of a session to its start."},
    {metric::ended_session_duration, "kallglot_ended_session_duration_seconds", histogram, {},
     "Time from the start of a session to its end."},
    {metric::session_transitions, "kallglot_session_transitions_total", counter, {"from", "to", "source"},
     "Changes of status that were seen."},
    {metric::session_regressions, "kallglot_session_regressions_total", counter, {},
     "Changes of status backwards that two polls in a row confirmed."},
    {metric::session_imprecise_transitions, "kallglot_session_imprecise_transitions_total", counter, {},
     "Changes of status seen too late to say when they happened."},
    {metric::sessions_ended, "kallglot_sessions_ended_total", counter, {"reason"},
     "Sessions that ended, by reason."},
    {metric::sessions_ended_without_start, "kallglot_sessions_ended_without_start_total", counter, {},
     "Sessions that ended and never became active."},
    {metric::api_rate_limit, "kallglot_api_rate_limit_requests", gauge, {},
     "Requests that the account may send in one window, as the API says."},
    {metric::api_rate_limit_remaining, "kallglot_api_rate_limit_remaining_requests", gauge, {},
     "Requests left in the present window, as the API says."},
    {metric::api_rate_limit_reset, "kallglot_api_rate_limit_reset_timestamp_seconds", gauge, {},
     "When the present window ends, as a Unix time of the API."},
    {metric::api_credits_remaining, "kallglot_api_credits_remaining", gauge, {},
     "Credits left on the account, as the API says."},
    {metric::api_credits_used, "kallglot_api_credits_used", gauge, {},
     "Credits used on the account, as the API says."},
    {metric::api_state, "kallglot_exporter_api_state", gauge, {"state"},
     "State of the API as the exporter sees it; exactly one is 1."},
    {metric::api_requests, "kallglot_exporter_api_requests_total", counter, {},
     "Requests sent to the API."},
    {metric::api_responses, "kallglot_exporter_api_responses_total", counter, {"code"},
     "Responses of the API by HTTP status code."},
    {metric::api_request_failures, "kallglot_exporter_api_request_failures_total", counter, {"reason"},
     "Requests to the API that failed, by reason."},
    {metric::api_request_duration, "kallglot_exporter_api_request_duration_seconds", histogram, {},
     "Time from the first byte of a request written to the last byte of its response read."},
    {metric::api_connections, "kallglot_exporter_api_connections", gauge, {"state"},
     "Connections to the API by state."},
    {metric::api_connections_opened, "kallglot_exporter_api_connections_opened_total", counter, {},
     "Connections to the API that were opened."},
    {metric::api_tls_handshakes, "kallglot_exporter_api_tls_handshakes_total", counter, {},
     "TLS handshakes with the API that were completed."},
    {metric::api_tls_resumptions, "kallglot_exporter_api_tls_resumptions_total", counter, {},
     "TLS handshakes with the API that resumed an earlier session."},
    {metric::api_certificate_not_after, "kallglot_exporter_api_certificate_not_after_timestamp_seconds", gauge, {},
     "When the certificate of the API expires, as a Unix time."},
    {metric::web_certificate_not_after, "kallglot_exporter_web_certificate_not_after_timestamp_seconds", gauge, {"listener"},
     "When the certificate of a listener of the exporter expires, as a Unix time."},
    {metric::api_paused_until, "kallglot_exporter_api_paused_until_timestamp_seconds", gauge, {},
     "Until when no request is sent, as a Unix time; 0 when not paused."},
    {metric::poll_budget, "kallglot_exporter_poll_budget_requests_per_second", gauge, {},
     "Requests a second that may be spent now; +Inf without a limit."},
    {metric::poll_demand, "kallglot_exporter_poll_demand_requests_per_second", gauge, {},
     "Requests a second that all configured intervals together ask for."},
    {metric::poll_stretch, "kallglot_exporter_poll_stretch_ratio", gauge, {},
     "How much longer than configured the intervals of routine polls are; 1 when every "
     "interval is kept."},
    {metric::foreign_requests, "kallglot_exporter_foreign_requests_total", counter, {},
     "Requests spent on the same key by others, from the rate limit headers."},
    {metric::polls, "kallglot_exporter_polls_total", counter, {"class"},
     "Polls sent, by class."},
    {metric::polls_late, "kallglot_exporter_polls_late_total", counter, {"class"},
     "Polls sent later than promised for their class."},
    {metric::poll_lateness, "kallglot_exporter_poll_lateness_seconds", histogram, {},
     "How long after they were due confirm and event polls were sent."},
    {metric::polls_overdue, "kallglot_exporter_polls_overdue", gauge, {"class"},
     "Polls that are due now and not sent yet."},
    {metric::last_poll_success, "kallglot_exporter_last_poll_success_timestamp_seconds", gauge, {},
     "When the API last gave a good answer, as a Unix time."},
    {metric::clock_offset, "kallglot_exporter_clock_offset_seconds", gauge, {},
     "Clock of the API minus clock of this machine."},
    {metric::sessions_limit, "kallglot_exporter_sessions_limit", gauge, {},
     "Sessions that may be tracked at most."},
    {metric::sessions_added, "kallglot_exporter_sessions_added_total", counter, {"source"},
     "Sessions newly tracked, by where they came from."},
    {metric::sessions_rejected, "kallglot_exporter_sessions_rejected_total", counter, {"reason"},
     "Ids that were not tracked, by reason."},
    {metric::sessions_forgotten, "kallglot_exporter_sessions_forgotten_total", counter, {"reason"},
     "Sessions no longer tracked, by reason."},
    {metric::unknown_status, "kallglot_exporter_unknown_status_total", counter, {},
     "Answers of the API with a status that is not known."},
    {metric::webhook_requests, "kallglot_exporter_webhook_requests_total", counter, {"result"},
     "Webhook requests received, by result."},
    {metric::webhook_events, "kallglot_exporter_webhook_events_total", counter, {"event"},
     "Webhook events accepted, by type."},
    {metric::webhook_missed_transitions, "kallglot_exporter_webhook_missed_transitions_total", counter, {},
     "Starts and ends that a poll saw and no webhook told in time."},
    {metric::webhook_delivery_delay, "kallglot_exporter_webhook_delivery_delay_seconds", histogram, {},
     "Time from a webhook event to its receipt."},
    {metric::webhook_last_event, "kallglot_exporter_webhook_last_event_timestamp_seconds", gauge, {},
     "When the last webhook event was accepted, as a Unix time."},
    {metric::store_writes, "kallglot_exporter_store_writes_total", counter, {},
     "Commits of the store."},
    {metric::store_write_failures, "kallglot_exporter_store_write_failures_total", counter, {},
     "Commits of the store that failed."},
    {metric::store_last_commit, "kallglot_exporter_store_last_commit_timestamp_seconds", gauge, {},
     "When the store last committed, as a Unix time."},
    {metric::store_size, "kallglot_exporter_store_size_bytes", gauge, {},
     "Size of the store on disk."},
    {metric::store_last_corruption, "kallglot_exporter_store_last_corruption_timestamp_seconds", gauge, {},
     "When the store was last found corrupt, as a Unix time; 0 if never."},
    {metric::config_last_reload_successful, "kallglot_exporter_config_last_reload_successful", gauge, {},
     "Whether the last load of the configuration succeeded."},
    {metric::config_last_reload_success, "kallglot_exporter_config_last_reload_success_timestamp_seconds", gauge, {},
     "When the configuration was last loaded with success, as a Unix time."},
    {metric::event_loop_delay, "kallglot_exporter_event_loop_delay_seconds", gauge, {},
     "Worst delay of the event loop in the last 60 seconds."},
    {metric::scrape_duration, "kallglot_exporter_scrape_duration_seconds", gauge, {},
     "Time that building the previous answer to a scrape took."},
    {metric::log_messages, "kallglot_exporter_log_messages_total", counter, {"level"},
     "Log messages, by level."},
    {metric::build_info, "kallglot_exporter_build_info", gauge, {"version", "revision", "compiler"},
     "Always 1; its labels say which build this is."},
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

consteval bool each_row_is_at_its_metric() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].id) != i) {
            return false;
        }
    }
    return true;
}

static_assert(each_row_is_at_its_metric(), "two rows of the table have changed places");
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
