/// The gauges of a daemon_snapshot as metric families; what is not known is left out.

#ifndef KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP
#define KALLGLOT_METRICS_SNAPSHOT_METRICS_HPP

#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/ports/daemon_snapshot.hpp"

namespace kallglot {

void write_snapshot_metrics(exposition_writer& out, const daemon_snapshot& daemon);

} // namespace kallglot

#endif
