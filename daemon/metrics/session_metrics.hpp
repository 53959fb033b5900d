/// What a census says, as metric families.
///
/// A pure function of the census: nothing is kept between two scrapes.

#ifndef KALLGLOT_METRICS_SESSION_METRICS_HPP
#define KALLGLOT_METRICS_SESSION_METRICS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/settings/poll_settings.hpp"

namespace kallglot {

/// Writes every family of the census. `wall_now` is the wall clock at `counted.at`; it serves to show a moment of the
/// steady clock as a timestamp and decides nothing.
void write_session_metrics(exposition_writer& out,
                           const census& counted,
                           const threshold_settings& thresholds,
                           api_time wall_now);

} // namespace kallglot

#endif
