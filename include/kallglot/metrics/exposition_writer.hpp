/// Writer of the Prometheus text format 0.0.4 and OpenMetrics 1.0.
///
/// prometheus-cpp's serializer is not used: it costs twenty times as much a series, does not escape HELP, does not
/// check UTF-8 and has no OpenMetrics. Every label value is sanitised and bounded in one place here, so a hostile text
/// can neither forge a series nor make Prometheus reject the scrape. The writer does not collect, compress or cache.

#ifndef KALLGLOT_METRICS_EXPOSITION_WRITER_HPP
#define KALLGLOT_METRICS_EXPOSITION_WRITER_HPP

#include "kallglot/ports/metric_table.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace kallglot {

enum class exposition_format : std::uint8_t { text, openmetrics };

/// The Content-Type of a format.
[[nodiscard]] std::string_view content_type(exposition_format format) noexcept;

/// Bound of a label value in bytes; longer values are cut between characters.
inline constexpr std::size_t max_label_value_bytes = 128;

/// Sanitises a label value: replaces invalid UTF-8 and control bytes except the line feed by U+FFFD, then cuts it.
/// Valid text within the bound is unchanged. The result, before escaping, is the value that Prometheus stores.
[[nodiscard]] std::string sanitise_label_value(std::string_view value);

/// One label. The name is a constant of this program; the value may come from outside.
struct label_ref {
    std::string_view name;
    std::string_view value;
};

/// An example of an observation; only OpenMetrics shows it.
struct exemplar {
    std::string session_id; ///< empty: none
    double value = 0;
    double timestamp = 0; ///< Unix seconds
};

/// A histogram to write: parallel lists without +Inf. `exemplars` is empty or has one entry more, for +Inf.
struct histogram_view {
    std::span<const double> bounds;
    std::span<const std::uint64_t> cumulative_counts;
    std::uint64_t count = 0;
    double sum = 0;
    std::span<const exemplar> exemplars;
};

/// Appends an exposition to a text of the caller.
///
/// Lifetime: the text outlives the writer. Cost: no allocation except the growth of the text.
class exposition_writer {
public:
    using label_list = std::initializer_list<label_ref>;
    using label_span = std::span<const label_ref>;

    exposition_writer(std::string& out, exposition_format format) noexcept;

    /// Begins a family: writes HELP and TYPE. Its samples follow.
    void family(metric which);
    void family(const metric_info& info);

    /// Writes one sample of a counter or gauge.
    void sample(double value) { sample(label_span(), value); }

    void sample(label_list labels, double value) { sample(label_span(labels), value); }

    void sample(label_span labels, double value);

    /// Writes buckets, sum and count of one histogram.
    void histogram(label_span labels, const histogram_view& values);

    /// Writes a family with one sample and no labels.
    void single(metric which, double value);

    /// Ends the exposition. Nothing may follow.
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

/// Appends a number in the form of Prometheus: `+Inf`, `-Inf`, `NaN`, whole numbers without exponent.
void append_exposition_number(std::string& out, double value);

} // namespace kallglot

#endif
