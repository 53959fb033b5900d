/// What the engine asks a database about sessions: batches made from values, and values from their answers.
///
/// Each call is one transaction on a connection that runs nothing else meanwhile. What it filled in counts only if its outcome has no
/// fault. **Registered is only what is_durable() of that outcome confirms**: a commit that a standby did not confirm succeeds with
/// a warning, and after a lost connection the outcome is unknown. Both are repeated: the statements do no harm when they run again, and the second
/// run waits for what the first one left.
///
/// Knows the tables and no connection, no clock and no loop.

#ifndef KALLGLOT_STORE_POSTGRESQL_SESSION_CALLS_HPP
#define KALLGLOT_STORE_POSTGRESQL_SESSION_CALLS_HPP

#include "kallglot/cluster/cluster_view.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "store/postgresql/pg_batch.hpp"
#include "store/postgresql/pg_schema.hpp"
#include "store/postgresql/pg_session.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// What a row of the inbox says to the owner of its session. The numbers are those of the table.
enum class inbox_reason : std::uint8_t {
    added,   ///< a new id
    source,  ///< a known id has another source
    touched, ///< an event that only asks for a poll
    started, ///< an event
    ended,   ///< an event
    forget,  ///< an operator's wish
};

/// A webhook event that a replica received.
struct event_entry {
    remembered_key key;
    inbox_reason reason = inbox_reason::touched;
    stored_time at;                     ///< when the replica received it
    std::optional<stored_time> made_at; ///< when the API made it
};

/// An id that a source registers, perhaps by an event.
struct entry {
    /// Its row if the id is new. Of a known id only the sources are added.
    stored_session row;
    /// Also if the id is remembered as gone: that is forgotten then.
    bool revive = false;
    std::optional<event_entry> event;
};

/// What became of an entry. All but the first can be acknowledged once the call is durable. The numbers are those of the
/// statement.
enum class entry_result : std::uint8_t {
    unanswered,   ///< the database did not say, against its protocol
    repeated,     ///< the event was applied before
    gone,         ///< the id is remembered as gone
    known,        ///< nothing new
    source_added, ///< a known id has another source now
    added,
};

/// A session that its owner forgets.
struct departure {
    session_id id;
    std::optional<remembered_kind> remember; ///< its key, for 72 hours
    stored_time at;
};

/// Names a row of the inbox.
struct inbox_number {
    shard_number shard = 0;
    std::int64_t seq = 0;

    [[nodiscard]] auto operator<=>(const inbox_number&) const = default;
};

struct inbox_row {
    inbox_number number;
    session_id id;
    inbox_reason reason = inbox_reason::touched;
    stored_time at;
    std::optional<stored_time> made_at;
    /// As it is now, later rows of the inbox included. Empty if there is none, or if this code cannot read it.
    std::optional<stored_session> session;
};

/// The shards of an owner with their fencing tokens.
struct held_shards {
    incarnation self = incarnation::none;
    std::map<shard_number, std::int64_t> epochs;
};

/// What the owner writes in one transaction. No id is in both lists, or twice in one.
struct observations {
    std::vector<stored_session> states;
    std::vector<departure> departures;
    std::vector<inbox_number> consumed; ///< their effect is in this transaction, or needs no row
};

/// What became of a state or a departure. The numbers are those of the statement.
enum class observation_result : std::uint8_t {
    not_held, ///< its shard has another owner or epoch: the map is wrong
    busy,     ///< a registration holds the row: to be repeated
    no_row,   ///< the session is gone
    written,
};

struct observation_results {
    shard_set held; ///< those whose tokens are right
    std::vector<observation_result> states;
    std::vector<observation_result> departures;
};

/// A slice of the sessions of one shard.
struct session_slice {
    std::vector<stored_session> rows;
    std::string last;           ///< where the next slice begins
    std::size_t row_count = 0;  ///< that the database sent
    std::size_t unreadable = 0; ///< not in `rows`, and left in the database as they are
};

/// Whether what a registering call did may be acknowledged.
[[nodiscard]] inline bool is_durable(const pg_outcome& outcome) noexcept {
    return !outcome.fault && outcome.confirmed;
}

/// Immutable after construction. Lifetime: what a call fills in outlives the run of its batch.
class session_calls {
public:
    /// Ids in one statement: with more, others wait too long for the same commit.
    static constexpr std::size_t max_rows = 512;

    explicit session_calls(const cluster_identity& identity) : identity_(identity) {}

    [[nodiscard]] shard_number shard_of(const session_id& id) const noexcept;

    /// Registered. Events with the same key, and `max_rows` entries at most, are the caller's duty: one key once.
    [[nodiscard]] pg_batch enter(const std::vector<entry>& entries,
                                 stored_time now,
                                 std::vector<entry_result>* results) const;

    /// Registered: the owner of the session is to forget it.
    [[nodiscard]] pg_batch ask_to_forget(const session_id& id, stored_time now) const;

    /// Observed. Without any change it is a question: which of these shards are held?
    [[nodiscard]] pg_batch observe(const held_shards& held,
                                   const observations& changes,
                                   stored_time now,
                                   observation_results* results) const;

    /// Sessions of one shard with ids after `after` (empty at first). Fewer rows than `limit`: that was the last slice. `now`
    /// bounds which moments are plausible.
    [[nodiscard]] pg_batch read_sessions(shard_number shard,
                                         const std::string& after,
                                         std::int32_t limit,
                                         stored_time now,
                                         session_slice* slice) const;

    /// Appends rows of the inbox, in any order. A row that this code cannot read is left out and stays.
    [[nodiscard]] pg_batch read_inbox(const held_shards& held,
                                      std::int32_t limit,
                                      stored_time now,
                                      std::vector<inbox_row>* rows) const;

    /// Removes keys that are older than `before`. The outcome has how many; with `limit` of them there may be more.
    [[nodiscard]] pg_batch purge(stored_time before, std::int32_t limit) const;

private:
    cluster_identity identity_;
};

} // namespace kallglot

#endif
