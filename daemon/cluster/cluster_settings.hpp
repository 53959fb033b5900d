/// Settings of a replica in a cluster, and the times that follow from them.

#ifndef KALLGLOT_CLUSTER_CLUSTER_SETTINGS_HPP
#define KALLGLOT_CLUSTER_CLUSTER_SETTINGS_HPP

#include "kallglot/base/time.hpp"

#include <algorithm>
#include <cstdint>

namespace kallglot {

/// Clocks of replicas run at the same rate up to this part of it. Quartz is a hundred times better.
inline constexpr std::int64_t max_clock_rate_error_ppm = 10'000;

/// Immutable after construction.
struct cluster_settings {
    /// 3 s to 17 s: this replica is dead when it is silent that long. It is in its row, so replicas may have different ones, as
    /// while an operator changes it on one after the other.
    steady_duration lease = seconds(6);
    std::uint16_t shards = 256; ///< 1 to max_shards; fixed when the tables are made

    static constexpr steady_duration beat_interval = seconds(1);

    /// A shard without owner that no replica with a free place has claimed for that long is claimed by any replica.
    static constexpr steady_duration orphan_grace = milliseconds(1200);

    /// Shards are not moved for balance before every replica has been seen for that long.
    static constexpr steady_duration settle_time = seconds(10);

    /// How long a replica trusts a beat, from its sending. The others wait for the whole lease, from a later moment. The
    /// difference covers clocks that run at rates up to 4 % apart.
    [[nodiscard]] constexpr steady_duration trust() const noexcept {
        return lease - std::max<steady_duration>(milliseconds(500), lease / 10);
    }

    /// A statement that has no answer by then is given up and its connection closed; its outcome is unknown.
    ///
    /// Two of these and the pause between two attempts are shorter than `trust`. So during an outage of the database each
    /// failed attempt is followed by the next before it is too old to count.
    [[nodiscard]] constexpr steady_duration statement_deadline() const noexcept {
        return std::min<steady_duration>(lease / 4, seconds(2));
    }

    /// Longest pause between two attempts to connect: shorter than a lease, so that no replica is dead for it.
    [[nodiscard]] constexpr steady_duration max_reconnect_pause() const noexcept {
        return lease / 6;
    }

    /// Shards that one replica gives away for balance after one beat: 8 of 256.
    [[nodiscard]] constexpr std::uint16_t max_moves() const noexcept {
        return static_cast<std::uint16_t>(std::max(1, shards / 32));
    }
};

} // namespace kallglot

#endif
