/// The standard `process_*` metrics, read from /proc/self at each scrape.
///
/// Only /proc/self is read, so the metrics also work where the rest of /proc is hidden (ProcSubset=pid). A metric that
/// cannot be read is absent.

#ifndef KALLGLOT_METRICS_PROCESS_METRICS_HPP
#define KALLGLOT_METRICS_PROCESS_METRICS_HPP

#include "kallglot/metrics/exposition_writer.hpp"

#include <optional>
#include <string_view>

namespace kallglot {

/// The exported fields of /proc/self/stat.
struct process_stat {
    double cpu_seconds = 0;
    double threads = 0;
    double start_after_boot_seconds = 0;
    double virtual_bytes = 0;
    double resident_bytes = 0;
};

/// Parses /proc/self/stat; empty if it is malformed.
///
/// Source: proc(5), /proc/[pid]/stat; the program name can contain spaces and brackets.
[[nodiscard]] std::optional<process_stat> parse_process_stat(std::string_view text,
                                                             double ticks_per_second,
                                                             double page_bytes);

/// Immutable after construction.
class process_metrics {
public:
    /// Computes the start time once, so that it does not vary between scrapes.
    process_metrics();

    /// Writes all metrics that can be read. Cost: three reads and a listing of the open descriptors.
    void write(exposition_writer& out) const;

private:
    std::optional<double> start_time_seconds_;
};

} // namespace kallglot

#endif
