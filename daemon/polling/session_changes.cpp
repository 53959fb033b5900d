#include "kallglot/polling/session_changes.hpp"

#include <cmath>

namespace kallglot {

commit_ticket session_changes::apply(const ledger_change& change, steady_time now) {
    report(change);
    // Reported even if the store refuses the row: the metrics are about the session, which has changed all the same.
    const commit_ticket ticket = persist(change);
    // A stay ends before the next one begins.
    if (change.ended_episode) {
        take_episode(*change.ended_episode, now);
    }
    if (change.begun_episode) {
        take_episode(*change.begun_episode, now);
    }
    // A session that left the table must not be polled, whatever else the change says.
    if (!ledger_.sessions().is_tracked(change.slot)) {
        schedule_.remove(change.slot);
    } else if (change.reschedule) {
        schedule_.update(change.slot, now);
    }
    if (change.added) {
        schedule_.note_arrival(change.slot);
    }
    return ticket;
}

void session_changes::report(const ledger_change& change) {
    const tracking& changes = change.changes;
    // Each part of a change is one event of one metric.
    if (change.added) {
        metrics_.session_added(*change.added);
    }
    // Only these two put the id into the metrics (as exemplar), so only they pay for its copy.
    if (changes.change || changes.setup) {
        const session_id id = ledger_.sessions().id_of(change.slot);
        const api_time now = clock_.wall_now();
        if (changes.change) {
            metrics_.transition(*changes.change, change.source, id, now);
        }
        if (changes.setup) {
            metrics_.setup(*changes.setup, id, now);
        }
    }
    if (changes.call_duration) {
        metrics_.ended_duration(*changes.call_duration);
    }
    if (changes.ended) {
        metrics_.ended(change.reason);
    }
    if (changes.ended_without_start) {
        metrics_.ended_without_start();
    }
    if (change.forgotten) {
        metrics_.session_forgotten(change.forgotten->reason);
    }
}

void session_changes::take_episode(const stuck_episode& episode, steady_time now) {
    if (!episode.is_open()) {
        metrics_.episode_ended(episode);
    }
    // An episode that is not kept has no row.
    if (episode.number != 0) {
        store_.note_episode(episode);
    }
    // The history drops old episodes when a new one begins. Their rows go with it.
    for (const episode_number number : ledger_.take_removed_episodes()) {
        store_.forget_episode(number);
    }
    // In an outage thousands begin at once. The store and the metrics have all of them.
    const auto left_out = episode_lines_.note(now);
    if (!left_out) {
        return;
    }
    // An open one has lasted at least until the poll that confirmed it.
    const steady_time end = episode.is_open() ? episode.confirmed : episode.until;
    log_.info(episode.is_open() ? "stuck episode began" : "stuck episode ended",
              {{"session", episode.id.view()},
               {"status", to_string(episode.status)},
               {"outcome", to_string(episode.outcome)},
               {"seconds", std::round(to_seconds(end - episode.since) * 10) / 10},
               {"mode", to_string(episode.mode)},
               {"provider", to_string(episode.provider)},
               {"left_out", *left_out}});
}

commit_ticket session_changes::persist(const ledger_change& change) {
    // Nothing to wait for: the caller may acknowledge at once.
    if (change.store == store_action::none) {
        return commit_ticket::durable;
    }
    // The record is gone, so the change has the id with it.
    if (change.forgotten) {
        return store_.forget(change.forgotten->id, change.forgotten->remembered);
    }
    const session_id id = ledger_.sessions().id_of(change.slot);
    const session_record& record = ledger_.sessions()[change.slot];
    switch (change.store) {
        case store_action::add: {
            const commit_ticket ticket = store_.add(id, record);
            // The store rejects rows while it is full. The intake offers a session from a file again later.
            if (record.unstored) {
                ledger_.set_unstored(change.slot, ticket == commit_ticket::refused);
            }
            return ticket;
        }
        // The caller acknowledges after this, so the row must be durable first.
        case store_action::change:
            return store_.change(id, record);
        // Nothing to write; the row may still be in a group that is being committed.
        case store_action::await:
            return store_.pending(id);
        case store_action::note_if_idle:
            // The row can wait: the next change of the session writes it.
            if (!store_.has_room()) {
                break;
            }
            [[fallthrough]];
        case store_action::note:
            store_.note(id, record);
            break;
        case store_action::forget:
        case store_action::none:
            break;
    }
    return commit_ticket::durable;
}

} // namespace kallglot
