/// The table of stuck episodes, since version 3: a row for each, by number, with a checksum of its values.
///
/// Times are `stored_time`; NULL means "none" or "not known". It does not open files and decides nothing.

#ifndef KALLGLOT_STORE_SQLITE_EPISODE_TABLE_HPP
#define KALLGLOT_STORE_SQLITE_EPISODE_TABLE_HPP

#include "kallglot/ports/store_engine.hpp"
#include "kallglot/tracking/stuck_episode.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>
#include <functional>

namespace kallglot {

/// Worker only. Lifetime: destroyed before the database is closed.
class episode_table {
public:
    static constexpr const char* name = "episodes";

    /// The text of its CREATE, as SQLite keeps it.
    static constexpr const char* sql = R"sql(CREATE TABLE episodes(
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, facts INTEGER NOT NULL, threshold INTEGER NOT NULL,
    since INTEGER NOT NULL, slack INTEGER, confirmed INTEGER NOT NULL, until INTEGER, until_slack INTEGER,
    sum INTEGER NOT NULL
))sql";

    [[nodiscard]] store_fault prepare_reading(database& db);
    [[nodiscard]] store_fault prepare(database& db);

    /// False: it failed, and database::last_fault() has the reason.
    [[nodiscard]] bool put(const stored_episode& row); ///< inserts or replaces
    [[nodiscard]] bool remove(episode_number number);

    using sink = std::function<void(const stored_episode&)>;

    /// In the order of numbers. A damaged row is a fault (damaged). With `bad` it is skipped and counted instead. Without
    /// a table (before version 3) there are no rows.
    [[nodiscard]] store_fault read(stored_time mark,
                                   const sink& each,
                                   std::uint64_t* bad = nullptr);

private:
    database* db_ = nullptr;
    statement put_;
    statement remove_;
    statement rows_;
};

} // namespace kallglot

#endif
