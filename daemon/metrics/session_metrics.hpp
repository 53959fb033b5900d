/// Writes a census as metric families.
///
/// A pure function of the census, without state between scrapes.

#ifndef KALLGLOT_METRICS_SESSION_METRICS_HPP
#define KALLGLOT_METRICS_SESSION_METRICS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/settings/poll_settings.hpp"

namespace kallglot {

/// Writes every family of the census. `wall_now` is the wall clock at `counted.at`; it only converts steady times into
/// timestamps.
void write_session_metrics(exposition_writer& out,
                           const census& counted,
                           const threshold_settings& thresholds,
                           api_time wall_now);

} // namespace kallglot

#endif
