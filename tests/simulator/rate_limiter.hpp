// The account's request budget: so many requests in each fixed window, as the X-RateLimit headers
// describe it.
//
// Windows are aligned to the clock (a window of 60 s begins with each minute). Other programs of
// the same account may use the budget up at a steady rate.

#ifndef KALLGLOT_SIMULATOR_RATE_LIMITER_HPP
#define KALLGLOT_SIMULATOR_RATE_LIMITER_HPP

#include "simulator/units.hpp"

#include <cstdint>
#include <optional>

namespace kallglot::simulator {

/// What the headers of an answer say.
struct budget_state {
    std::uint64_t limit{0};
    std::uint64_t remaining{0};
    system_time reset{};
    bool allowed{true};
};

/// Counts requests in fixed windows. Loop only.
class rate_limiter {
public:
    /// No limit: no refusal, no headers.
    rate_limiter() = default;

    /// `foreign` is what others of the account ask for meanwhile.
    rate_limiter(event_rate limit, event_rate foreign) : limit_(limit), foreign_(foreign) {}

    /// Takes one request out of the budget if it holds one. Nothing if there is no limit.
    [[nodiscard]] std::optional<budget_state> take(system_time now);

private:
    std::optional<event_rate> limit_;
    event_rate foreign_{};
    system_time window_{};
    std::uint64_t used_{0};
};

} // namespace kallglot::simulator

#endif
