/// Sessions in a registry and a schedule, with an API that answers whatever the test wants.

#ifndef KALLGLOT_TESTS_UNIT_POLLING_POLLED_SESSIONS_HPP
#define KALLGLOT_TESTS_UNIT_POLLING_POLLED_SESSIONS_HPP

#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/tracking/session_registry.hpp"
#include "unit/tracking/answers.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

namespace kallglot::test {

class polled_sessions {
public:
    explicit polled_sessions(poll_policy policy = {}, std::size_t most = 100'000)
        : registry_(most),
          schedule_(registry_, std::move(policy), t0) {}

    /// Adds a session whose record is otherwise `content`.
    session_slot add(const session_record& content, steady_time now) {
        const session_slot slot = registry_.add(make_id(next_id_++)).slot;
        change(slot, now, [&](session_record& record) { record.assign_all_but_id(content); });
        return slot;
    }

    template <class Change>
    void change(session_slot slot, steady_time now, Change&& change) {
        registry_.update(slot, std::forward<Change>(change));
        schedule_.update(slot, now);
    }

    /// Takes the most urgent session and sends its GET.
    std::optional<due_poll> send(steady_time now) {
        schedule_.advance(now);
        const auto poll = schedule_.take(now);
        if (poll) {
            registry_.update(poll->slot, [now](session_record& record) {
                record.in_flight = true;
                record.last_sent = now;
            });
        }
        return poll;
    }

    /// The GET of `slot` is answered with the status that it has.
    void answer(session_slot slot, steady_time now) {
        change(slot, now, [](session_record& record) {
            record.in_flight = false;
            record.observed = record.last_sent;
            record.failures = 0;
            record.touched = false;
        });
    }

    void forget(session_slot slot) {
        schedule_.remove(slot);
        registry_.remove(slot);
    }

    /// Enough requests for all sessions, or too few.
    void plenty() {
        static_cast<void>(schedule_.use_budget(std::numeric_limits<double>::infinity(), t0));
    }

    /// No session has arrived for the supply, so the degree is `limited`.
    void shortage() { static_cast<void>(schedule_.use_budget(0, t0)); }

    /// Ten requests a second for half an hour before t0, and `each` of them for each new session; `fresh` stands for
    /// these. Precondition: the demand is larger.
    void supply(double each, session_slot fresh) {
        double owed = 0;
        for (steady_time now = t0 - std::chrono::minutes(30); now <= t0; now += milliseconds(250)) {
            for (owed += 2.5 / each; owed >= 1; owed -= 1) {
                schedule_.note_arrival(fresh);
            }
            static_cast<void>(schedule_.use_budget(10, now));
        }
        update_all(t0);
    }

    void reload(poll_policy policy, steady_time now) {
        schedule_.use_policy(std::move(policy));
        update_all(now);
    }

    void update_all(steady_time now) {
        for (std::uint32_t i = 0; i < registry_.slot_count(); ++i) {
            if (registry_.is_tracked(session_slot{i})) {
                schedule_.update(session_slot{i}, now);
            }
        }
    }

    [[nodiscard]] session_registry& registry() noexcept { return registry_; }

    [[nodiscard]] poll_schedule& schedule() noexcept { return schedule_; }

private:
    session_registry registry_;
    poll_schedule schedule_;
    std::size_t next_id_ = 0;
};

/// The default intervals and no thresholds: routine polls only.
[[nodiscard]] inline poll_policy routine_only() {
    poll_policy policy;
    policy.thresholds = {{}, {}, {}, {}, {}};
    return policy;
}

} // namespace kallglot::test

#endif
