#include "simulator/webhook_calendar.hpp"

#include <array>
#include <utility>

namespace kallglot::simulator {

std::string_view to_text(webhook_kind kind) {
    constexpr std::array<std::string_view, 3> names{"session.created",
                                                    "session.started",
                                                    "session.ended"};
    return names[static_cast<std::size_t>(kind)];
}

void webhook_calendar::add(const session_life& life, system_time from) {
    const std::array moments{std::pair{life.created_at, webhook_kind::created},
                             std::pair{life.started_at, webhook_kind::started},
                             std::pair{life.ended_at, webhook_kind::ended}};
    for (const auto& [at, kind] : moments) {
        if (at > from && at != never) {
            events_.push(webhook_event{at, kind, life});
            return;
        }
    }
}

std::optional<webhook_event> webhook_calendar::take_due(system_time now) {
    if (events_.empty() || events_.top().at > now) {
        return std::nullopt;
    }
    const webhook_event taken = events_.top();
    events_.pop();
    add(taken.life, taken.at);
    return taken;
}

} // namespace kallglot::simulator
