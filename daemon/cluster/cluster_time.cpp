#include "kallglot/cluster/cluster_time.hpp"

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
    const steady_duration change = reading.correction - correction_;
    era_ = reading.era;
    correction_ = reading.correction;
    if (!is_known()) {
        follow(read);
        return std::nullopt;
    }
    if (is_corrected) {
        take_correction(change, read);
    }
    const bounds narrowed = both(offset_, read);
    if (narrowed.doubt() >= steady_duration::zero()) {
        follow(narrowed);
        return std::nullopt;
    }
    return take_step(read);
}

void cluster_time::take_correction(steady_duration change, const bounds& read) noexcept {
    bounds moved = reading_count_ > 0 ? after_step_ : offset_;
    moved.least -= change;
    moved.most -= change;
    reading_count_ = 0;
    if (both(offset_, read).doubt() >= steady_duration::zero()) {
        // A step was corrected. That moves cluster time by the doubt of the correction, so what was known before is no bound.
        offset_ = read;
    } else if (both(moved, read).doubt() >= steady_duration::zero()) {
        // The clock went on as this replica knows it, so it followed a step, or saw none: the other knows what it missed.
        offset_ = moved;
    }
    // Neither: there was another step.
}

std::optional<clock_correction> cluster_time::take_step(const bounds& read) noexcept {
    const bool is_first = reading_count_ == 0;
    const bounds narrowed = is_first ? read : both(after_step_, read);
    const bool is_another = is_first || narrowed.doubt() < steady_duration::zero();
    after_step_ = is_another ? read : narrowed;
    reading_count_ = is_another ? 1 : reading_count_ + 1;
    if (after_step_.doubt() > precise_step && reading_count_ < max_reading_count) {
        return std::nullopt;
    }
    const bounds before = offset_.drifted(read.at);
    const steady_duration least = after_step_.least - before.most;
    const steady_duration most = after_step_.most - before.least;
    if (least > -min_step && most < min_step) {
        follow(after_step_);
        return std::nullopt;
    }
    // The largest step that is possible: cluster time is late rather than early by the correction.
    return clock_correction{era_, std::chrono::ceil<milliseconds>(most)};
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
    const steady_duration drift = (later - at) / 1'000'000 * max_rate_difference_ppm;
    return {least - drift, most + drift, later};
}

stored_moment cluster_time::to_stored(steady_time at) const noexcept {
    return stored_moment(std::chrono::ceil<milliseconds>(at.time_since_epoch() + offset_.most));
}

steady_time cluster_time::to_steady(stored_moment at) const noexcept {
    return steady_time(at.time_since_epoch() - offset_.least);
}

} // namespace kallglot
