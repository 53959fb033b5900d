/// A whole answer to a scrape: everything that exists, in the format and coding that the client takes.

#ifndef KALLGLOT_METRICS_EXPOSITION_HPP
#define KALLGLOT_METRICS_EXPOSITION_HPP

#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/metrics/process_metrics.hpp"
#include "kallglot/ports/daemon_snapshot.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kallglot {

/// Writes the daemon's instruments, and which build it is.
void write_daemon_metrics(exposition_writer& out, const daemon_metrics& daemon);

/// Appends a whole exposition to `out`. `last_duration_seconds` is what the previous answer took, empty before the
/// first.
void write_exposition(std::string& out,
                      exposition_format format,
                      const daemon_report& report,
                      const daemon_metrics& daemon,
                      const process_metrics& process,
                      std::optional<double> last_duration_seconds);

/// OpenMetrics if the client prefers it to plain text or asks for nothing else; text otherwise.
///
/// Source: RFC 9110 section 12.5.1; an empty or damaged field means text.
[[nodiscard]] exposition_format choose_format(std::string_view accept) noexcept;

/// Whether the client takes gzip: named, or `*`, with a weight above 0.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding) noexcept;

/// The text compressed; empty if zlib has no memory, and the answer goes plain then.
///
/// Cost: about 1 ms for 150 kB.
[[nodiscard]] std::optional<std::string> gzip(std::string_view text);

} // namespace kallglot

#endif
