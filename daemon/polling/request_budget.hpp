/// How many requests may be spent now: the rate, and the pace that keeps to it.
///
/// In `auto` the rate follows the X-RateLimit headers and leaves the operator's share of the account alone;
/// otherwise it is configured. Requests are spread evenly: what was not used is not saved up, so that there is
/// no burst after idling, after a pause or at start. Pure: headers and moments go in, a rate and the moment
/// of the next request come out. Pauses and outages are api_health's.

#ifndef KALLGLOT_POLLING_REQUEST_BUDGET_HPP
#define KALLGLOT_POLLING_REQUEST_BUDGET_HPP

#include "kallglot/api/response_headers.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// The part of api_settings that decides what may be spent.
struct budget_settings {
    rate_limit_setting rate_limit{};
    rate max_rate{};
    double share = 0.5;
};

/// What the section `api` says about it.
[[nodiscard]] inline budget_settings budget_of(const api_settings& api) noexcept {
    return {api.rate_limit, api.max_rate, api.budget_share};
}

/// Loop only.
class request_budget {
public:
    request_budget(budget_settings settings, steady_time now) noexcept;

    /// Other settings from now on; what was learned from headers is kept.
    void use_settings(budget_settings settings) noexcept { settings_ = settings; }

    /// One request leaves now: the pace moves on.
    void on_sent(steady_time now, double rate) noexcept;

    /// Limit headers of an answer that arrived `now`, when the API's clock said `api_now`.
    void on_headers(const response_headers& headers,
                    std::optional<api_time> api_now,
                    steady_time now) noexcept;

    /// A 429 arrived `now` for a request of `sent`: without headers to go by, the guess is halved, once for all that
    /// were under way together.
    void on_throttled(steady_time sent, steady_time now) noexcept;

    /// Requests a second that may be spent now; 0 when the account's window is used up, infinity without
    /// limit.
    [[nodiscard]] double allowed(steady_time now) const noexcept;

    /// The earliest moment for the next request at `rate`; steady_time::max() while the rate is 0.
    [[nodiscard]] steady_time next_request(double rate) const noexcept;

    /// Requests that others spent on the same key, as far as the headers show; never falls.
    [[nodiscard]] std::uint64_t foreign_requests() const noexcept { return foreign_total_; }

private:
    struct window {
        std::uint32_t limit = 0;
        std::uint32_t remaining = 0;
        std::optional<api_time> reset;
        steady_time reset_at{};       ///< `reset` on our clock
        std::uint32_t ours = 0;       ///< requests sent since the window began, as far as we saw it
        std::uint64_t foreign = 0;    ///< largest excess of what was used over ours
        std::uint32_t ours_next = 0;  ///< of these, sent when the next window may have begun
        std::uint32_t sent_since = 0; ///< sent after `remaining` was told
    };

    [[nodiscard]] double from_window(const window& seen, steady_time now) const noexcept;
    [[nodiscard]] double guess(steady_time now) const noexcept;
    [[nodiscard]] bool is_of_older_window(std::optional<api_time> reset,
                                          std::optional<api_time> api_now,
                                          steady_time now) const noexcept;
    [[nodiscard]] bool begins_window(std::optional<api_time> reset,
                                     std::uint32_t used,
                                     steady_time now) const noexcept;
    void begin_window(std::optional<api_time> reset, std::uint32_t used, steady_time now) noexcept;

    budget_settings settings_;
    std::optional<window> window_;
    seconds window_length_{60};
    seconds learned_length_{60}; ///< the same, without what a single answer may have made of it
    double guess_base_ = 1.0;    ///< requests a second at `guess_from_`
    steady_time guess_from_;
    steady_time last_sent_ = no_time;
    std::uint32_t ours_so_far_ = 0; ///< requests sent before any header was seen
    std::uint64_t foreign_total_ = 0;
};

} // namespace kallglot

#endif
