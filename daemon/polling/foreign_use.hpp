/// What other programs use on the same API key: learned from the rate limit headers, as a forecast for the rest of a
/// window.
///
/// Learns the rhythm within a window (others may send most of their requests at its end) and the level by hour of the
/// day (others may begin at nine o'clock). Pure: places in a window and counts go in. Knows no header and no clock;
/// request_budget subtracts our own requests first.

#ifndef KALLGLOT_POLLING_FOREIGN_USE_HPP
#define KALLGLOT_POLLING_FOREIGN_USE_HPP

#include <array>
#include <cstddef>

namespace kallglot {

/// Loop only. Units: requests; places in a window from 0 (begin) to 1 (end).
class foreign_use {
public:
    static constexpr std::size_t hours = 24;

    /// Others have used `used` requests of this window by `place`. Neither falls within a window.
    void note(double place, double used) noexcept;

    /// The window is over; it was in this hour of the day.
    void end_window(std::size_t hour) noexcept;

    struct forecast {
        double expected = 0;
        double margin = 0;  ///< for chance
        double release = 0; ///< how fast the margin shrinks now, in requests for a whole window

        [[nodiscard]] double to_leave() const noexcept { return expected + margin; }
    };

    /// What others will use from `place` to the end of a window in this hour, in which they have used `used` by `place`.
    /// `place` is known up to `slack`.
    [[nodiscard]] forecast rest(double place,
                                double used,
                                std::size_t hour,
                                double slack = 0) const noexcept;

private:
    static constexpr std::size_t parts = 12;

    /// What was seen of the running part.
    struct part {
        double used = 0;
        double observed = 0; ///< 0 to 1
    };

    [[nodiscard]] static constexpr std::array<double, hours> unknown_levels() noexcept {
        std::array<double, hours> levels{};
        levels.fill(-1);
        return levels;
    }

    void end_part() noexcept;

    [[nodiscard]] static std::size_t part_at(double place) noexcept;

    /// Expected use of a part, by the average of the last windows. If it was never observed, the average of those that were.
    [[nodiscard]] double usual_in(std::size_t at) const noexcept;

    /// The same from `place` to the end.
    [[nodiscard]] double usual_after(double place) const noexcept;

    /// What others have not used of the running part so far: it may come at its end.
    [[nodiscard]] double held_back(double place, double scale) const noexcept;

    /// Used by others in each part, moving average over windows; -1: never observed.
    std::array<double, parts> means_{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    part in_part_{};
    std::size_t part_ = 0; ///< the running one
    std::array<double, hours> by_hour_ =
        unknown_levels(); ///< use of a window, moving average; -1: not known
    double place_ = -1;   ///< of the last note in this window; -1: none yet
    double used_ = 0;
    double usual_ =
        -1; ///< of a window, as it was known when this one began; -1: no window has ended
};

} // namespace kallglot

#endif
