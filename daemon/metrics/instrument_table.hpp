/// The daemon's counters and histograms with their labels, in the order in which a scrape shows them.
///
/// The instruments are prometheus-cpp's. The list is ours: the library's registry copies every label of every series at each
/// scrape, which was a fifth of what one costs (design/005).

#ifndef KALLGLOT_METRICS_INSTRUMENT_TABLE_HPP
#define KALLGLOT_METRICS_INSTRUMENT_TABLE_HPP

#include "kallglot/base/vocabulary.hpp"
#include "metrics/metric_table.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Loop only. Instruments live as long as the table and never move.
class instrument_table {
public:
    using label_values = std::initializer_list<std::string_view>;

    /// One label set; it has the one kind of instrument that its metric is.
    struct series {
        std::vector<std::string> values; ///< of the labels, in the order of the table of metrics
        std::unique_ptr<prometheus::Counter> counter;
        std::unique_ptr<prometheus::Histogram> histogram;
    };

    struct family {
        const metric_info* info = nullptr;
        std::vector<series> list;
    };

    /// The counter with these labels, made at 0 if it is not there yet.
    ///
    /// Cost: a search through the family; whoever counts often keeps the reference.
    prometheus::Counter& counter(metric which, label_values values = {});

    prometheus::Histogram& histogram(metric which,
                                     std::span<const double> bounds,
                                     label_values values = {});

    /// A counter for each word of the metric's only label.
    template <class Enum, std::size_t Size>
    void fill(std::array<prometheus::Counter*, Size>& counters,
              metric which,
              const vocabulary<Enum, Size>& words) {
        for (const vocabulary_word<Enum>& word : words) {
            counters[static_cast<std::size_t>(word.value)] = &counter(which, {word.text});
        }
    }

    /// In the order in which they were made.
    [[nodiscard]] const std::vector<family>& families() const noexcept { return families_; }

private:
    series& at(metric which, label_values values);

    std::vector<family> families_;
};

} // namespace kallglot

#endif
