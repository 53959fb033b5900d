/// The part of a store that blocks: opening, reading, committing and rewriting, behind one interface.
///
/// durable_store decides when and what; an engine only carries it out, one call at a time, on the store's worker thread.
/// SQLite is one engine (store/sqlite); "nothing" is another (store/null_engine), for trials. A database shared by several
/// exporters is a third engine, not another store. Faults are values; no call throws anything but bad_alloc.

#ifndef KALLGLOT_PORTS_STORE_ENGINE_HPP
#define KALLGLOT_PORTS_STORE_ENGINE_HPP

#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

/// What a failure asks for.
enum class store_fault_kind : std::uint8_t {
    none,
    unwritable, ///< full, read-only, no permission: the file is as it was; retried
    broken,     ///< a write or sync failed: what is on the disk is unknown
    damaged,    ///< the content of the file differs from what was written
    locked,     ///< another process has it open
    refused,    ///< the file belongs to another program or a newer version; it is not touched
};

struct store_fault {
    store_fault_kind kind = store_fault_kind::none;
    std::string text; ///< for people

    [[nodiscard]] explicit operator bool() const noexcept { return kind != store_fault_kind::none; }
};

/// A remembered key, as it is stored.
struct remembered_row {
    remembered_key key;
    stored_time at;
    remembered_kind kind = remembered_kind::ended;
};

// The changes that a store persists.

/// A new session, or a known one that must be there: replaces the row, and revives an id that was remembered as gone.
struct put_session {
    stored_session row;
};

/// A known session. Does nothing if its row is gone.
struct update_session {
    stored_session row;
};

struct remove_session {
    session_id id;
};

struct remove_episode {
    episode_number number;
};

/// A stored_episode replaces the one with its number.
using store_change = std::variant<put_session,
                                  update_session,
                                  remove_session,
                                  remembered_row,
                                  stored_episode,
                                  remove_episode>;

/// Changes that become durable together.
struct change_group {
    std::vector<store_change> changes;
    std::optional<time_mark> mark;
    std::optional<stored_time> purge_before; ///< of remembered keys
};

/// What the repair of a damaged store did.
struct store_damage {
    std::string reason;
    std::string kept_as;     ///< the name that the damaged file has now
    std::uint64_t saved = 0; ///< sessions that could be read and are in the new store
    std::uint64_t unreadable =
        0; ///< rows whose checksum is wrong; more may be lost without a trace
};

/// The result of opening.
struct store_opening {
    store_fault fault;                  ///< if any, the store is not open
    store_fault writing;                ///< it can be read, but not written
    std::optional<store_damage> damage; ///< found, and repaired as far as possible
    std::optional<stored_timeline> line;
    hash_key secret; ///< of the remembered keys: random, and the same for the life of the store
    std::int64_t last_corruption = 0; ///< Unix milliseconds; 0: never
    std::uint64_t size_bytes = 0;
    bool is_new = false;
};

struct commit_outcome {
    store_fault fault;
    std::uint32_t log_pages = 0; ///< pages in the write-ahead log
    std::uint64_t size_bytes = 0;
    bool more_to_purge = false; ///< one transaction could not remove all keys that were too old
};

/// Worker only: no two calls at the same time. open() first; the reads before the first commit.
class store_engine {
public:
    virtual ~store_engine() = default;

    /// For logs: the path of the file, or what names the database.
    [[nodiscard]] virtual std::string name() const = 0;

    /// Whether sessions survive a restart at all.
    [[nodiscard]] virtual bool is_persistent() const noexcept = 0;

    /// Grows while open() gets on. Any thread.
    [[nodiscard]] virtual std::uint64_t progress() const noexcept { return 0; }

    /// Opens and verifies the store, or makes it if there is none.
    [[nodiscard]] virtual store_opening open(api_time wall, steady_time now) = 0;

    /// Appends up to `limit` rows with ids after `after` (empty at first), in the order of ids. No row: that was the end.
    [[nodiscard]] virtual store_fault read(const std::string& after,
                                           std::int64_t limit,
                                           std::vector<stored_session>& rows) = 0;
    [[nodiscard]] virtual store_fault read_keys(std::vector<remembered_row>& rows) = 0;
    /// In the order of their numbers.
    [[nodiscard]] virtual store_fault read_episodes(std::vector<stored_episode>& rows) = 0;

    /// One transaction, durable when it returns without a fault. After a fault nothing of it may be relied on.
    [[nodiscard]] virtual commit_outcome commit(
        const std::vector<std::shared_ptr<const change_group>>& groups) = 0;

    /// Writes the log back into the main file, so that it does not grow.
    [[nodiscard]] virtual store_fault checkpoint() = 0;

    // Rewriting the store from memory into a fresh place: begin, append as often as needed, finish. After a fault it
    // starts again with begin.

    /// `damaged`: the present file is set aside, not replaced, when the rewrite is complete.
    [[nodiscard]] virtual store_fault begin_rewrite(const time_mark& mark, bool damaged) = 0;
    [[nodiscard]] virtual store_fault append(const std::vector<stored_session>& rows) = 0;
    [[nodiscard]] virtual store_fault append(const std::vector<remembered_row>& rows) = 0;
    [[nodiscard]] virtual store_fault append(const std::vector<stored_episode>& rows) = 0;
    [[nodiscard]] virtual store_fault finish_rewrite() = 0;

    /// Closes the store, whatever it returns.
    [[nodiscard]] virtual store_fault close(const time_mark& mark) = 0;

protected:
    store_engine() = default;
    store_engine(const store_engine&) = default;
    store_engine& operator=(const store_engine&) = default;
};

} // namespace kallglot

#endif
