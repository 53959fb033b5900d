#include "kallglot/intake/intake.hpp"

#include "kallglot/report/session_listing.hpp"

#include <boost/asio/post.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

/// Records that a listing looks at in one turn of the loop.
constexpr std::size_t records_a_slice = 65'536;

/// Ids that are offered to the store in one turn of the loop: about 10 ms.
constexpr std::size_t max_offered = 16'384;

/// Adds an id that the text names, each once.
void add_match(std::vector<session_id>& found, const session_id& id, const std::string& text) {
    if (found.size() < session_intake::max_found && matches_id(id.view(), text)
        && std::ranges::find(found, id) == found.end()) {
        found.push_back(id);
    }
}

} // namespace

intake::intake(session_ledger& ledger,
               const poll_schedule& schedule,
               session_changes& changes,
               session_store& store,
               const server_clock& api_clock,
               metrics_sink& metrics,
               clock& time,
               logger& log,
               std::uint32_t process)
    : ledger_(ledger),
      schedule_(schedule),
      changes_(changes),
      store_(store),
      api_clock_(api_clock),
      metrics_(metrics),
      clock_(time),
      log_(log),
      process_(process) {}

// Session API ---------------------------------------------------------------------------------------------------------

task<result<track_outcome>> intake::track(session_id id) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    // The table first: a second call for this id finds it, and waits for the same commit.
    const registration one = register_id(id, session_source::api, false);
    if (one.slot == no_slot) {
        // The reason of the metric is one for both causes; the error distinguishes them.
        metrics_.session_rejected(reject_reason::limit, 1);
        co_return no_room();
    }
    // A caller that names an id explicitly tracks it again, even if it had ended or was not found.
    const bool revived = ledger_.revive(id, clock_.now());
    // Acknowledge only a durable row. On a failure the caller retries, so the state goes back to what it was.
    if (const error_code failed = co_await store_.committed(one.ticket)) {
        if (revived) {
            ledger_.undo_revival(id, clock_.now());
        }
        co_return failed;
    }
    // As it was at registration: two callers of one new id do not both get `added`.
    co_return one.is_new ? track_outcome::added : track_outcome::known;
}

task<result<session_intake::bulk_outcome>> intake::track_all(std::vector<session_id> ids) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    // One answer for the whole request; the check of each id would give the same one.
    if (memory_is_short_) {
        co_return errc::memory_short;
    }
    bulk_outcome outcome;
    std::vector<commit_ticket> tickets;
    std::vector<session_id> revived;
    for (const session_id& id : ids) {
        const registration one = register_id(id, session_source::api, true);
        if (one.slot == no_slot) {
            // The caller gets the rejected ids, so that it can retry only those.
            outcome.over_limit.push_back(id);
            continue;
        }
        if (ledger_.revive(id, clock_.now())) {
            revived.push_back(id);
        }
        // Known includes ids that are twice in the request.
        outcome.added += one.is_new ? 1 : 0;
        outcome.known += one.is_new ? 0 : 1;
        // Nearly all ids of a request share a few commits, so there are few tickets to wait for.
        if (tickets.empty() || tickets.back() != one.ticket) {
            tickets.push_back(one.ticket);
        }
    }
    metrics_.session_rejected(reject_reason::limit, outcome.over_limit.size());
    if (const error_code failed = co_await all_committed(std::move(tickets))) {
        for (const session_id& id : revived) {
            ledger_.undo_revival(id, clock_.now());
        }
        co_return failed;
    }
    co_return outcome;
}

task<result<forget_outcome>> intake::forget(session_id id) {
    // Before the check of the store: an id that is not tracked needs no write, so it gets its answer during an outage
    // too.
    const session_slot slot = ledger_.sessions().find(id.view());
    if (slot == no_slot) {
        co_return forget_outcome::not_tracked;
    }
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    const steady_time at = clock_.now();
    // The session leaves the table now; the answer waits until a restart cannot bring it back.
    const ledger_change change = ledger_.forget(slot, forget_reason::operator_asked, at);
    const commit_ticket ticket = changes_.apply(change, at);
    if (const error_code failed = co_await store_.committed(ticket)) {
        co_return failed;
    }
    co_return forget_outcome::forgotten;
}

std::optional<session_view> intake::look_up(const session_id& id) const {
    const session_slot slot = ledger_.sessions().find(id.view());
    return slot == no_slot ? std::nullopt : std::optional(view_of(ledger_.sessions(), slot, now()));
}

task<result<session_page>> intake::list(session_query query) {
    // A cursor of an earlier process is refused: its slots may be other sessions by now.
    auto selection = session_selection::begin(query, process_, clock_.now());
    if (!selection) {
        co_return errc::invalid_session_id;
    }
    const loop_executor executor = co_await asio::this_coro::executor;
    // Yield between slices: a listing of a million sessions must not block the loop.
    while (selection->select(ledger_.sessions(), records_a_slice)) {
        co_await asio::post(executor, as_tuple);
    }
    co_return selection->page(ledger_.sessions(), now());
}

task<result<std::vector<session_id>>> intake::find(std::string text) {
    std::vector<session_id> found;
    // A session that is gone is found by its episodes.
    for (const auto& [number, episode] : ledger_.episodes().episodes()) {
        add_match(found, episode.id, text);
    }
    const loop_executor executor = co_await asio::this_coro::executor;
    const session_registry& sessions = ledger_.sessions();
    // In slices, as list().
    for (std::uint32_t index = 0; index < sessions.slot_count(); ++index) {
        const session_slot slot{index};
        if (sessions.is_tracked(slot) && matches_id(sessions.text_of(slot), text)) {
            add_match(found, sessions.id_of(slot), text);
        }
        if (index % records_a_slice == records_a_slice - 1) {
            co_await asio::post(executor, as_tuple);
        }
    }
    co_return found;
}

episode_page intake::list_episodes(const episode_query& query) const {
    return page_of(ledger_.episodes(), query, now());
}

// Webhooks ------------------------------------------------------------------------------------------------------------

task<result<event_outcome>> intake::take_event(webhook_event event) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    // A keyed hash of 128 bits instead of the text: millions of event ids are remembered.
    const remembered_key key = ledger_.event_key(event.id.view());
    // Other types say nothing about a session. An unknown `session.*` type may name one that is not tracked yet.
    if (!event.of_session || !event.session) {
        // In memory only: such events change nothing, so a second count after a restart does no harm.
        if (!other_events_.add(key)) {
            co_return event_outcome::duplicate;
        }
        // Accepted although it is useless: a rejected webhook would be delivered again and again.
        if (event.of_session) {
            metrics_.session_rejected(reject_reason::invalid_id, 1);
        }
        co_return event_outcome::accepted;
    }
    const steady_time at = clock_.now();
    if (ledger_.is_known_event(key, event.id.view(), at)) {
        // The first delivery may not be durable yet: this one waits for the same commits.
        const auto first = events_in_progress_.find(key);
        if (first != events_in_progress_.end()) {
            std::vector<commit_ticket> tickets = first->second;
            if (const error_code failed = co_await all_committed(std::move(tickets))) {
                co_return failed;
            }
        }
        co_return event_outcome::duplicate;
    }
    // A late event must not start tracking a session again that ended or was not found.
    if (ledger_.is_gone(*event.session, at)) {
        co_return event_outcome::outdated;
    }
    // Any event of a session that is not tracked starts tracking it: its created event may be lost.
    const registration one = register_id(*event.session, session_source::webhook, false);
    if (one.slot == no_slot) {
        metrics_.session_rejected(reject_reason::limit, 1);
        co_return no_room();
    }
    const event_outcome outcome = apply(event, key, one);
    std::vector<commit_ticket> tickets = events_in_progress_.at(key);
    const error_code failed = co_await all_committed(std::move(tickets));
    // Until here a second delivery waits for the same commits; from here on the key alone answers it.
    events_in_progress_.erase(key);
    if (failed) {
        // The sender delivers the event again. It must not look like a duplicate then.
        ledger_.forget_event(key, clock_.now());
        co_return failed;
    }
    co_return outcome;
}

event_outcome intake::apply(const webhook_event& event,
                            const remembered_key& key,
                            const registration& session) {
    const steady_time at = clock_.now();
    // Three clocks: ours, the event's own time, and what the API's clock shows now, by which the event's age is
    // known.
    const event_times times{at, event.made_at, api_clock_.at(at)};
    const ledger_change change =
        ledger_.take_event(session.slot, session_event_of(event.type), key, times);
    // The order matters: an event's key is never durable before its session and what it changed.
    const commit_ticket changed = changes_.apply_and_wake(change, at);
    // In the lane of the session, so that both rows are in order.
    const commit_ticket noted = store_.remember_event(key, *event.session);
    events_in_progress_[key] = {session.ticket, changed, noted};
    // A created event of a tracked session says nothing new, but for a new session it is no late one either.
    return change.changes.outdated && !session.is_new ? event_outcome::outdated
                                                      : event_outcome::accepted;
}

task<error_code> intake::all_committed(std::vector<commit_ticket> tickets) {
    // Often all tickets are of one commit: wait once for each different one.
    std::ranges::sort(tickets);
    const auto repeated = std::ranges::unique(tickets);
    tickets.erase(repeated.begin(), repeated.end());
    for (const commit_ticket ticket : tickets) {
        if (const error_code failed = co_await store_.committed(ticket)) {
            co_return failed;
        }
    }
    co_return error_code();
}

intake::registration intake::register_id(const session_id& id, session_source source, bool bulk) {
    // While memory is short, tracked sessions still get their updates.
    if (memory_is_short_ && ledger_.sessions().find(id.view()) == no_slot) {
        return {};
    }
    const steady_time at = clock_.now();
    const ledger_change change = ledger_.take_id(id, source, bulk, at);
    if (change.slot == no_slot) {
        return {};
    }
    const registration one{change.slot,
                           change.added.has_value(),
                           changes_.apply_and_wake(change, at)};
    // The store rejected the row, so the source is not acknowledged: the next call must see it as new.
    if (one.ticket == commit_ticket::refused && change.source_is_new) {
        ledger_.revoke_source(change.slot, source);
    }
    return one;
}

// Files ---------------------------------------------------------------------------------------------------------------

void intake::on_added(std::span<const session_id> ids) {
    const steady_time at = clock_.now();
    std::size_t rejected = 0;
    for (const session_id& id : ids) {
        // A line that is still in a file does not bring back a session that ended or was not found.
        if (!ledger_.is_gone(id, at)) {
            rejected += register_id(id, session_source::file, true).slot == no_slot ? 1 : 0;
        }
    }
    if (rejected != 0) {
        metrics_.session_rejected(reject_reason::limit, rejected);
    }
    // One log line when the limit is reached; the metric has the count.
    if (rejected != 0 && !logged_full_ && !memory_is_short_) {
        log_.warn("sessions.max_tracked reached: ids from session files wait for room",
                  {{"limit", ledger_.sessions().max_tracked()}});
    }
    // The message may appear again after a reading without rejected ids.
    logged_full_ = rejected != 0 && !memory_is_short_;
    rejected_lines_ |= rejected != 0;
}

bool intake::wants_all_again() {
    // Clear the flag only when the answer is true: otherwise the rejected lines would be forgotten.
    return !ledger_.sessions().full() && !memory_is_short_ && std::exchange(rejected_lines_, false);
}

void intake::on_removed(const std::vector<std::uint64_t>& hashes) {
    // One removal at a time would walk the table for each id of a large file.
    const boost::unordered_flat_set<std::uint64_t> gone(hashes.begin(), hashes.end());
    const session_registry& sessions = ledger_.sessions();
    const steady_time at = clock_.now();
    // The watch stores hashes, and the registry has no index by hash: one walk finds the sessions of all of
    // them.
    for (std::uint32_t index = 0; index < sessions.slot_count(); ++index) {
        const session_slot slot{index};
        if (sessions.is_tracked(slot)
            && (sessions[slot].sources & source_bit(session_source::file)) != 0
            && gone.contains(hash_of(sessions.text_of(slot)))) {
            changes_.apply(ledger_.remove_source(slot, session_source::file, at), at);
        }
    }
}

void intake::on_bad_lines(std::uint64_t count) {
    metrics_.session_rejected(reject_reason::invalid_id, count);
}

// Store ---------------------------------------------------------------------------------------------------------------

void intake::on_not_stored(std::span<const session_id> ids) {
    for (const session_id& id : ids) {
        // The session may have been forgotten while its row waited for the disk.
        const session_slot slot = ledger_.sessions().find(id.view());
        if (slot == no_slot) {
            continue;
        }
        // A file still has its line after a restart; the others were not acknowledged.
        if ((ledger_.sessions()[slot].sources & source_bit(session_source::file)) != 0) {
            // The session is polled meanwhile. on_store_room() offers its row again.
            ledger_.set_unstored(slot, true);
            next_unstored_ = std::min(next_unstored_, index_of(slot));
        } else {
            changes_.apply(ledger_.drop(slot), clock_.now());
        }
    }
}

void intake::on_store_unusable(const std::string& reason) {
    log_.error("store not writable: new session ids are rejected, known sessions are still polled",
               {{"reason", reason}});
}

void intake::on_store_usable() {
    log_.info("store writable again: session ids are accepted again");
}

bool intake::on_store_room() {
    const session_registry& sessions = ledger_.sessions();
    std::size_t offered = 0;
    for (; next_unstored_ < sessions.slot_count(); ++next_unstored_) {
        const session_slot slot{next_unstored_};
        // next_unstored_ skips the sessions before it; those behind it may be stored already.
        if (!sessions.is_tracked(slot) || !sessions[slot].unstored) {
            continue;
        }
        // Stop at a rejected id; the next call starts with it.
        // The store calls again in a later turn of the loop, so a large backlog does not block it.
        if (offered++ == max_offered || offer(slot) == commit_ticket::refused) {
            return true;
        }
    }
    next_unstored_ = none_unstored;
    return false;
}

commit_ticket intake::offer(session_slot slot) {
    // The record itself does not change: only the row has to be written again.
    ledger_change change;
    change.slot = slot;
    change.store = store_action::add;
    return changes_.apply(change, clock_.now());
}

bool intake::list_sessions(std::uint64_t& cursor,
                           std::size_t limit,
                           std::vector<kept_session>& sessions) {
    const session_registry& tracked = ledger_.sessions();
    // The cursor is a slot, so a session that is added or removed meanwhile does not shift the others.
    for (; cursor < tracked.slot_count() && sessions.size() < limit; ++cursor) {
        // Removed sessions leave free slots between the tracked ones.
        const session_slot slot{static_cast<std::uint32_t>(cursor)};
        if (tracked.is_tracked(slot)) {
            sessions.push_back({tracked.id_of(slot), tracked[slot]});
        }
    }
    return cursor < tracked.slot_count();
}

bool intake::list_remembered(std::uint64_t& cursor,
                             std::size_t limit,
                             std::vector<remembered_entry>& entries) {
    return ledger_.remembered().list(cursor, limit, entries);
}

bool intake::list_episodes(std::uint64_t& cursor,
                           std::size_t limit,
                           std::vector<stuck_episode>& episodes) {
    return ledger_.episodes().list(cursor, limit, episodes);
}

void intake::on_secret(const hash_key& secret) {
    ledger_.use_secret(secret);
}

void intake::on_sessions(std::span<const kept_session> sessions) {
    const steady_time at = clock_.now();
    for (const kept_session& stored : sessions) {
        // The change schedules the next poll. It does not wake the poller, which starts when everything is
        // restored.
        changes_.apply(ledger_.restore(stored.id, stored.record, schedule_.policy(), at), at);
    }
}

void intake::on_remembered(std::span<const remembered_entry> entries) {
    for (const remembered_entry& entry : entries) {
        ledger_.restore(entry);
    }
}

void intake::on_episodes(std::span<const stuck_episode> episodes) {
    const steady_time at = clock_.now();
    for (const stuck_episode& episode : episodes) {
        const ledger_change change = ledger_.restore(episode, at);
        // Nothing changed for most of them.
        if (change.ended_episode) {
            changes_.apply(change, at);
        }
    }
}

} // namespace kallglot
