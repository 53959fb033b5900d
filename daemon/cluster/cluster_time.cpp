#include "cluster/cluster_time.hpp"

#include <algorithm>

namespace kallglot {

std::optional<clock_correction> cluster_time::take(const clock_reading& reading,
                                                   steady_time sent,
                                                   steady_time received) noexcept {
    // The database read its clock between the sending and the receipt.
    const steady_duration at = reading.database.time_since_epoch() - reading.correction;
    const bounds read{at - received.time_since_epoch(), at - sent.time_since_epoch(), received};
    // A failover may forget a correction. Then the era falls, and the step is there again.
    const bool is_corrected = reading.era > era_;
    era_ = reading.era;
    if (!is_known() || is_corrected) {
        // A correction moves cluster time by its own doubt, so what was known before it is no bound after it.
        follow(read);
        return std::nullopt;
    }
    const bounds narrowed = both(offset_, read);
    if (narrowed.doubt() >= steady_duration::zero()) {
        follow(narrowed);
        return std::nullopt;
    }
    if (-narrowed.doubt() < min_step) {
        follow(read);
        return std::nullopt;
    }
    return take_step(read);
}

std::optional<clock_correction> cluster_time::take_step(const bounds& read) noexcept {
    const bounds narrowed = both(after_step_, read);
    const bool is_another = reading_count_ == 0 || narrowed.doubt() < steady_duration::zero();
    after_step_ = is_another ? read : narrowed;
    reading_count_ = is_another ? 1 : reading_count_ + 1;
    if (after_step_.doubt() > precise_step && reading_count_ < max_reading_count) {
        return std::nullopt;
    }
    // The largest step that is possible: cluster time is late rather than early by the correction.
    const steady_duration step = after_step_.most - offset_.drifted(read.at).least;
    return clock_correction{era_, std::chrono::ceil<milliseconds>(step)};
}

void cluster_time::follow(const bounds& read) noexcept {
    offset_ = read;
    reading_count_ = 0;
}

cluster_time::bounds cluster_time::both(const bounds& earlier, const bounds& later) noexcept {
    const bounds before = earlier.drifted(later.at);
    return {std::max(before.least, later.least), std::min(before.most, later.most), later.at};
}

cluster_time::bounds cluster_time::bounds::drifted(steady_time later) const noexcept {
    const steady_duration drift = (later - at) * max_rate_difference_ppm / 1'000'000;
    return {least - drift, most + drift, later};
}

stored_moment cluster_time::to_stored(steady_time at) const noexcept {
    return stored_moment(std::chrono::ceil<milliseconds>(at.time_since_epoch() + offset_.most));
}

steady_time cluster_time::to_steady(stored_moment at) const noexcept {
    return steady_time(at.time_since_epoch() - offset_.least);
}

} // namespace kallglot
