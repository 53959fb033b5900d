/// The latest exemplar of each bucket of a histogram: a session id, a value and a time.
///
/// prometheus-cpp's histograms have no exemplars. An exemplar outlives its session, as the count of its bucket does.

#ifndef KALLGLOT_METRICS_BUCKET_EXEMPLARS_HPP
#define KALLGLOT_METRICS_BUCKET_EXEMPLARS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/ports/metric_table.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace kallglot {

/// Exemplars of one histogram with the bounds `dwell_buckets`. Cost: a binary search; bounded memory.
class bucket_exemplars {
public:
    /// Replaces the exemplar of the bucket that `value` falls into.
    void note(double value, const session_id& id, api_time now) {
        // As in Prometheus, a bound belongs to its own bucket. Values above the last bound go to `+Inf`.
        const auto bound = std::ranges::lower_bound(dwell_buckets, value);
        exemplar& latest = exemplars_[static_cast<std::size_t>(bound - dwell_buckets.begin())];
        latest.session_id = id.view();
        latest.value = value;
        latest.timestamp = std::chrono::duration<double>(now.time_since_epoch()).count();
    }

    /// One exemplar for each bucket, `+Inf` last; an empty id means none.
    [[nodiscard]] std::span<const exemplar> view() const noexcept { return exemplars_; }

private:
    std::array<exemplar, dwell_buckets.size() + 1> exemplars_;
};

} // namespace kallglot

#endif
