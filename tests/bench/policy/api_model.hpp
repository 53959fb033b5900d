/// A model of the API for polling policies: a rate limit, other programs on the same key, failures, outages.
///
/// It has fixed windows of a minute on the API's clock with correct X-RateLimit headers, latency, and periods of
/// failure. The caller passes in the state of a session.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_API_MODEL_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_API_MODEL_HPP

#include "bench/policy/random_source.hpp"
#include "bench/policy/session_life.hpp"
#include "kallglot/base/time.hpp"
#include "support/fake_api.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kallglot::policy {

/// A period of time, relative to the start of the run.
struct period {
    steady_duration from{};
    steady_duration to{};
};

struct api_model_settings {
    double limit_a_minute = 0;       ///< of the account; 0: none
    double our_share = 0.5;          ///< of the limit: the most that the policy may use in a window
    double others_a_minute = 0;      ///< requests of other programs with the same key
    double others_burst = 0;         ///< and so many more in the last six seconds of each window
    double others_busy_a_minute = 0; ///< in their busy hours, instead of `others_a_minute`
    bool headers = true;             ///< X-RateLimit-* in every response
    double failing = 0;          ///< share of requests; one in twenty of these is a timeout of 10 s
    std::vector<period> outages; ///< no request reaches the API
    std::vector<period> storms;  ///< every request is answered 429, Retry-After 30
};

inline constexpr seconds window_length{60};

/// The busy hours of other programs.
inline constexpr std::chrono::hours busy_from{9};
inline constexpr std::chrono::hours busy_until{12};

/// Requests a second of other programs at this moment of a minute, in their busy hours or not.
[[nodiscard]] double others_rate(const api_model_settings& settings,
                                 steady_duration in_minute,
                                 bool busy) noexcept;

class api_model {
public:
    api_model(api_model_settings settings, steady_time start, random_source random);

    /// The response to a request sent at `sent`, and its latency. A 200 has no snapshot yet: the caller adds the state
    /// of the session after half of the latency.
    [[nodiscard]] test::fake_reply answer(steady_time sent);

    [[nodiscard]] const api_wall& wall() const noexcept { return wall_; }

    /// The time between `from` and `to` in which no request could succeed.
    [[nodiscard]] steady_duration unusable(steady_time from, steady_time to) const noexcept;

    [[nodiscard]] std::uint64_t throttled() const noexcept { return throttled_; }

    /// Requests of others that were refused and would have been answered without ours.
    [[nodiscard]] std::uint64_t others_refused() const noexcept { return others_refused_; }

    /// Requests that others left to the policy within its share, up to the last window that is over.
    [[nodiscard]] double left_to_us() const noexcept { return left_to_us_; }

    /// The maximum of requests that the policy sent in one window.
    [[nodiscard]] std::uint64_t busiest_window() const noexcept { return busiest_; }

private:
    void turn_window(steady_time now);
    void end_window_before(steady_time now);
    [[nodiscard]] double others_now(steady_time at) const noexcept;
    [[nodiscard]] bool in_any(const std::vector<period>& periods, steady_time at) const noexcept;
    [[nodiscard]] test::fake_reply failure();
    void add_headers(test::fake_reply& reply, steady_time sent) const;

    api_model_settings settings_;
    steady_time start_;
    api_wall wall_;
    random_source random_;
    api_time window_end_{};
    double used_ = 0;
    std::uint64_t ours_ = 0;
    std::uint64_t busiest_ = 0;
    std::uint64_t throttled_ = 0;
    std::uint64_t others_refused_ = 0;
    double others_wanted_ = 0; ///< in this window, refused or not
    double left_to_us_ = 0;
    steady_time next_other_;
};

} // namespace kallglot::policy

#endif
