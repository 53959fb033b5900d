/// Makes the daemon's instruments in prometheus-cpp's model, with names and help from the table of metrics.

#ifndef KALLGLOT_METRICS_INSTRUMENTS_HPP
#define KALLGLOT_METRICS_INSTRUMENTS_HPP

#include "kallglot/metrics/metric_table.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstddef>
#include <span>
#include <string>

namespace kallglot::instruments {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Registry;

template <class Builder>
[[nodiscard]] auto& build(Builder builder, Registry& registry, metric which) {
    const metric_info& info = describe(which);
    return builder.Name(std::string(info.name)).Help(std::string(info.help)).Register(registry);
}

[[nodiscard]] inline Family<Counter>& counter_family(Registry& registry, metric which) {
    return build(prometheus::BuildCounter(), registry, which);
}

[[nodiscard]] inline Counter& single_counter(Registry& registry, metric which) {
    return counter_family(registry, which).Add({});
}

// A counter for each value of the metric's only label.
template <class Counters, class Names>
void fill(Counters& counters, Registry& registry, metric which, const Names& name_of) {
    Family<Counter>& family = counter_family(registry, which);
    const std::string label(describe(which).labels[0]);
    for (std::size_t i = 0; i < counters.size(); ++i) {
        counters[i] = &family.Add({{label, std::string(name_of(i))}});
    }
}

[[nodiscard]] inline Family<Histogram>& histogram_family(Registry& registry, metric which) {
    return build(prometheus::BuildHistogram(), registry, which);
}

[[nodiscard]] inline Histogram& single_histogram(Registry& registry,
                                                 metric which,
                                                 std::span<const double> bounds) {
    return histogram_family(registry, which)
        .Add({}, Histogram::BucketBoundaries(bounds.begin(), bounds.end()));
}

} // namespace kallglot::instruments

#endif
