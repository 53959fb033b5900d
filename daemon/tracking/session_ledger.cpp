#include "kallglot/tracking/session_ledger.hpp"

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// While 404 answers may mean an outage of the API, the session stays tracked, up to this time.
constexpr steady_duration max_not_found = 24h;
constexpr std::uint8_t min_not_found_answers = 3;

/// Fewer sessions than this say nothing about an outage.
constexpr std::size_t outage_min_sessions = 20;

/// A late event or an unchanged file must not revive an id whose session ended or was not found.
std::optional<remembered_kind> remembered_as(forget_reason reason) noexcept {
    switch (reason) {
        case forget_reason::ended:
            return remembered_kind::ended;
        case forget_reason::not_found:
            return remembered_kind::not_found;
        case forget_reason::expired:
        case forget_reason::operator_asked:
            break;
    }
    // Ids that the operator removed, or that expired, may come back at once.
    return std::nullopt;
}

} // namespace

ledger_change session_ledger::take_id(const session_id& id,
                                      session_source source,
                                      bool bulk,
                                      steady_time now) {
    ledger_change change;
    const auto [slot, is_new] = registry_.add(id);
    change.slot = slot;
    if (slot == no_slot) {
        return change;
    }
    const session_record& record = registry_[slot];
    // Ask before the update adds the bit.
    const bool known_source = (record.sources & source_bit(source)) != 0;
    update(slot, [&, fresh = is_new](session_record& changed) {
        changed.sources |= source_bit(source);
        if (fresh) {
            changed.since = now;
            changed.bulk = bulk;
        }
    });
    // A new session: its row must be durable before the caller acknowledges the id.
    if (is_new) {
        change.added = source;
        change.store = store_action::add;
        change.reschedule = true;
        return change;
    }
    change.source_is_new = !known_source;
    // A known session: what to wait for depends on what is durable already.
    if (record.unstored) {
        change.store = store_action::add;
    } else if (known_source) {
        change.store = store_action::await;
    } else {
        // A file is read again after a restart, so its source need not be durable at once.
        change.store =
            source == session_source::file ? store_action::note_if_idle : store_action::change;
    }
    return change;
}

void session_ledger::revoke_source(session_slot slot, session_source source) {
    update(slot, [source](session_record& record) {
        record.sources &= static_cast<std::uint8_t>(~source_bit(source));
    });
}

ledger_change session_ledger::remove_source(session_slot slot,
                                            session_source source,
                                            steady_time now) {
    revoke_source(slot, source);
    // No file, caller or webhook stands for the session any more.
    if (registry_[slot].sources == 0) {
        return forget(slot, forget_reason::operator_asked, now);
    }
    ledger_change change;
    change.slot = slot;
    // The session stays, with one source less. A crash before the note only makes a file or caller name it again.
    change.store = store_action::note_if_idle;
    return change;
}

ledger_change session_ledger::restore(const session_id& id,
                                      const session_record& record,
                                      const poll_policy& policy,
                                      steady_time now) {
    ledger_change change;
    // Restored sessions were acknowledged before the restart. A lower sessions.max_tracked must not drop them.
    change.slot = registry_.add_beyond_limit(id).slot;
    change.reschedule = true;
    update(change.slot, [&](session_record& restored) {
        restored.assign_all_but_id(record);
        // The daemon was down and saw no answers: the session needs as many 404 answers as a new one.
        restored.not_found_count = 0;
        if (restored.status == session_status::ended) {
            // A webhook reported the end, and the final poll was not sent before the stop: send it now.
            restored.touched = restored.by_webhook;
            restored.unverified = false;
        } else {
            // Due at once. The session with the shortest interval is the most overdue, so it goes first.
            restored.last_sent = now - plain_interval(policy, restored);
        }
    });
    return change;
}

ledger_change session_ledger::forget(session_slot slot, forget_reason reason, steady_time now) {
    ledger_change change;
    change.slot = slot;
    // The final poll did not come through. The end still counts, without a reason.
    // Counted here or never: forgetting is the last thing that happens to a session.
    change.changes.ended = awaits_final_poll(registry_[slot]);
    // Copy the id now: remove() frees its text.
    const session_id id = registry_.id_of(slot);
    const auto kind = remembered_as(reason);
    if (kind) {
        remembered_.add({key_of_session(secret_, id.view()), now, *kind});
    }
    // Its episode has no end that a poll could see.
    if (registry_[slot].in_episode) {
        const session_record& record = registry_[slot];
        stuck_episode& lost = change.ended_episode.emplace(episode_of(id, record, {}));
        episodes_.recall(slot, lost);
        lose_episode(lost, record.observed, now);
        episodes_.end(slot, lost, now);
    }
    change.forgotten = forgotten_session{id, reason, kind};
    change.store = store_action::forget;
    // Removes the record last: everything above reads it.
    remove(slot);
    return change;
}

ledger_change session_ledger::drop(session_slot slot) {
    ledger_change change;
    change.slot = slot;
    // session_changes removes the slot from the schedule, because it is not tracked any more.
    change.reschedule = true;
    remove(slot);
    return change;
}

void session_ledger::set_unstored(session_slot slot, bool unstored) {
    update(slot, [unstored](session_record& record) { record.unstored = unstored; });
}

void session_ledger::poll_sent(session_slot slot, steady_time now) {
    update(slot, [now](session_record& record) {
        record.in_flight = true;
        // Also if the poll fails later: the interval counts from the sending, or a failing API would be polled
        // faster.
        record.last_sent = now;
    });
}

bool session_ledger::poll_returned(session_slot slot) {
    // Not through update() of the ledger: a forgotten session is in no tally.
    registry_.update(slot, [](session_record& record) { record.in_flight = false; });
    // The slot was reserved for this answer; nothing refers to it now.
    if (registry_[slot].forgotten) {
        registry_.release(slot);
        return false;
    }
    return true;
}

ledger_change session_ledger::take_snapshot(session_slot slot,
                                            const session_snapshot& snapshot,
                                            const exchange_times& times,
                                            const poll_policy& policy) {
    ledger_change change;
    change.slot = slot;
    change.reschedule = true;
    const session_record& record = registry_[slot];
    // Facts before the update, to decide below whether the row changes.
    const session_record before_poll = record;
    const bool was_observed = record.was_observed();
    const bool was_missing = record.not_found_since != no_time;
    const bool was_started = record.started != no_time;
    const std::uint8_t failures = record.failures;
    const threshold_crossing before = next_crossing(policy, record);
    change.changes =
        update(slot, [&](session_record& changed) { return observe(changed, snapshot, times); });
    change.reason = record.reason;
    const threshold_crossing left = next_crossing(policy, record);
    const bool crossing_is_open = left.at != no_time && left.at <= record.last_sent;
    if (times.made < record.last_sent && (crossing_is_open || record.touched)) {
        update(slot, [failures](session_record& changed) {
            changed.failures = failures;
            observe_failure(changed, failure_reason::other);
        });
    }
    // The store has the status, the confirmed thresholds, the first 404 answer and what was counted. Most polls change
    // none of them, and then no row is written.
    const bool is_started = record.started != no_time;
    if (!was_observed || was_missing || was_started != is_started || change.changes.change
        || change.changes.ended || before.at != left.at) {
        change.store = store_action::note;
    }
    end_left_episode(change, before_poll, times.received);
    begin_episode(change, policy.thresholds, times.received);
    // A change that a poll saw first is a case against the webhooks, unless one arrives soon.
    if (follows_webhooks_ && change.changes.change) {
        compare_with_webhooks(slot, *change.changes.change, times.received);
    }
    return change;
}

bool session_ledger::is_news(session_slot slot, steady_time made) const noexcept {
    const session_record& record = registry_[slot];
    return made != no_time && made >= record.observed && made >= record.not_found_since;
}

ledger_change session_ledger::take_not_found(session_slot slot, steady_time sent) {
    ledger_change change;
    change.slot = slot;
    change.reschedule = true;
    const session_record& record = registry_[slot];
    // Facts before the update: the first 404 answer and a final poll must reach the store.
    const bool awaited_end = awaits_final_poll(record);
    const bool was_missing = record.not_found_since != no_time;
    // `sent` and not the receipt: a slow answer must not make the session look missing for longer than it is.
    update(slot, [sent](session_record& changed) { observe_not_found(changed, sent); });
    if (!was_missing || awaited_end) {
        change.store = store_action::note;
    }
    // The answer to the final poll is 404: no later poll can bring details of the end, so it counts now.
    change.changes.ended = awaited_end && !awaits_final_poll(record);
    return change;
}

ledger_change session_ledger::take_failure(session_slot slot, failure_reason reason) {
    ledger_change change;
    change.slot = slot;
    change.reschedule = true;
    update(slot, [reason](session_record& record) { observe_failure(record, reason); });
    return change;
}

std::optional<ledger_change> session_ledger::forget_if_over(session_slot slot,
                                                            const poll_settings& poll,
                                                            steady_time now) {
    const session_record& record = registry_[slot];
    if (record.not_found_since != no_time) {
        // Both the time and the number of answers count: one slow poll is no proof, and neither is a burst of
        // them.
        const steady_duration missing = now - record.not_found_since;
        // During an outage of the account every session answers 404. They are kept for a day, since an operator who
        // repairs the key wants them back.
        const bool long_enough =
            (missing >= poll.not_found_after && !looks_like_outage()) || missing >= max_not_found;
        if (long_enough && record.not_found_count >= min_not_found_answers) {
            return forget(slot, forget_reason::not_found, now);
        }
        return std::nullopt;
    }
    // The API knows the session but reports a status without meaning for us: give up after a day.
    if (record.was_observed() && record.status == session_status::unknown
        && now - record.since >= poll.unknown_after) {
        return forget(slot, forget_reason::expired, now);
    }
    return std::nullopt;
}

ledger_change session_ledger::take_event(session_slot slot,
                                         std::optional<session_event> event,
                                         const remembered_key& key,
                                         const event_times& times) {
    ledger_change change;
    change.slot = slot;
    change.source = change_source::webhook;
    change.store = store_action::change;
    // The event changes the status. Other types of events only have their key remembered.
    // The caller has checked that the key is new, so no event is counted twice.
    if (event) {
        change.reschedule = true;
        // A copy: update() changes the record, and the end of an episode compares both.
        const session_record before = registry_[slot];
        change.changes = update(slot, [&](session_record& record) {
            return observe_event(record, *event, times);
        });
        end_left_episode(change, before, times.received);
        change.reason = registry_[slot].reason;
        // Without webhooks there is nothing to compare. Cases would only pile up.
        if (follows_webhooks_) {
            const bool first = change.changes.change.has_value();
            compare_with_polls(slot, *event, first, times.received);
        }
    }
    // The same event is delivered again whenever the sender gets no answer.
    // Last, as on disk, where the key of an event is never durable before the change of its session.
    remembered_.add({key, times.received, remembered_kind::event});
    return change;
}

bool session_ledger::is_gone(const session_id& id, steady_time now) const {
    return remembers(key_of_session(secret_, id.view()), id.view(), now);
}

bool session_ledger::remembers(const remembered_key& key,
                               std::string_view text,
                               steady_time now) const {
    // By its old key too, if it was remembered before an upgrade.
    return remembered_.contains(key, now)
           || remembered_.contains(key_of_version_1(secret_, version_1_key(text)), now);
}

bool session_ledger::revive(const session_id& id, steady_time now) {
    // As in remembers().
    const bool present = remembered_.erase(key_of_session(secret_, id.view()), now);
    // Both are erased, without a short circuit: one that is left would mark the id as gone again.
    const bool old = remembered_.erase(key_of_version_1(secret_, version_1_key(id.view())), now);
    return present || old;
}

void session_ledger::undo_revival(const session_id& id, steady_time now) {
    // A tracked id must not be marked as gone: another caller may have added it meanwhile.
    if (registry_.find(id.view()) == no_slot) {
        remembered_.add({key_of_session(secret_, id.view()), now, remembered_kind::ended});
    }
}

ledger_change session_ledger::restore(stuck_episode episode, steady_time now) {
    ledger_change change;
    const session_slot slot = registry_.find(episode.id.view());
    if (!episode.is_open()) {
        // Closed episodes are history only: no session refers to them.
        episodes_.restore(no_slot, episode);
        return change;
    }
    // The usual case: the session still is where it was.
    if (slot != no_slot && registry_[slot].status == episode.status) {
        episodes_.restore(slot, episode);
        update(slot, [](session_record& record) { record.in_episode = true; });
        return change;
    }
    // The end was not written before a crash. What the session's row says is the truth.
    if (slot != no_slot) {
        end_episode(episode, registry_[slot]);
    } else {
        // The session was forgotten. The last poll that saw it stuck is all that is known.
        lose_episode(episode, episode.confirmed, now);
    }
    episodes_.restore(no_slot, episode);
    change.ended_episode = episode;
    return change;
}

void session_ledger::end_left_episode(ledger_change& change,
                                      const session_record& before,
                                      steady_time now) {
    const session_record& record = registry_[change.slot];
    if (!before.in_episode || !left_stay(before, record)) {
        return;
    }
    // First the flag: end_episode() reads the record of the new stay, which is in no episode.
    update(change.slot, [](session_record& changed) { changed.in_episode = false; });
    // The record has the stay, and the history its confirmation.
    stuck_episode& over =
        change.ended_episode.emplace(episode_of(registry_.id_of(change.slot), before, {}));
    episodes_.recall(change.slot, over);
    end_episode(over, record);
    episodes_.end(change.slot, over, now);
}

void session_ledger::begin_episode(ledger_change& change,
                                   const threshold_settings& thresholds,
                                   steady_time now) {
    const session_record& record = registry_[change.slot];
    if (record.in_episode || !is_past_episode_threshold(thresholds, record)) {
        return;
    }
    update(change.slot, [](session_record& changed) { changed.in_episode = true; });
    // Never empty here, because the check above found a threshold for this status.
    const milliseconds age = episode_threshold(thresholds, record.status).value_or(milliseconds());
    stuck_episode& begun =
        change.begun_episode.emplace(episode_of(registry_.id_of(change.slot), record, age));
    episodes_.begin(change.slot, begun, now);
}

bool session_ledger::is_missing(session_slot slot) const noexcept {
    // Some APIs delete ended sessions: their 404 answers say nothing about an outage.
    const session_record& record = registry_[slot];
    return record.not_found_since != no_time && record.status != session_status::ended;
}

bool session_ledger::looks_like_outage() const noexcept {
    const auto ended = static_cast<std::size_t>(kind_of(session_status::ended));
    const kind_tally& tally = registry_.tally();
    // The tally has two rows, for sessions that webhooks report and others. Ended ones of both wait for their final poll
    // and say nothing.
    const std::size_t alive = registry_.size() - tally[0][ended] - tally[1][ended];
    // More than half of all sessions missing at once: the account or the API changed, not the calls.
    return alive >= outage_min_sessions && 2 * missing_ > alive;
}

void session_ledger::remove(session_slot slot) {
    // remove() bypasses update(), so the tally is adjusted here.
    missing_ -= is_missing(slot) ? 1 : 0;
    registry_.remove(slot);
}

void session_ledger::compare_with_polls(session_slot slot,
                                        session_event event,
                                        bool first,
                                        steady_time now) {
    // Starts and ends only: no webhook has to report the other changes that polls see.
    if (event != session_event::started && event != session_event::ended) {
        return;
    }
    // A webhook that reports first counts for webhooks; a later one may close a case of the polls.
    if (first) {
        flow_.reported_first(now);
    } else {
        const bool started = event == session_event::started;
        // Also if no poll has seen the change: then there is no case, and the call does nothing.
        flow_.reported_after(slot, started ? reported_change::start : reported_change::end, now);
    }
}

void session_ledger::compare_with_webhooks(session_slot slot,
                                           const status_change& change,
                                           steady_time now) {
    // From a status after the start, such as `ending`, a step back to `active` is no start.
    if (change.to == session_status::active && rules_of(change.from).waits_for_start) {
        flow_.seen_first(slot, reported_change::start, now);
    } else if (change.to == session_status::ended) {
        flow_.seen_first(slot, reported_change::end, now);
    }
}

} // namespace kallglot
