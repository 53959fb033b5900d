/// How many requests the budget has for each new session, and which degree of shortage that is.
///
/// A session costs at least one request: the one that is sent when its deciding threshold is crossed. The supply divides
/// the budget by the rate of new sessions that need this request. The schedule changes its order of polls with the
/// degree, and the routine floor with the supply. Pure: arrivals, budget and moments go in. Knows no session.

#ifndef KALLGLOT_POLLING_REQUEST_SUPPLY_HPP
#define KALLGLOT_POLLING_REQUEST_SUPPLY_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>

namespace kallglot {

/// From enough to too few requests. Each degree keeps the rules of the one before but for what it names.
enum class scarcity : std::uint8_t {
    plenty,  ///< every interval is kept
    limited, ///< intervals stretch, new sessions wait five seconds
    hard,    ///< the first poll of a session comes when its deciding threshold is crossed
    too_few, ///< not every session is decided: which ones is a choice
};

/// Loop only.
class request_supply {
public:
    /// A new session that only a poll can decide.
    void note_arrival() noexcept { ++arrived_; }

    /// A poll was sent; `again`: it repeats one that failed.
    void note_poll(bool again) noexcept;

    /// Compares demand with budget, both in requests a second. Call it regularly.
    void compare(double demand, double budget, steady_time now) noexcept;

    [[nodiscard]] scarcity degree() const noexcept { return degree_; }

    /// Requests for each new session, without those that repeat failed ones. Infinity while no session arrives.
    [[nodiscard]] double each() const noexcept;

    /// Whether the budget decides every new session in time: one request each, and the confirms of the stuck ones.
    [[nodiscard]] bool decides_all() const noexcept;

    /// Requests a second that decide every new session in time.
    [[nodiscard]] double needed() const noexcept;

    /// Urgent polls after which one routine poll gets its turn: the routine floor is a fifth of the budget, and less
    /// where the first polls need it.
    [[nodiscard]] unsigned urgent_in_a_row() const noexcept { return urgent_in_a_row_; }

private:
    /// Requests a second for one poll of each new session, with those that repeat failed ones.
    [[nodiscard]] double arriving() const noexcept;
    [[nodiscard]] scarcity next_degree(bool shortage) const noexcept;
    [[nodiscard]] unsigned next_urgent_in_a_row() const noexcept;

    scarcity degree_ = scarcity::plenty;
    unsigned urgent_in_a_row_ = 4; ///< as of the last comparison: each poll asks for it
    double arrivals_ = 0;          ///< a second, moving average
    double repeated_ = 0;          ///< share of polls, moving average
    double budget_ = 0;            ///< a second, moving average
    double known_for_ = 0; ///< the weight of both averages, 0 at the start and then rising to 1
    std::uint32_t arrived_ = 0; ///< since the last comparison
    steady_time compared_ = no_time;
};

} // namespace kallglot

#endif
