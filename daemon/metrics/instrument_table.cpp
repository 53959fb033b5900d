#include "metrics/instrument_table.hpp"

#include <algorithm>

namespace kallglot {

// Both functions find or create: two owners of one metric get the same instrument.
prometheus::Counter& instrument_table::counter(metric which, label_values values) {
    series& found = at(which, values);
    if (found.counter == nullptr) {
        found.counter = std::make_unique<prometheus::Counter>();
    }
    return *found.counter;
}

prometheus::Histogram& instrument_table::histogram(metric which,
                                                   std::span<const double> bounds,
                                                   label_values values) {
    series& found = at(which, values);
    if (found.histogram == nullptr) {
        found.histogram = std::make_unique<prometheus::Histogram>(
            prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end()));
    }
    return *found.histogram;
}

instrument_table::series& instrument_table::at(metric which, label_values values) {
    const metric_info& info = describe(which);
    // Linear searches: there are some thirty families, and all look-ups happen at the start.
    auto home = std::ranges::find(families_, &info, &family::info);
    // Instruments are behind pointers, so growing the lists does not move them.
    if (home == families_.end()) {
        home = families_.insert(home, family{&info, {}});
    }
    // A series is identified by its label values, in the order of the table.
    const auto same = [&](const series& one) {
        return std::ranges::equal(one.values, values);
    };
    const auto found = std::ranges::find_if(home->list, same);
    if (found != home->list.end()) {
        return *found;
    }
    // Growing the list may move entries, but instruments are behind pointers and stay.
    return home->list.emplace_back(
        series{std::vector<std::string>(values.begin(), values.end()), nullptr, nullptr});
}

} // namespace kallglot
