/// The registry of the daemon's counters and histograms with their labels, in the order of a scrape.
///
/// The instruments are prometheus-cpp's. Its registry is not used: it copies every label of every series at each
/// scrape, which was a fifth of the cost of a scrape (design/005).

#ifndef KALLGLOT_METRICS_INSTRUMENT_TABLE_HPP
#define KALLGLOT_METRICS_INSTRUMENT_TABLE_HPP

#include "kallglot/base/vocabulary.hpp"
#include "kallglot/ports/metric_table.hpp"

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

/// Loop only. Lifetime: instruments live as long as the table and never move.
class instrument_table {
public:
    using label_values = std::initializer_list<std::string_view>;

    /// One label set with its instrument; the other pointer is null.
    struct series {
        std::vector<std::string> values; ///< values of the labels, in the order of the metric table
        std::unique_ptr<prometheus::Counter> counter;
        std::unique_ptr<prometheus::Histogram> histogram;
    };

    /// All series of one metric.
    struct family {
        const metric_info* info = nullptr;
        std::vector<series> list;
    };

    /// The counter with these labels; created at 0 if it does not exist.
    ///
    /// Cost: a search through the family; callers that count often store the reference.
    prometheus::Counter& counter(metric which, label_values values = {});

    /// The histogram with these labels; created empty if it does not exist. Cost: as counter().
    prometheus::Histogram& histogram(metric which,
                                     std::span<const double> bounds,
                                     label_values values = {});

    /// Creates a counter for each word of the metric's only label, so that every series exists from the start.
    template <class Enum, std::size_t Size>
    void fill(std::array<prometheus::Counter*, Size>& counters,
              metric which,
              const vocabulary<Enum, Size>& words) {
        for (const vocabulary_word<Enum>& word : words) {
            counters[static_cast<std::size_t>(word.value)] = &counter(which, {word.text});
        }
    }

    /// All families in the order of their creation.
    [[nodiscard]] const std::vector<family>& families() const noexcept { return families_; }

private:
    series& at(metric which, label_values values);

    std::vector<family> families_;
};

} // namespace kallglot

#endif
