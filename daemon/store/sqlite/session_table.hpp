/// The tables of the store, version 1: the format of a row on disk.
///
///   sessions    a row for each tracked session, by id; times are `stored_time`, -1 and NULL mean "none"
///   remembered  a row for each key of an ended session or an event, for 72 hours
///   state       one row: the newest time mark, and when the store was last found damaged
///
/// SQLite detects damage of its own structure, but not of a value. So each row has a checksum of its values: one wrong bit
/// cannot turn an id into another. Prepared statements, one connection. It does not open files and decides nothing.

#ifndef KALLGLOT_STORE_SQLITE_SESSION_TABLE_HPP
#define KALLGLOT_STORE_SQLITE_SESSION_TABLE_HPP

#include "kallglot/ports/store_engine.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "store/sqlite/database.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace kallglot {

/// The one row of `state`.
struct state_row {
    time_mark mark;
    std::int64_t last_corruption = 0; ///< Unix milliseconds; 0: never
};

/// Worker only. Lifetime: destroyed before the database is closed.
class session_table {
public:
    static constexpr std::uint32_t version = 1;
    static constexpr std::uint32_t application = 0x4B61'6C6C; ///< "Kall"

    /// Creates the tables in an empty file.
    [[nodiscard]] static store_fault create(database& db, const state_row& state);

    [[nodiscard]] store_fault prepare(database& db);

    // Writing. False: it failed, and database::last_fault() has the reason.
    [[nodiscard]] bool put(const stored_session& row);    ///< inserts or replaces
    [[nodiscard]] bool update(const stored_session& row); ///< does nothing if there is no row
    [[nodiscard]] bool remove(const session_id& id);
    [[nodiscard]] bool put(const remembered_row& row);
    [[nodiscard]] bool forget_key(std::uint64_t key);
    [[nodiscard]] bool put(const time_mark& mark);
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
    /// In no particular order; `bad` as with read().
    [[nodiscard]] store_fault read_keys(const key_sink& sink, std::uint64_t* bad = nullptr);
    /// Errors: damaged if the row is missing or damaged; then `into` is unchanged.
    [[nodiscard]] store_fault read_state(state_row& into);

private:
    bool bind_and_run(statement& into, const stored_session& row);

    database* db_ = nullptr;
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
};

} // namespace kallglot

#endif
