#include "cluster/cluster_time.hpp"

#include <algorithm>

namespace kallglot {

std::optional<clock_correction> cluster_time::take(const clock_reading& reading,
                                                   steady_time sent,
                                                   steady_time received) noexcept {
    // The database read its clock between the sending and the receipt.
    const steady_duration at = reading.database.time_since_epoch() - reading.correction;
    const bounds read{at - received.time_since_epoch(), at - sent.time_since_epoch()};
    if (!is_known()) {
        offset_ = read;
        read_at_ = received;
        return std::nullopt;
    }
    const bounds before = bounds_at(received);
    const bounds both{std::max(before.least, read.least), std::min(before.most, read.most)};
    if (both.least <= both.most) {
        offset_ = both;
        read_at_ = received;
        return std::nullopt;
    }
    if (both.least - both.most < min_step) {
        offset_ = read;
        read_at_ = received;
        return std::nullopt;
    }
    // Rounded up: cluster time is late rather than early by the correction, so ages are younger.
    const steady_duration step = (read.least + read.most - before.least - before.most) / 2;
    return clock_correction{reading.era, std::chrono::ceil<milliseconds>(step)};
}

cluster_time::bounds cluster_time::bounds_at(steady_time at) const noexcept {
    const steady_duration drift = (at - read_at_) * max_clock_rate_error_ppm / 1'000'000;
    return {offset_.least - drift, offset_.most + drift};
}

stored_moment cluster_time::to_stored(steady_time at) const noexcept {
    return stored_moment(std::chrono::ceil<milliseconds>(at.time_since_epoch() + offset_.most));
}

steady_time cluster_time::to_steady(stored_moment at) const noexcept {
    return steady_time(at.time_since_epoch() - offset_.least);
}

} // namespace kallglot
