// The account's request budget: a number of requests in each fixed window, as in the X-RateLimit headers.
//
// Windows are aligned to the clock (a window of 60 s begins with each minute). Other programs of
// the same account may use a part of the budget at a steady rate.

#ifndef KALLGLOT_SIMULATOR_RATE_LIMITER_HPP
#define KALLGLOT_SIMULATOR_RATE_LIMITER_HPP

#include "simulator/units.hpp"

#include <cstdint>
#include <optional>

namespace kallglot::simulator {

/// The values of an answer's headers.
struct budget_state {
    std::uint64_t limit{0};
    std::uint64_t remaining{0};
    system_time reset{};
    bool allowed{true};
};

/// Counts requests in fixed windows. Loop only.
class rate_limiter {
public:
    /// No limit: no rejections, no headers.
    rate_limiter() = default;

    /// `foreign` is the rate of requests of other programs.
    rate_limiter(event_rate limit, event_rate foreign) : limit_(limit), foreign_(foreign) {}

    /// Takes one request out of the budget if there is one left. Nothing if there is no limit.
    [[nodiscard]] std::optional<budget_state> take(system_time now);

private:
    std::optional<event_rate> limit_;
    event_rate foreign_{};
    system_time window_{};
    std::uint64_t used_{0};
};

} // namespace kallglot::simulator

#endif
