/// Writes the gauges of a daemon_snapshot as metric families; unknown values are left out.

#ifndef KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP
#define KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP

#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/ports/daemon_snapshot.hpp"

namespace kallglot {

/// Writes every family whose value is known.
void write_snapshot_metrics(exposition_writer& out, const daemon_snapshot& daemon);

} // namespace kallglot

#endif
