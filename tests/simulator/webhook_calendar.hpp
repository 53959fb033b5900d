// The webhook events in the order of their times: creations, starts and ends of sessions.
//
// A session has one entry, its next event; taking the event adds the one after it.
// No timer, no network.

#ifndef KALLGLOT_SIMULATOR_WEBHOOK_CALENDAR_HPP
#define KALLGLOT_SIMULATOR_WEBHOOK_CALENDAR_HPP

#include "simulator/session_life.hpp"

#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <vector>

namespace kallglot::simulator {

enum class webhook_kind : std::uint8_t { created, started, ended };

/// The name in the API, for example `session.created`.
[[nodiscard]] std::string_view to_text(webhook_kind kind);

/// An event that a webhook reports.
struct webhook_event {
    system_time at;
    webhook_kind kind;
    session_life life;
};

/// Loop only. Cost: some 100 bytes for each living session.
class webhook_calendar {
public:
    /// Adds the events of this life after `from`.
    void add(const session_life& life, system_time from);

    /// Removes and returns one event that is due at `now`, the earliest first.
    [[nodiscard]] std::optional<webhook_event> take_due(system_time now);

private:
    struct later {
        bool operator()(const webhook_event& a, const webhook_event& b) const {
            return a.at > b.at;
        }
    };

    std::priority_queue<webhook_event, std::vector<webhook_event>, later> events_;
};

} // namespace kallglot::simulator

#endif
