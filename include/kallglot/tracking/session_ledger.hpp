/// The owner of every session's life: which sessions are tracked, what changes them, and when they are forgotten.
///
/// Poller and intake do not know each other; both report to the ledger. Each call changes one session and returns what
/// has to be done, as data; session_changes (polling) carries it out. The rules about 404 answers, outages, forgetting
/// and late events are here only. Pure: the caller passes times and settings in. The ledger sends no request, writes no
/// store and reports no metric.
///
/// An answer of the API, from the poller's point of view:
///
///     ledger.poll_sent(slot, now);                              // the GET leaves
///     ...
///     if (ledger.poll_returned(slot)) {                         // still tracked
///         changes.apply(ledger.take_snapshot(slot, snapshot, times, policy), times.received);
///         if (const auto over = ledger.forget_if_over(slot, policy.poll, times.received)) {
///             changes.apply(*over, times.received);
///         }
///     }

#ifndef KALLGLOT_TRACKING_SESSION_LEDGER_HPP
#define KALLGLOT_TRACKING_SESSION_LEDGER_HPP

#include "kallglot/base/vocabulary.hpp"
#include "kallglot/tracking/episode_history.hpp"
#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "kallglot/tracking/session_registry.hpp"
#include "kallglot/tracking/session_tracker.hpp"
#include "kallglot/tracking/stuck_episode.hpp"
#include "tracking/webhook_flow.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kallglot {

/// What showed a change of status: a label of kallglot_session_transitions_total.
enum class change_source : std::uint8_t { poll, webhook };

inline constexpr auto change_source_words = make_vocabulary<change_source>({
    {change_source::poll, "poll"},
    {change_source::webhook, "webhook"},
});

/// Why a session is no longer tracked: the label of kallglot_exporter_sessions_forgotten_total.
enum class forget_reason : std::uint8_t { ended, not_found, expired, operator_asked };

inline constexpr auto forget_reason_words = make_vocabulary<forget_reason>({
    {forget_reason::ended, "ended"},
    {forget_reason::not_found, "not_found"},
    {forget_reason::expired, "expired"},
    {forget_reason::operator_asked, "operator"},
});

/// What the store has to do about a change.
enum class store_action : std::uint8_t {
    none,
    await,  ///< nothing new; a commit of this id may still be in progress
    add,    ///< a new id, or one that could not be added before: durable before it is acknowledged
    change, ///< durable before it is acknowledged
    note,   ///< persist within a second; nothing waits for it
    note_if_idle, ///< as `note`, but may be left out while the backlog is high
    forget,       ///< remove the row, and remember the id if the change says so
};

/// A session that has left the table.
struct forgotten_session {
    session_id id;
    forget_reason reason;
    std::optional<remembered_kind> remembered; ///< its id must not come back for 72 hours
};

/// What one call changed, and what has to be done about it. `no_slot`: nothing changed, there is no room.
struct ledger_change {
    session_slot slot = no_slot;
    change_source source = change_source::poll;
    std::optional<session_source> added;  ///< the session is new, and came from there
    bool source_is_new = false;           ///< take_id(): a tracked session came from there too
    tracking changes{};                   ///< for the metrics
    end_reason reason = end_reason::none; ///< of `changes.ended`
    std::optional<forgotten_session> forgotten;
    std::optional<stuck_episode> ended_episode;
    std::optional<stuck_episode> begun_episode;
    store_action store = store_action::none;
    bool reschedule = false; ///< its next poll has to be scheduled again
};

/// Loop only.
class session_ledger {
public:
    /// Cost: reserves the index for `max_tracked` ids.
    explicit session_ledger(std::size_t max_tracked) : registry_(max_tracked) {}

    [[nodiscard]] const session_registry& sessions() const noexcept { return registry_; }

    /// Changes the limit. Sessions beyond it stay tracked.
    void set_max_tracked(std::size_t count) noexcept { registry_.set_max_tracked(count); }

    // Ids.

    /// Registers an id from `source`, alone or in `bulk`. A known session only gets the source; the store action says
    /// what to wait for. No slot: the table is full.
    ledger_change take_id(const session_id& id, session_source source, bool bulk, steady_time now);

    /// Undoes the source that take_id() added to a known session, because the store rejected it.
    void revoke_source(session_slot slot, session_source source);

    /// The session is no longer in one of its sources. It is forgotten if that was the last one.
    ledger_change remove_source(session_slot slot, session_source source, steady_time now);

    /// Tracks a session of the store again, even beyond the limit, because it was acknowledged. Its first poll is
    /// routine and due at once. It needs as many 404 answers as a new session to be forgotten.
    ledger_change restore(const session_id& id,
                          const session_record& record,
                          const poll_policy& policy,
                          steady_time now);

    ledger_change forget(session_slot slot, forget_reason reason, steady_time now);

    /// Removes a session that the store never had and that was not acknowledged.
    ledger_change drop(session_slot slot);

    /// Marks a session from a file that the store rejected. The intake offers it again when the store has room.
    void set_unstored(session_slot slot, bool unstored);

    // Answers.

    /// A GET for the session was sent.
    void poll_sent(session_slot slot, steady_time now);

    /// No GET is in flight any more. False: the session was forgotten meanwhile, and its slot is free.
    bool poll_returned(session_slot slot);

    /// An answer that was made before its request may leave open what it was asked for. The session then counts as
    /// failing, so that the next poll waits for the delay of a retry.
    ledger_change take_snapshot(session_slot slot,
                                const session_snapshot& snapshot,
                                const exchange_times& times,
                                const poll_policy& policy);

    /// Whether an answer that was made at `made` can say anything new of the session.
    [[nodiscard]] bool is_news(session_slot slot, steady_time made) const noexcept;

    /// The API answered 404 or 410.
    ledger_change take_not_found(session_slot slot, steady_time sent);

    ledger_change take_failure(session_slot slot, failure_reason reason);

    /// Forgets a session that has answered 404 for `not_found_after`, at least 3 times, unless that looks like an
    /// outage. Also forgets one in an unknown status for `unknown_after`.
    std::optional<ledger_change> forget_if_over(session_slot slot,
                                                const poll_settings& poll,
                                                steady_time now);

    // Events.

    /// What stands for an event's id from here on. Cost: a hash.
    [[nodiscard]] remembered_key event_key(std::string_view id) const noexcept {
        return key_of_event(secret_, id);
    }

    /// Whether the event with this id was applied within the last 72 hours. `key` is its event_key().
    [[nodiscard]] bool is_known_event(const remembered_key& key,
                                      std::string_view id,
                                      steady_time now) const {
        return remembers(key, id, now);
    }

    /// Applies a webhook event to a tracked session. `event` is empty for types that say nothing about its status.
    ledger_change take_event(session_slot slot,
                             std::optional<session_event> event,
                             const remembered_key& key,
                             const event_times& times);

    /// The event was not persisted: its next delivery must not count as a duplicate.
    void forget_event(const remembered_key& key, steady_time now) { remembered_.erase(key, now); }

    /// Compares webhooks with polls from now on.
    void follow_webhooks() noexcept { follows_webhooks_ = true; }

    /// Whether webhooks report starts and ends reliably (contract: 99 % of the last 15 minutes).
    [[nodiscard]] bool webhooks_flow(steady_time now) {
        return follows_webhooks_ && flow_.flows(now);
    }

    /// Starts and ends that no webhook reported within two minutes; up to date after webhooks_flow().
    [[nodiscard]] std::uint64_t missed_webhooks() const noexcept { return flow_.missed(); }

    // Ids that must not come back.

    /// Whether the id was forgotten as ended or not found within the last 72 hours.
    [[nodiscard]] bool is_gone(const session_id& id, steady_time now) const;

    /// A caller names the id explicitly: it may be tracked again. False if it was not gone.
    bool revive(const session_id& id, steady_time now);

    /// Undoes revive(), unless the id is tracked.
    void undo_revival(const session_id& id, steady_time now);

    [[nodiscard]] const remembered_keys& remembered() const noexcept { return remembered_; }

    void restore(const remembered_entry& entry) { remembered_.add(entry); }

    // Stuck episodes.

    [[nodiscard]] const episode_history& episodes() const noexcept { return episodes_; }

    /// Keeps an episode of the store, after all sessions are restored. It ends if its session left the status, or the
    /// store, without a trace in the episode.
    ledger_change restore(stuck_episode episode, steady_time now);

    /// The episodes that the store has to remove. Call it after each change.
    [[nodiscard]] std::vector<episode_number> take_removed_episodes() {
        return episodes_.take_removed();
    }

    /// What the keys of the store were made with. Before any of them is restored or added.
    void use_secret(const hash_key& secret) noexcept { secret_ = secret; }

private:
    /// The one way to change a record here: updates the count of sessions that answer 404.
    template <class Change>
    decltype(auto) update(session_slot slot, Change&& change) {
        const tally_scope scope(*this, slot);
        return registry_.update(slot, std::forward<Change>(change));
    }

    class tally_scope {
    public:
        tally_scope(session_ledger& ledger, session_slot slot) noexcept
            : ledger_(ledger),
              slot_(slot) {
            ledger_.missing_ -= ledger_.is_missing(slot_) ? 1 : 0;
        }

        ~tally_scope() { ledger_.missing_ += ledger_.is_missing(slot_) ? 1 : 0; }

        tally_scope(const tally_scope&) = delete;
        tally_scope& operator=(const tally_scope&) = delete;

    private:
        session_ledger& ledger_;
        session_slot slot_;
    };

    [[nodiscard]] bool remembers(const remembered_key& key,
                                 std::string_view text,
                                 steady_time now) const;
    [[nodiscard]] bool is_missing(session_slot slot) const noexcept;
    [[nodiscard]] bool looks_like_outage() const noexcept;
    void remove(session_slot slot);
    void end_left_episode(ledger_change& change, const session_record& before, steady_time now);
    void begin_episode(ledger_change& change,
                       const threshold_settings& thresholds,
                       steady_time now);
    void compare_with_polls(session_slot slot, session_event event, bool first, steady_time now);
    void compare_with_webhooks(session_slot slot, const status_change& change, steady_time now);

    session_registry registry_;
    remembered_keys remembered_; ///< ids that are gone, and events that were applied
    hash_key secret_;            ///< of their keys
    episode_history episodes_;
    webhook_flow flow_;
    bool follows_webhooks_ = false;
    std::size_t missing_ = 0; ///< sessions that answer 404 and have not ended
};

} // namespace kallglot

#endif
