/// The table of metrics: name, type, labels and HELP of every metric of the daemon, as constant data.
///
/// Code that writes a family refers to its row, so a metric cannot be misspelt or described twice. A lint compares the
/// documentation with this table. Values of labels are listed where they are defined: tracking/session.hpp,
/// tracking/session_ledger.hpp, base/error.hpp, ports/metrics_sink.hpp.

#ifndef KALLGLOT_METRICS_METRIC_TABLE_HPP
#define KALLGLOT_METRICS_METRIC_TABLE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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
    sessions_suspected_over_threshold,
    sessions_not_started_over_threshold,
    oldest_session_status_since,
    sessions_stale,
    sessions_unverified,
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
    api_connections_opened,
    api_tls_handshakes,
    api_tls_resumptions,
    api_certificate_not_after,
    web_certificate_not_after,
    api_paused_until,
    poll_budget,
    poll_demand,
    poll_stretch,
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
    build_info,
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

/// All rows, in the order of the enumeration.
[[nodiscard]] std::span<const metric_info> metric_table() noexcept;

/// The row of a metric.
[[nodiscard]] const metric_info& describe(metric which) noexcept;

/// The row with that name; null if there is none.
[[nodiscard]] const metric_info* find_metric(std::string_view name) noexcept;

// Bucket bounds of the histograms, in seconds: stays in a status and setup; call durations; requests and delays.
inline constexpr std::array<double, 13> dwell_buckets =
    {0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600};
inline constexpr std::array<double, 11> call_buckets =
    {15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400};
inline constexpr std::array<double, 14> delay_buckets =
    {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

} // namespace kallglot

#endif
