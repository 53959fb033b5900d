/// Reads values of the daemon's instruments in tests.

#ifndef KALLGLOT_TESTS_SUPPORT_INSTRUMENT_VALUES_HPP
#define KALLGLOT_TESTS_SUPPORT_INSTRUMENT_VALUES_HPP

#include "metrics/instrument_table.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace kallglot::test {

/// The sum over the series of a family with these label values, in this order; for a histogram the sum of the counts.
/// -1 if there is no such series.
inline double instrument_value(const instrument_table& table,
                               std::string_view family,
                               std::initializer_list<std::string_view> values = {}) {
    double sum = -1;
    for (const instrument_table::family& found : table.families()) {
        if (found.info->name != family) {
            continue;
        }
        for (const instrument_table::series& one : found.list) {
            auto from = one.values.begin();
            const bool fits = std::ranges::all_of(values, [&](std::string_view value) {
                from = std::find(from, one.values.end(), value);
                return from != one.values.end();
            });
            if (fits) {
                const double value =
                    one.counter != nullptr
                        ? one.counter->Value()
                        : static_cast<double>(one.histogram->Collect().histogram.sample_count);
                sum = sum < 0 ? value : sum + value;
            }
        }
    }
    return sum;
}

} // namespace kallglot::test

#endif
