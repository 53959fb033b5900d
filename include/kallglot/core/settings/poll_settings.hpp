/// Settings of the section `poll`: how often a session is asked for, and when it is forgotten.
///
/// A plain value whose defaults are the contract's; what follows from it is decided in the schedule.

#ifndef KALLGLOT_CORE_SETTINGS_POLL_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_POLL_SETTINGS_HPP

#include <chrono>

namespace kallglot {

/// Time between two polls of one session, by its last known status; 10 ms to 1 day each.
struct poll_intervals {
    std::chrono::milliseconds created = std::chrono::seconds(5);
    std::chrono::milliseconds connecting = std::chrono::seconds(2);
    std::chrono::milliseconds active = std::chrono::seconds(30);
    std::chrono::milliseconds ending = std::chrono::seconds(5);
    std::chrono::milliseconds unknown = std::chrono::seconds(30);
    std::chrono::milliseconds audit = std::chrono::minutes(30); ///< while webhooks tell the state

    [[nodiscard]] bool operator==(const poll_intervals&) const = default;
};

struct poll_settings {
    poll_intervals intervals{};
    std::chrono::milliseconds ended_retention = std::chrono::minutes(15);
    std::chrono::milliseconds not_found_after = std::chrono::minutes(10);
    std::chrono::milliseconds unknown_after = std::chrono::hours(24);

    [[nodiscard]] bool operator==(const poll_settings&) const = default;
};

} // namespace kallglot

#endif
