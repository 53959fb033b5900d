/// Gauges of the daemon at the moment of a scrape, as one plain value.
///
/// The reporter collects them from their owners: budget, health, pool, schedule, store. Counters and histograms are in
/// metrics/daemon_metrics.hpp. An empty optional means that the value is not known. Then the metric is absent,
/// because a 0 would be wrong.

#ifndef KALLGLOT_PORTS_DAEMON_SNAPSHOT_HPP
#define KALLGLOT_PORTS_DAEMON_SNAPSHOT_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/polling/api_health.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Gauges of the store; absent while there is no store on disk.
struct store_snapshot {
    std::uint64_t writes_total = 0;
    std::uint64_t write_failures_total = 0;
    std::optional<double> last_commit_timestamp;
    std::optional<std::uint64_t> size_bytes;
    double last_corruption_timestamp = 0; ///< 0 = never
    bool writable = true;                 ///< false: the daemon acknowledges no ids or events now
};

/// A certificate of one of the daemon's listeners.
struct listener_certificate {
    std::string listener; ///< `private` or `webhook`
    std::int64_t not_after = 0;
};

/// A session with its own series.
struct session_series {
    session_id id;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    std::optional<double> duration_seconds{};
    double status_age_seconds = 0;
};

/// The sessions with their own series; absent before the first selection.
struct session_series_snapshot {
    std::vector<session_series> sessions;
    std::size_t omitted = 0;
};

/// Units: timestamps are Unix seconds of this machine's clock; rates are requests a second, +Inf without limit;
///        the delay is in seconds.
struct daemon_snapshot {
    /// This machine's wall clock at the moment `census::at`.
    api_time wall_now{};

    // Is the API usable?
    std::optional<bool> up;
    kallglot::api_state state = kallglot::api_state::starting;
    std::optional<double> rate_limit;
    std::optional<double> rate_limit_remaining;
    std::optional<double> rate_limit_reset_timestamp;
    std::optional<double> credits_remaining;
    std::optional<double> credits_used;
    std::optional<double> paused_until_timestamp; ///< 0 = not paused
    std::optional<double> last_poll_success_timestamp;
    std::optional<double> clock_offset_seconds;
    std::optional<api_connection_counts> connections;

    // Is polling fast enough?
    std::optional<double> budget;
    std::optional<double> demand;
    std::optional<double> stretch;
    std::optional<std::uint64_t> foreign_requests_total;
    std::optional<std::array<std::size_t, poll_class_count>> polls_overdue;

    // The daemon.
    std::optional<std::size_t> sessions_limit;
    std::optional<double> event_loop_delay_seconds;
    std::optional<bool> config_last_reload_successful;
    std::optional<double> config_last_reload_success_timestamp;
    std::optional<double> webhook_last_event_timestamp;
    std::optional<bool> webhooks_flow; ///< empty while webhooks are off
    std::optional<store_snapshot> store;
    std::optional<session_series_snapshot> series;
    std::vector<listener_certificate> web_certificates;
};

/// The first of the stuck sessions, for the status page.
inline constexpr std::size_t most_stuck_shown = 20;

/// All data of a scrape or a status page, from one moment.
struct daemon_report {
    kallglot::census census;
    threshold_settings thresholds;   ///< the lists that the census was counted with
    std::vector<session_view> stuck; ///< longest stay first, at most most_stuck_shown
    daemon_snapshot daemon;
};

} // namespace kallglot

#endif
