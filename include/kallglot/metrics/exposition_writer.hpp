/// Turns metrics into the text that Prometheus reads: text format 0.0.4 and OpenMetrics 1.0.
///
/// prometheus-cpp's serializer costs twenty times as much a series, does not escape HELP, checks no UTF-8 and has no
/// OpenMetrics. Every label value passes here through one door that sanitises and bounds it, so a hostile text can
/// neither forge a series nor make Prometheus refuse the scrape. Does not collect, compress or cache.

#ifndef KALLGLOT_METRICS_EXPOSITION_WRITER_HPP
#define KALLGLOT_METRICS_EXPOSITION_WRITER_HPP

#include "metrics/metric_table.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace kallglot {

enum class exposition_format : std::uint8_t { text, openmetrics };

/// The value of Content-Type for a format.
[[nodiscard]] std::string_view content_type(exposition_format format) noexcept;

/// Longest label value in bytes; longer ones are cut between characters.
inline constexpr std::size_t max_label_value_bytes = 128;

/// What becomes of a label value: bytes that are not UTF-8 and control bytes but the line feed are replaced by U+FFFD,
/// then it is cut. Valid text within the bound is unchanged. This is what Prometheus reads back.
[[nodiscard]] std::string sanitise_label_value(std::string_view value);

/// One label. The name is a constant of ours; the value may come from anywhere.
struct label_ref {
    std::string_view name;
    std::string_view value;
};

/// An example of an observation, shown by OpenMetrics alone.
struct exemplar {
    std::string session_id; ///< empty: none
    double value = 0;
    double timestamp = 0; ///< Unix seconds
};

/// A histogram as it is written: parallel lists without +Inf; `exemplars` is empty or has one entry more.
struct histogram_view {
    std::span<const double> bounds;
    std::span<const std::uint64_t> cumulative_counts;
    std::uint64_t count = 0;
    double sum = 0;
    std::span<const exemplar> exemplars;
};

/// Appends to a text of the caller, which may be reused for the next answer.
///
/// Lifetime: the text outlives the writer. Cost: no allocation but the text's own growth.
class exposition_writer {
public:
    using label_list = std::initializer_list<label_ref>;
    using label_span = std::span<const label_ref>;

    exposition_writer(std::string& out, exposition_format format) noexcept;

    /// Begins a family: HELP and TYPE. Its samples follow.
    void family(metric which);
    void family(const metric_info& info);

    /// One sample of a counter or gauge.
    void sample(double value) { sample(label_span(), value); }

    void sample(label_list labels, double value) { sample(label_span(labels), value); }

    void sample(label_span labels, double value);

    /// The buckets, sum and count of one histogram.
    void histogram(label_span labels, const histogram_view& values);

    /// A family of one sample.
    void single(metric which, double value);

    /// Ends the exposition; nothing follows.
    void finish();

    [[nodiscard]] exposition_format format() const noexcept { return format_; }

private:
    void append_bucket(label_span labels,
                       double bound,
                       std::uint64_t count,
                       const exemplar* example);
    void append_part(std::string_view suffix, label_span labels, double value);

    std::string& out_;
    exposition_format format_;
    const metric_info* current_ = nullptr;
};

/// A number as Prometheus reads it: `+Inf`, `-Inf`, `NaN`, whole numbers without exponent.
void append_exposition_number(std::string& out, double value);

} // namespace kallglot

#endif
