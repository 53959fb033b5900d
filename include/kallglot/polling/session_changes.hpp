/// Carries out what the ledger's changes ask for: metrics, store and schedule.
///
/// The only place that does, for poller and intake alike, so that a change is reported, persisted and scheduled once.
/// Decides nothing.

#ifndef KALLGLOT_POLLING_SESSION_CHANGES_HPP
#define KALLGLOT_POLLING_SESSION_CHANGES_HPP

#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/metrics_sink.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/tracking/session_ledger.hpp"

#include <functional>
#include <utility>

namespace kallglot {

/// Loop only. Lifetime: everything it refers to outlives it.
class session_changes {
public:
    session_changes(session_ledger& ledger,
                    poll_schedule& schedule,
                    session_store& store,
                    metrics_sink& metrics,
                    clock& time)
        : ledger_(ledger),
          schedule_(schedule),
          store_(store),
          metrics_(metrics),
          clock_(time) {}

    /// The ticket to wait for before the change is acknowledged. `refused`: the store takes nothing now.
    commit_ticket apply(const ledger_change& change, steady_time now);

    /// As apply(), for changes that did not come from a poll: the poller looks at the schedule again.
    commit_ticket apply_and_wake(const ledger_change& change, steady_time now) {
        const commit_ticket ticket = apply(change, now);
        if (change.reschedule) {
            wake_();
        }
        return ticket;
    }

    /// What apply_and_wake() calls: the poller's own look at the schedule.
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

private:
    void report(const ledger_change& change);
    [[nodiscard]] commit_ticket persist(const ledger_change& change);

    session_ledger& ledger_;
    poll_schedule& schedule_;
    session_store& store_;
    metrics_sink& metrics_;
    clock& clock_;
    std::function<void()> wake_ = [] {
    };
};

} // namespace kallglot

#endif
