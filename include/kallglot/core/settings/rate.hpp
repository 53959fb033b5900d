/// A number of requests a second, as a type of its own.
///
/// Rates are configured, multiplied and compared in several places; a bare double would be mixed up with
/// ratios and seconds. This is a value only: no parsing (config/units), no spending (request budget).

#ifndef KALLGLOT_CORE_SETTINGS_RATE_HPP
#define KALLGLOT_CORE_SETTINGS_RATE_HPP

#include <limits>

namespace kallglot {

/// How often something may happen.
///
/// Units: events a second, above 0; `unlimited()` is the infinity of double, so that std::min works.
struct rate {
    double per_second = std::numeric_limits<double>::infinity();

    [[nodiscard]] static constexpr rate unlimited() noexcept { return rate{}; }

    [[nodiscard]] constexpr bool is_unlimited() const noexcept {
        return per_second > std::numeric_limits<double>::max();
    }

    [[nodiscard]] constexpr bool operator==(const rate&) const noexcept = default;
};

/// Where the allowed rate of API requests comes from.
enum class rate_limit_mode {
    automatic, ///< `auto`: follow the X-RateLimit headers and leave the operator's share alone
    fixed,     ///< the configured rate is all ours, headers change nothing
    unlimited, ///< no limit of the account; `max_rate` still holds
};

/// The setting `api.rate_limit`.
struct rate_limit_setting {
    rate_limit_mode mode = rate_limit_mode::automatic;
    rate fixed_rate{}; ///< used in mode `fixed` only

    [[nodiscard]] constexpr bool operator==(const rate_limit_setting&) const noexcept = default;
};

} // namespace kallglot

#endif
