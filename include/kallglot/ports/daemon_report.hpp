/// Everything that an answer to a scrape or the status page is made of, from one moment.
///
/// The reporter collects it. Gauges come from their owners through gauge_sink; a value that is not known is absent, because
/// a 0 would be wrong. Counters and histograms are in metrics/daemon_metrics.hpp.

#ifndef KALLGLOT_PORTS_DAEMON_REPORT_HPP
#define KALLGLOT_PORTS_DAEMON_REPORT_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/polling/api_health.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

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

/// The first of the stuck sessions, for the status page.
inline constexpr std::size_t max_stuck_shown = 20;

struct daemon_report {
    kallglot::census census;
    threshold_settings thresholds;   ///< the lists that the census was counted with
    std::vector<session_view> stuck; ///< longest stay first, at most max_stuck_shown
    std::optional<session_series_snapshot> series;

    api_time wall_now{}; ///< this machine's wall clock at the moment `census::at`
    gauge_set gauges;

    /// Where people reach the pages, without a slash at the end; empty: not known.
    std::string external_url;

    // What the page shows besides gauges.
    std::optional<double>
        deciding_rate; ///< requests a second that decide all; empty if the budget does
    kallglot::api_state state = kallglot::api_state::starting;
    std::optional<bool> webhooks_flow; ///< empty while webhooks are off
    std::optional<bool>
        store_writable; ///< empty without a store on disk; false: new ids are rejected
};

} // namespace kallglot

#endif
