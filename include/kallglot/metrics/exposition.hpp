/// Renders the answer to a scrape: all metrics, in the format and encoding that the client accepts.
///
/// The standard `process_*` metrics come from /proc/self alone, so they also work where the rest of /proc is hidden
/// (ProcSubset=pid). A metric that cannot be read is absent.

#ifndef KALLGLOT_METRICS_EXPOSITION_HPP
#define KALLGLOT_METRICS_EXPOSITION_HPP

#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/ports/daemon_report.hpp"

#include <optional>
#include <string>
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

/// The `process_*` metrics, read at each scrape. Immutable after construction.
class process_metrics {
public:
    /// Computes the start time once, so that it does not vary between scrapes.
    process_metrics();

    /// Writes all metrics that can be read. Cost: three reads and a listing of the open descriptors.
    void write(exposition_writer& out) const;

private:
    std::optional<double> start_time_seconds_;
};

/// Writes the counters and histograms of the daemon and the build information.
void write_daemon_metrics(exposition_writer& out, const daemon_metrics& daemon);

/// Appends a complete exposition to `out`. `last_duration_seconds` is the time that the previous answer took; empty
/// before the first.
void write_exposition(std::string& out,
                      exposition_format format,
                      const daemon_report& report,
                      const daemon_metrics& daemon,
                      const process_metrics& process,
                      std::optional<double> last_duration_seconds);

/// The format for an Accept header: OpenMetrics if the client accepts it with at least the weight of plain text, else
/// text.
///
/// Source: RFC 9110 section 12.5.1; an empty or malformed header means text.
[[nodiscard]] exposition_format choose_format(std::string_view accept) noexcept;

/// Whether an Accept-Encoding header allows gzip: `gzip` or `*` with a weight above 0.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding) noexcept;

/// The compressed text; empty if zlib has no memory, then the answer is sent uncompressed.
///
/// Cost: about 1 ms for 150 kB.
[[nodiscard]] std::optional<std::string> gzip(std::string_view text);

} // namespace kallglot

#endif
