/// Cluster time: the database's clock without its steps, for the moments that are stored in a cluster.
///
/// Stored moments must mean the same to every replica, and survive a step of the database's clock or a failover to a server
/// with another clock. Each replica brackets the database's clock between the sending and the receipt of a beat, as intervals
/// of its own steady clock. A reading that the rates of the clocks cannot explain is a step. The first replica that reports it
/// corrects it for all. No lease depends on this. Times are passed in.
///
/// **No correction makes an age older.** A step is known as precisely as the readings before and after it; the correction is
/// the largest step that they allow, so cluster time is late by their doubt rather than early. A slow answer costs precision,
/// so a replica waits for a few answers after a step and corrects it by what all of them say. Ages are younger by what is left
/// of the doubt, once for each step. A step below the doubt of all readings is not seen, and ages change by it. No estimator
/// can do better: two histories that differ by less than the doubt give the same readings. Of two steps within seconds, among
/// slow answers, the second may be corrected by too much; when another replica takes that back, the moments that were stored
/// meanwhile are older by it.
///
/// A machine that is paused sees a step forward, because its steady clock stands still. It cannot tell, and corrects: ages are
/// younger by the pause, at all replicas. The others follow a correction that they did not ask for, because two that correct
/// each other would never end. A replica that was fenced begins again with another object, so such a pause is shorter than a
/// lease if there is another replica.
///
/// Source: interval intersection, K. Marzullo and S. Owicki, "Maintaining the time in a distributed system", 1983.

#ifndef KALLGLOT_CLUSTER_CLUSTER_TIME_HPP
#define KALLGLOT_CLUSTER_CLUSTER_TIME_HPP

#include "kallglot/cluster/cluster_view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace kallglot {

/// What one answer says: the database's clock (`clock_timestamp()`), and the correction that is in force.
struct clock_reading {
    std::chrono::sys_time<std::chrono::microseconds> database{};
    std::int32_t era = 0;       ///< raised by each correction; a failover may forget the last
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
    /// A step that is smaller for certain is followed, and ages change by it: a clock that runs 1 % too fast makes one of 10 ms
    /// each second.
    static constexpr milliseconds min_step{20};

    /// How far the rates of a replica's and the database's clock are expected to differ: both may be slewed by 500 ppm, and
    /// quartz adds 100. A clock that differs more is followed in small steps.
    static constexpr std::int64_t max_rate_difference_ppm = 1'500;

    /// A step that is known that precisely is corrected at once, a less precise one after `max_reading_count` readings.
    static constexpr milliseconds precise_step{20};
    static constexpr int max_reading_count = 4;

    /// Notes a reading. Returns the correction that a step needs; until one is in force, cluster time goes on as before. A
    /// correction that is in force by the next reading is followed, also that of another replica.
    [[nodiscard]] std::optional<clock_correction> take(const clock_reading& reading,
                                                       steady_time sent,
                                                       steady_time received) noexcept;

    /// Whether a reading was taken: before it there is no cluster time.
    [[nodiscard]] bool is_known() const noexcept { return offset_.at != no_time; }

    /// The moment to store for a steady one. Rounded towards younger by all doubt, so that rounding overstates no age.
    [[nodiscard]] stored_moment to_stored(steady_time at) const noexcept;

    /// The steady moment of a stored one, rounded towards younger likewise.
    [[nodiscard]] steady_time to_steady(stored_moment at) const noexcept;

private:
    /// Bounds of cluster time minus steady time.
    struct bounds {
        steady_duration least{};
        steady_duration most{};
        steady_time at = no_time; ///< receipt of the last reading that they are from

        [[nodiscard]] steady_duration doubt() const noexcept { return most - least; }

        /// Widened by how far the clocks may have drifted apart until `later`.
        [[nodiscard]] bounds drifted(steady_time later) const noexcept;
    };

    /// What both allow, at the later one. `least` is above `most` if they contradict each other.
    [[nodiscard]] static bounds both(const bounds& earlier, const bounds& later) noexcept;

    void take_correction(steady_duration change, const bounds& read) noexcept;
    [[nodiscard]] std::optional<clock_correction> take_step(const bounds& read) noexcept;
    void follow(const bounds& read) noexcept;

    bounds offset_;              ///< of cluster time as it is in force here
    bounds after_step_;          ///< of the readings since a step that is not corrected yet
    int reading_count_ = 0;      ///< of these
    std::int32_t era_ = 0;       ///< of the last reading
    milliseconds correction_{0}; ///< of the last reading
};

} // namespace kallglot

#endif
