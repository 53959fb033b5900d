/// Carries out the changes that the session ledger returns: in metrics, store, schedule and log.
///
/// Poller and intake both use it, and nothing else does this. So each change is reported, persisted and scheduled
/// once. It makes no decisions.

#ifndef KALLGLOT_POLLING_SESSION_CHANGES_HPP
#define KALLGLOT_POLLING_SESSION_CHANGES_HPP

#include "kallglot/base/log_throttle.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
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
                    clock& time,
                    logger& log)
        : ledger_(ledger),
          schedule_(schedule),
          store_(store),
          metrics_(metrics),
          clock_(time),
          log_(log) {}

    /// Carries out a change. Returns the ticket to wait for before the change is acknowledged. `refused`: the store
    /// rejected it.
    commit_ticket apply(const ledger_change& change, steady_time now);

    /// As apply(), for changes that do not come from a poll: wakes the poller if the schedule changed.
    commit_ticket apply_and_wake(const ledger_change& change, steady_time now) {
        const commit_ticket ticket = apply(change, now);
        if (change.reschedule) {
            wake_();
        }
        return ticket;
    }

    /// Sets the function that wakes the poller.
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

private:
    void report(const ledger_change& change);
    [[nodiscard]] commit_ticket persist(const ledger_change& change);
    void take_episode(const stuck_episode& episode, steady_time now);

    session_ledger& ledger_;
    poll_schedule& schedule_;
    session_store& store_;
    metrics_sink& metrics_;
    clock& clock_;
    logger& log_;
    log_budget episode_lines_;
    std::function<void()> wake_ = [] {
    };
};

} // namespace kallglot

#endif
