/// Writes the gauges of a report and the series of single sessions as metric families.

#ifndef KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP
#define KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP

#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/ports/daemon_report.hpp"

namespace kallglot {

/// In the order of the table of metrics; what was not reported is left out.
void write_snapshot_metrics(exposition_writer& out, const daemon_report& report);

} // namespace kallglot

#endif
