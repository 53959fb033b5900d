/// Port to the store that persists sessions across restarts.
///
/// A lost id cannot be recovered, so callers acknowledge an id only when it is durable. The store queues writes and
/// commits them in groups. A ticket identifies the group, and a caller that acknowledges waits for it. Changes of
/// status are written within about a second, without a wait. No personal data and no secrets pass this port.

#ifndef KALLGLOT_PORTS_SESSION_STORE_HPP
#define KALLGLOT_PORTS_SESSION_STORE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Identifies a group commit. Tickets grow. To wait for several issued in one turn of the loop, wait for the largest.
enum class commit_ticket : std::uint64_t {
    durable = 0,          ///< nothing to wait for
    refused = ~0ULL >> 1, ///< rejected: the store cannot write now
};

/// A session with its id; the record's times are those of this process.
struct kept_session {
    session_id id;
    session_record record;
};

/// Owner of the sessions in memory: the store calls it, on the loop, never within a call of the store.
class store_owner {
public:
    virtual ~store_owner() = default;

    /// The store could not add these ids. They were not acknowledged, so the owner may drop them. It passes ids that it
    /// keeps (from files, which a restart reads again) to add() again in on_store_room().
    virtual void on_not_stored(std::span<const session_id> ids) = 0;

    /// The store cannot write and retries by itself. Called once for each outage, with a reason for the log.
    virtual void on_store_unusable(const std::string& reason) = 0;
    virtual void on_store_usable() = 0;

    /// The store rejected ids, because it could not write or its backlog was high, and has room for some now.
    /// True: there are more ids to add; the store calls again after the next commit.
    virtual bool on_store_room() { return false; }

    /// Lists the content for a store that is written again from scratch. Appends tracked sessions from `cursor` (0 at
    /// first) on, each once, until `sessions` holds `limit`, and moves the cursor. False: there are no more.
    ///
    /// Between two calls sessions may be forgotten, and may change with a call of note() or change(). None is added
    /// to the store.
    virtual bool list_sessions(std::uint64_t& cursor,
                               std::size_t limit,
                               std::vector<kept_session>& sessions) = 0;
    virtual bool list_remembered(std::uint64_t& cursor,
                                 std::size_t limit,
                                 std::vector<remembered_entry>& entries) = 0;

    virtual bool list_episodes(std::uint64_t& cursor,
                               std::size_t limit,
                               std::vector<stuck_episode>& episodes) = 0;

protected:
    store_owner() = default;
    store_owner(const store_owner&) = default;
    store_owner& operator=(const store_owner&) = default;
};

/// Loop only; blocking work runs on the store's own worker.
class session_store {
public:
    virtual ~session_store() = default;

    /// False while the store cannot write or does not answer, or its backlog is full: the intake answers 503. Calls made nevertheless are
    /// rejected: the ticket fails, and on_not_stored() gets the ids.
    [[nodiscard]] virtual bool accepting() const = 0;

    /// False while the write backlog is high; callers should delay optional writes. True while the store cannot write,
    /// because a delay would not help.
    [[nodiscard]] virtual bool has_room() const = 0;

    /// Adds an id. One of a bulk (record.bulk) does not delay others. Returns the ticket of the group that makes it
    /// durable.
    virtual commit_ticket add(const session_id& id, const session_record& record) = 0;

    /// Persists the change of a stored session for a caller that waits: another source, or a status from a webhook.
    virtual commit_ticket change(const session_id& id, const session_record& record) = 0;

    /// Persists a change without a wait: within about a second, together with others. Of several only the last is
    /// written.
    virtual void note(const session_id& id, const session_record& record) = 0;

    /// Removes an id that is no longer tracked. With a kind, its key is remembered for 72 hours as ended or not found.
    virtual commit_ticket forget(const session_id& id, std::optional<remembered_kind> remember) = 0;

    /// Remembers the key of an event for 72 hours. Call it after the change that the event made to its session. The
    /// key is never durable before that change: otherwise a restart would take the event for a duplicate and lose the
    /// change.
    virtual commit_ticket remember_event(const remembered_key& key, const session_id& session) = 0;

    /// Persists an episode that has begun or ended, or removes one, without a wait.
    virtual void note_episode(const stuck_episode& episode) = 0;
    virtual void forget_episode(episode_number number) = 0;

    /// The ticket to wait for before a known id is acknowledged: that of its newest add() or change(), while it is in
    /// progress.
    [[nodiscard]] virtual commit_ticket pending(const session_id& id) const = 0;

    /// Ends when the group is durable. Call it in the turn of the loop that issued the ticket, or soon after.
    ///
    /// Errors: store_unavailable: the group could not be written, and its ids are not in the store, or the store has not
    ///         answered for some seconds, and the ids may still get into it; cancelled.
    /// Cancel: terminal, at once; the write continues.
    [[nodiscard]] virtual task<error_code> committed(commit_ticket ticket) = 0;

protected:
    session_store() = default;
    session_store(const session_store&) = default;
    session_store& operator=(const session_store&) = default;
};

/// Receives the content of a store when it is opened.
class store_reader {
public:
    virtual ~store_reader() = default;

    /// What the remembered keys of this store are made with. Called first.
    virtual void on_secret(const hash_key& secret) = 0;

    /// Sessions after a restart: unverified, with routine polls.
    virtual void on_sessions(std::span<const kept_session> sessions) = 0;

    /// In the order of time.
    virtual void on_remembered(std::span<const remembered_entry> entries) = 0;

    /// In the order of their numbers, after all sessions.
    virtual void on_episodes(std::span<const stuck_episode> episodes) = 0;

protected:
    store_reader() = default;
    store_reader(const store_reader&) = default;
    store_reader& operator=(const store_reader&) = default;
};

} // namespace kallglot

#endif
