/// The two clocks of the project, as types that cannot be mixed up, and the parsers of the API's timestamps.
///
/// Decisions use the steady clock only. The API's timestamps are wall times of *its* clock. They become steady times
/// through the `Date` of the response that carried them (server_clock.hpp). Pure code never reads a clock: every
/// function gets the time as a parameter.

#ifndef KALLGLOT_BASE_TIME_HPP
#define KALLGLOT_BASE_TIME_HPP

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A moment on this machine's monotonic clock, in nanoseconds since an unspecified start.
using steady_time = std::chrono::steady_clock::time_point;
using steady_duration = std::chrono::steady_clock::duration;

/// A moment on the API's clock, in milliseconds since 1970-01-01T00:00:00Z.
using api_time = std::chrono::sys_time<milliseconds>;

/// Stands for "never" or "not known" in fields that hold a steady_time.
inline constexpr steady_time no_time = steady_time::min();

/// Seconds as Prometheus uses them.
[[nodiscard]] constexpr double to_seconds(steady_duration d) noexcept {
    return std::chrono::duration<double>(d).count();
}

/// Unix time in seconds, as metrics show it.
[[nodiscard]] constexpr double unix_seconds(api_time at) noexcept {
    return std::chrono::duration<double>(at.time_since_epoch()).count();
}

/// The nearest steady duration; values too large for the clock are cut at ten years.
[[nodiscard]] constexpr steady_duration from_seconds(double value) noexcept {
    constexpr double limit = 10.0 * 366 * 86400;
    const double bounded = value < 0 ? 0 : (value < limit ? value : limit);
    return std::chrono::duration_cast<steady_duration>(std::chrono::duration<double>(bounded));
}

/// An ISO 8601 / RFC 3339 timestamp as the API writes it: date, `T` or `t` or a space, time, any
/// number of fraction digits (cut to milliseconds), `Z` or an offset of up to 14 hours. `:60` is
/// read as the next second. Empty for anything else, and for years outside 1970 to 9999.
///
/// Source: samples in tests/samples, RFC 3339 section 5.6.
[[nodiscard]] std::optional<api_time> parse_timestamp(std::string_view text) noexcept;

/// `2026-04-14T09:30:00.000Z`, for people and programs.
[[nodiscard]] std::string format_timestamp(api_time time);

/// An HTTP date in any of the three forms of RFC 9110 section 5.6.7 (IMF-fixdate, RFC 850, asctime).
[[nodiscard]] std::optional<api_time> parse_http_date(std::string_view text) noexcept;

} // namespace kallglot

#endif
