/// The tables of the store, version 3: the format of a row on disk.
///
///   sessions    a row for each tracked session, by id; times are `stored_time`, -1 and NULL mean "none"
///   remembered  a row for each key of an ended session or an event, for 72 hours
///   episodes    a row for each stuck episode (episode_table)
///   state       one row: the newest time mark, when the store was last found damaged, and the secret of the keys
///
/// Version 1 had keys of 64 bits that a client can compute, and no secret; version 2 had no episodes. The engine reads both
/// and writes version 3.
///
/// SQLite detects damage of its own structure, but not of a value. So each row has a checksum of its values: one wrong bit
/// cannot turn an id into another. Prepared statements, one connection. It does not open files and decides nothing.

#ifndef KALLGLOT_STORE_SQLITE_SESSION_TABLE_HPP
#define KALLGLOT_STORE_SQLITE_SESSION_TABLE_HPP

#include "kallglot/ports/store_engine.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/episode_table.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace kallglot {

/// The one row of `state`.
struct state_row {
    time_mark mark;
    std::int64_t last_corruption = 0; ///< Unix milliseconds; 0: never
    hash_key secret;                  ///< of the keys in `remembered`
};

/// Worker only. Lifetime: destroyed before the database is closed.
class session_table {
public:
    static constexpr std::uint32_t version = 3;
    static constexpr std::uint32_t application = 0x4B61'6C6C; ///< "Kall"

    /// Creates the tables in an empty file.
    [[nodiscard]] static store_fault create(database& db, const state_row& state);

    /// The version whose tables the file has, and nothing beside them: no trigger, view, index or other column. Empty:
    /// these are not our tables.
    [[nodiscard]] static std::optional<std::uint32_t> version_of(database& db);

    /// To read only, from tables of that version.
    [[nodiscard]] store_fault prepare_reading(database& db, std::uint32_t of_version);

    /// To read and write.
    [[nodiscard]] store_fault prepare(database& db);

    // Writing. False: it failed, and database::last_fault() has the reason.
    [[nodiscard]] bool put(const stored_session& row);    ///< inserts or replaces
    [[nodiscard]] bool update(const stored_session& row); ///< does nothing if there is no row
    [[nodiscard]] bool remove(const session_id& id);
    [[nodiscard]] bool put(const remembered_row& row);
    [[nodiscard]] bool forget_key(const remembered_key& key);
    [[nodiscard]] bool put(const state_row& row); ///< all but the time of the last damage
    /// Deletes up to `limit` keys that are older than `before`.
    [[nodiscard]] bool purge(stored_time before, std::int64_t limit);

    /// Which rows to read, in the order of ids. `after` empty: from the beginning, or from the end if backwards.
    struct range {
        std::string_view after;
        bool backwards = false;
        std::int64_t limit = INT64_MAX;
    };

    using session_sink = std::function<void(const stored_session&)>;
    using key_sink = std::function<void(const remembered_row&)>;

    /// A damaged row is a fault (damaged). With `bad` it is skipped and counted instead.
    [[nodiscard]] store_fault read(const range& where,
                                   stored_time mark,
                                   const session_sink& sink,
                                   std::uint64_t* bad = nullptr);
    /// In no particular order; `bad` as with read(). Keys of version 1 are in `key.low`.
    [[nodiscard]] store_fault read_keys(const key_sink& sink, std::uint64_t* bad = nullptr);
    /// Version 1 has no secret; then `into` keeps its own.
    ///
    /// Errors: damaged if the row is missing or damaged; then `into` is unchanged.
    [[nodiscard]] store_fault read_state(state_row& into);

    /// Prepared together with this.
    [[nodiscard]] episode_table& episodes() noexcept { return episodes_; }

private:
    /// A statement and its SQL.
    struct statement_text {
        statement& into;
        std::string_view sql;
    };

    [[nodiscard]] store_fault prepare_all(std::span<const statement_text> all);
    [[nodiscard]] store_fault as_damage(store_fault fault) const;
    bool bind_and_run(statement& into, const stored_session& row);

    database* db_ = nullptr;
    std::uint32_t version_ = version; ///< of the tables that are read
    statement put_;
    statement update_;
    statement remove_;
    statement remember_;
    statement forget_key_;
    statement mark_;
    statement purge_;
    statement forwards_;
    statement backwards_;
    statement keys_;
    statement state_;
    episode_table episodes_;
};

} // namespace kallglot

#endif
