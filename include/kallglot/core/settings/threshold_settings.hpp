/// Settings of the section `thresholds`: the ages in a status that alerts may use.
///
/// Crossing one triggers a confirming poll. The lists are bounded because each entry is a metric series and a
/// bit in every session's record.

#ifndef KALLGLOT_CORE_SETTINGS_THRESHOLD_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_THRESHOLD_SETTINGS_HPP

#include <chrono>
#include <cstddef>
#include <vector>

namespace kallglot {

/// Longest list of thresholds that the configuration accepts.
inline constexpr std::size_t max_thresholds = 16;

/// Each list holds at most `max_thresholds` ages above 0, strictly rising; empty = none for that status.
struct threshold_settings {
    using list = std::vector<std::chrono::milliseconds>;

    list created = {std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::minutes(30)};
    list connecting = {std::chrono::seconds(15),
                       std::chrono::seconds(30),
                       std::chrono::minutes(1),
                       std::chrono::minutes(2),
                       std::chrono::minutes(5)};
    list active = {std::chrono::hours(1), std::chrono::hours(4)};
    list ending = {std::chrono::minutes(1), std::chrono::minutes(5)};
    list not_started = {std::chrono::seconds(30), std::chrono::minutes(1), std::chrono::minutes(5)};

    [[nodiscard]] bool operator==(const threshold_settings&) const = default;
};

} // namespace kallglot

#endif
