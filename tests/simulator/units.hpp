// The units of the simulator's flags: durations, ranges of them, rates.
//
// Deliberately separate from the daemon's parser of units: a fault of the daemon must not be hidden by the same fault
// here.

#ifndef KALLGLOT_SIMULATOR_UNITS_HPP
#define KALLGLOT_SIMULATOR_UNITS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// A moment of the API's wall clock.
using system_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// A range that includes both ends.
struct duration_range {
    std::chrono::milliseconds shortest{0};
    std::chrono::milliseconds longest{0};
};

/// A number of events in each window.
struct event_rate {
    double count{0};
    std::chrono::milliseconds window{std::chrono::seconds{1}};

    [[nodiscard]] double per_second() const;
};

/// Reads `300ms`, `1m30s`, `2h`, `0`; fractions are not accepted.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Reads `1s-3s`, or `2s` for a range of one length.
[[nodiscard]] std::optional<duration_range> parse_duration_range(std::string_view text);

/// Reads `600/1m`, `0.5/1s`.
[[nodiscard]] std::optional<event_rate> parse_rate(std::string_view text);

/// Appends `value` in decimal digits.
void append_number(std::string& out, std::uint64_t value);

/// Appends `2026-04-14T09:41:07Z`, in whole seconds, rounded down.
void append_timestamp(std::string& out, system_time time);

/// Appends `Tue, 14 Apr 2026 09:41:07 GMT` (RFC 9110, IMF-fixdate).
void append_http_date(std::string& out, system_time time);

} // namespace kallglot::simulator

#endif
