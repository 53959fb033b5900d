/// Settings of the sections `poll` and `thresholds`: intervals of polls, ages for alerts, and times of forgetting.
///
/// Plain values with the documented defaults. Intervals and thresholds of a status are found through
/// `session_status_rules` (tracking/session.hpp). Crossing a threshold triggers a confirming poll; the lists are
/// bounded because each entry is a metric series.

#ifndef KALLGLOT_SETTINGS_POLL_SETTINGS_HPP
#define KALLGLOT_SETTINGS_POLL_SETTINGS_HPP

#include <chrono>
#include <cstddef>
#include <vector>

namespace kallglot {

/// Time between two polls of one session, by its last known status; 10 ms to 1 day each.
struct poll_intervals {
    std::chrono::milliseconds created = std::chrono::seconds(5);
    std::chrono::milliseconds connecting = std::chrono::seconds(2);
    std::chrono::milliseconds active = std::chrono::seconds(30);
    std::chrono::milliseconds ending = std::chrono::seconds(5);
    std::chrono::milliseconds unknown = std::chrono::seconds(30);
    std::chrono::milliseconds audit =
        std::chrono::minutes(30); ///< while webhooks report the status

    [[nodiscard]] bool operator==(const poll_intervals&) const = default;
};

struct poll_settings {
    poll_intervals intervals{};
    std::chrono::milliseconds ended_retention = std::chrono::minutes(15);
    std::chrono::milliseconds not_found_after = std::chrono::minutes(10);
    std::chrono::milliseconds unknown_after = std::chrono::hours(24);

    [[nodiscard]] bool operator==(const poll_settings&) const = default;
};

/// Largest number of thresholds in a list.
inline constexpr std::size_t max_thresholds = 16;

/// The age from which a stay in a status is a stuck episode: that of the shipped alert of the status.
struct episode_thresholds {
    std::chrono::milliseconds created = std::chrono::minutes(5);
    std::chrono::milliseconds connecting = std::chrono::seconds(30);
    std::chrono::milliseconds ending = std::chrono::minutes(1);

    [[nodiscard]] bool operator==(const episode_thresholds&) const = default;
};

/// Each list has at most `max_thresholds` ages above 0, strictly ascending; empty = none for that status.
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

    episode_thresholds episodes{}; ///< need not be in the lists

    [[nodiscard]] bool operator==(const threshold_settings&) const = default;
};

} // namespace kallglot

#endif
