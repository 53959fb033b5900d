/// Parses and prints numbers with units: durations, rates, sizes and percentages.
///
/// Pure and exact: nothing is rounded silently, nothing overflows, and a printed value parses as the same value.
/// Allowed ranges are in the schema, not here.

#ifndef KALLGLOT_CONFIG_UNITS_HPP
#define KALLGLOT_CONFIG_UNITS_HPP

#include "config/parsed.hpp"
#include "kallglot/settings/settings.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace kallglot::config {

/// Parses a duration in the form of Prometheus: `90s`, `1m30s`, `500ms`, `1d`, or `0`.
///
/// Units `y` (365 days) `w d h m s ms`, each at most once and from large to small, whole numbers only.
///
/// Source: Prometheus documentation, "Configuration", `<duration>`.
/// Errors: a message; more than 200 years is rejected.
[[nodiscard]] parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Parses a duration as Go programs write it: `0.1s`, `1h2.5m`, `300us`, `0`.
///
/// Units `h m s ms us ns` in any order, with fractions.
///
/// Source: Go, time.ParseDuration.
/// Errors: a message; more than a year is rejected, and what is negative.
[[nodiscard]] parsed<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

/// Which words are booleans.
enum class flag_words {
    yaml_1_2, ///< true and false, in lower case, in capitals or capitalized
    yaml_1_1, ///< also y, yes, on, n, no and off
};

/// Parses a boolean.
[[nodiscard]] parsed<bool> parse_flag(std::string_view text, flag_words words);

/// The shortest Prometheus form with units up to days: `1m30s`; `0s` for zero. Negative values do not occur.
[[nodiscard]] std::string print_duration(std::chrono::milliseconds value);

/// Parses a rate: a count, a slash, a duration: `600/1m`, `50/1s`, `0.5/1s`; or `unlimited`.
///
/// Errors: a message; the rate must be 1/30y to 1000000000/1s.
[[nodiscard]] parsed<rate> parse_rate(std::string_view text);

/// A text that `parse_rate` reads as exactly the same rate, in the unit in which it is shortest.
[[nodiscard]] std::string print_rate(rate value);

/// Parses a size in bytes: `64KiB`, `1MiB`, `2GiB`, or plain `65536`.
[[nodiscard]] parsed<std::size_t> parse_size(std::string_view text);

/// The largest unit that divides the size: `64KiB`; plain bytes if none does.
[[nodiscard]] std::string print_size(std::size_t value);

/// Parses `50%` as 0.5; fractions of a percent are allowed, more than 100% is not.
[[nodiscard]] parsed<double> parse_percent(std::string_view text);

/// A text that `parse_percent` reads as exactly the same value.
[[nodiscard]] std::string print_percent(double value);

/// Parses a whole number without sign.
[[nodiscard]] parsed<std::size_t> parse_count(std::string_view text);

} // namespace kallglot::config

#endif
