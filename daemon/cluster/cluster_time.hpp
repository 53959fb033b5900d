/// Cluster time: the database's clock without its steps, for the moments that are stored in a cluster.
///
/// Stored moments must mean the same to every replica, and survive a step of the database's clock or a failover to a server
/// with another clock. Each replica brackets the database's clock between the sending and the receipt of a beat, as intervals
/// of its own steady clock. A reading that the rates of the clocks cannot explain is a step. The first replica that reports it
/// corrects it for all. No lease depends on this. Times are passed in.
///
/// Source: interval intersection, K. Marzullo and S. Owicki, "Maintaining the time in a distributed system", 1983.

#ifndef KALLGLOT_CLUSTER_CLUSTER_TIME_HPP
#define KALLGLOT_CLUSTER_CLUSTER_TIME_HPP

#include "cluster/cluster_settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace kallglot {

/// A moment of cluster time, in milliseconds since 1970-01-01T00:00:00Z or an earlier or later start of that clock.
using stored_moment = std::chrono::sys_time<milliseconds>;

/// What one answer says: the database's clock (`clock_timestamp()`), and the correction that is in force.
struct clock_reading {
    std::chrono::sys_time<std::chrono::microseconds> database{};
    std::int32_t era = 0;       ///< raised by each correction
    milliseconds correction{0}; ///< cluster time is the database's clock less this
};

/// To be written by compare-and-set: only while the era is still this one.
struct clock_correction {
    std::int32_t era = 0; ///< of the reading
    milliseconds step{0}; ///< to be added to the correction

    [[nodiscard]] bool operator==(const clock_correction&) const = default;
};

/// Loop only.
class cluster_time {
public:
    /// Smaller steps are followed: they change an age by less than it is uncertain anyway. A larger one is corrected as
    /// precisely as the readings before and after it: an age may be overstated by this and by the time that they took.
    static constexpr milliseconds min_step{100};

    /// Notes a reading. Returns the correction that a step needs; until one is in force, cluster time goes on as before.
    [[nodiscard]] std::optional<clock_correction> take(const clock_reading& reading,
                                                       steady_time sent,
                                                       steady_time received) noexcept;

    /// Whether a reading was taken: before it there is no cluster time.
    [[nodiscard]] bool is_known() const noexcept { return read_at_ != no_time; }

    /// The moment to store for a steady one. Rounded towards younger by all doubt, so that rounding overstates no age.
    [[nodiscard]] stored_moment to_stored(steady_time at) const noexcept;

    /// The steady moment of a stored one, rounded towards younger likewise.
    [[nodiscard]] steady_time to_steady(stored_moment at) const noexcept;

private:
    /// Bounds of cluster time minus steady time.
    struct bounds {
        steady_duration least{};
        steady_duration most{};
    };

    /// Widened by how far the clocks may have drifted apart since the last reading.
    [[nodiscard]] bounds bounds_at(steady_time at) const noexcept;

    bounds offset_;                 ///< at the last reading
    steady_time read_at_ = no_time; ///< its receipt
};

} // namespace kallglot

#endif
