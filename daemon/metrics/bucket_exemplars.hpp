/// The latest example of each bucket of a histogram: which session it was.
///
/// prometheus-cpp's histograms keep none. An exemplar outlives its session: it is history, as the bucket is.

#ifndef KALLGLOT_METRICS_BUCKET_EXEMPLARS_HPP
#define KALLGLOT_METRICS_BUCKET_EXEMPLARS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "metrics/metric_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace kallglot {

/// For histograms with the bounds `dwell_buckets`. Cost: a look-up among them; bounded memory.
class bucket_exemplars {
public:
    void note(double value, const session_id& who, api_time now) {
        const auto bound = std::ranges::lower_bound(dwell_buckets, value);
        exemplar& place = places_[static_cast<std::size_t>(bound - dwell_buckets.begin())];
        place.session_id = who.view();
        place.value = value;
        place.timestamp = std::chrono::duration<double>(now.time_since_epoch()).count();
    }

    /// One a bucket, `+Inf` last.
    [[nodiscard]] std::span<const exemplar> view() const noexcept { return places_; }

private:
    std::array<exemplar, dwell_buckets.size() + 1> places_;
};

} // namespace kallglot

#endif
