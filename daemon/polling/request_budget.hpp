/// Request budget: how many API requests a second are allowed, and when the next one may be sent.
///
/// In mode `auto` the rate follows the X-RateLimit headers and leaves the operator's share of the account unused;
/// otherwise it is configured. Requests are spread evenly. Unused requests are not saved up, so there is no burst after
/// idling, after a pause or at start. Pure: headers and moments go in, a rate and the moment of the next request come
/// out. api_health handles pauses and outages.

#ifndef KALLGLOT_POLLING_REQUEST_BUDGET_HPP
#define KALLGLOT_POLLING_REQUEST_BUDGET_HPP

#include "kallglot/api/response_headers.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/settings/settings.hpp"
#include "polling/foreign_use.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kallglot {

/// The part of api_settings that decides the budget.
struct budget_settings {
    rate_limit_setting rate_limit{};
    rate max_rate{};
    double share = 0.5;
};

/// The budget settings in the section `api`.
[[nodiscard]] inline budget_settings budget_of(const api_settings& api) noexcept {
    return {api.rate_limit, api.max_rate, api.budget_share};
}

/// Loop only.
class request_budget {
public:
    request_budget(budget_settings settings, steady_time now) noexcept;

    /// Replaces the settings. What was learned from headers stays.
    void use_settings(budget_settings settings) noexcept { settings_ = settings; }

    /// Counts a request that is sent now.
    void on_sent(steady_time now, double rate) noexcept;

    /// Takes the limit headers of an answer that arrived at `now`, `api_now` on the API's clock, to a request sent at
    /// `sent`.
    void on_headers(const response_headers& headers,
                    std::optional<api_time> api_now,
                    steady_time sent,
                    steady_time now) noexcept;

    /// Takes a 429 that arrived at `now` for a request sent at `sent`. Halves the guess, once for all requests that
    /// were in flight together.
    void on_throttled(steady_time sent, steady_time now) noexcept;

    /// Allowed requests a second; 0 when the account's window is used up, infinity without limit.
    [[nodiscard]] double allowed(steady_time now) const noexcept;

    /// The earliest moment for the next request at `rate`; steady_time::max() while the rate is 0.
    [[nodiscard]] steady_time next_request(double rate) const noexcept;

    /// The time to ask again after `now`, because the rate may have changed by time alone: sooner as a window ends.
    [[nodiscard]] steady_time next_change(steady_time now) const noexcept;

    /// Requests of others on the same key, as far as the headers show; never falls.
    [[nodiscard]] std::uint64_t foreign_requests() const noexcept { return foreign_total_; }

private:
    struct window {
        std::uint32_t limit = 0;
        std::uint32_t remaining = 0;
        std::optional<api_time> reset;
        steady_time reset_at{};           ///< `reset` on the steady clock
        std::uint32_t ours = 0;           ///< requests sent since the window was first seen
        std::uint64_t foreign = 0;        ///< largest excess of what was used over ours
        std::uint32_t ours_next = 0;      ///< of these, sent when the next window may have begun
        std::uint32_t sent_since = 0;     ///< sent after the answer with `remaining`
        steady_time counted_at = no_time; ///< when that answer came
        bool overdue = false; ///< a request from behind `reset_at` was still counted in this window
        foreign_use::forecast others{}; ///< from that answer to the end
    };

    /// The place of a moment in the window, 0 to 1, and the hour of the day of its end.
    [[nodiscard]] double place_in(const window& seen, steady_time now) const noexcept;
    [[nodiscard]] static std::size_t hour_of(const window& seen) noexcept;

    [[nodiscard]] double from_window(const window& seen, steady_time now) const noexcept;
    [[nodiscard]] double beside_others(const window& seen,
                                       double remaining,
                                       double theirs,
                                       steady_time now) const noexcept;
    [[nodiscard]] double behind_end(const window& seen, double steady) const noexcept;
    [[nodiscard]] steady_duration slack_after(const window& ended, steady_time now) const noexcept;
    [[nodiscard]] bool may_look(const window& seen, double spare, steady_time now) const noexcept;
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
    seconds learned_length_{60}; ///< the same, from adjacent windows only
    /// A window ends so much behind `reset_at` at most, as far as the answers of the last windows show.
    steady_duration end_slack_{std::chrono::seconds(1)};
    double guess_base_ = 1.0; ///< requests a second at `guess_from_`
    steady_time guess_from_;
    steady_time last_sent_ = no_time;
    std::uint32_t ours_so_far_ = 0; ///< requests sent before any header was seen
    std::uint64_t foreign_total_ = 0;
    foreign_use others_;
};

} // namespace kallglot

#endif
