/// Where the owners of gauges report their present values, once a scrape.
///
/// Each owner has a `void report(gauge_sink&) const`; a value that is not known is not reported, and its metric is absent.
/// Counters that an owner keeps anyway are reported in the same way.

#ifndef KALLGLOT_PORTS_GAUGE_SINK_HPP
#define KALLGLOT_PORTS_GAUGE_SINK_HPP

#include "kallglot/ports/metric_table.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace kallglot {

/// Loop only.
class gauge_sink {
public:
    virtual ~gauge_sink() = default;

    /// The value of a metric without labels.
    void set(metric which, double value) { put(which, {}, value); }

    /// Likewise, if it is known.
    void set(metric which, const std::optional<double>& value) {
        if (value) {
            put(which, {}, *value);
        }
    }

    /// One series of a metric with one label. Lifetime: the label's text is constant.
    void set(metric which, std::string_view label, double value) { put(which, label, value); }

protected:
    gauge_sink() = default;
    gauge_sink(const gauge_sink&) = default;
    gauge_sink& operator=(const gauge_sink&) = default;

private:
    virtual void put(metric which, std::string_view label, double value) = 0;
};

/// The values of one moment, for the exposition and the status page.
class gauge_set final : public gauge_sink {
public:
    struct entry {
        metric which;
        std::string_view label; ///< empty for a metric without labels
        double value;
    };

    /// In the order in which they were reported.
    [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }

    /// Empty if it was not reported.
    [[nodiscard]] std::optional<double> value(metric which, std::string_view label = {}) const {
        for (const entry& one : entries_) {
            if (one.which == which && one.label == label) {
                return one.value;
            }
        }
        return std::nullopt;
    }

    /// The sum over all labels; 0 if nothing was reported.
    [[nodiscard]] double sum(metric which) const {
        double sum = 0;
        for (const entry& one : entries_) {
            sum += one.which == which ? one.value : 0;
        }
        return sum;
    }

private:
    void put(metric which, std::string_view label, double value) override {
        for (entry& one : entries_) {
            if (one.which == which && one.label == label) {
                one.value = value;
                return;
            }
        }
        entries_.push_back({which, label, value});
    }

    std::vector<entry> entries_;
};

} // namespace kallglot

#endif
