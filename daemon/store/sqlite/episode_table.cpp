#include "store/sqlite/episode_table.hpp"

#include "store/sqlite/row_codec.hpp"

#include <optional>

namespace kallglot {

namespace {

/// Empty if the row differs from what was written.
std::optional<stored_episode> read_row(const statement& query, stored_time mark) {
    // The numbers are those of the columns in `rows_`.
    const auto id = session_id::parse(query.text(1));
    const auto number = query.integer(0);
    const auto facts = query.integer(2);
    const auto threshold = query.integer(3);
    const auto since = query.integer(4);
    const auto confirmed = query.integer(6);
    // Columns that are never NULL.
    if (!id || !number || !facts || !threshold || !since || !confirmed) {
        return std::nullopt;
    }
    stored_episode row(*id);
    if (!unpack(*facts, row)) {
        return std::nullopt;
    }
    // A negative number in a damaged file becomes a huge one. The checksum below finds it.
    row.number = static_cast<episode_number>(*number);
    row.threshold_ms = *threshold;
    row.since = {*since};
    row.since_slack = query.integer(5);
    row.confirmed = {*confirmed};
    row.until = moment(query.integer(7));
    row.until_slack = query.integer(8);
    // As for sessions: the checksum finds damage, is_sound() finds what no version could have written.
    if (query.integer(9) != sum_of(row) || !is_sound(row, mark)) {
        return std::nullopt;
    }
    return row;
}

} // namespace

store_fault episode_table::prepare_reading(database& db) {
    db_ = &db;
    return db.prepare(rows_,
                      "SELECT number,id,facts,threshold,since,slack,confirmed,until,until_slack,sum"
                      // By number, so in the order in which they began.
                      " FROM episodes ORDER BY number");
}

store_fault episode_table::prepare(database& db) {
    // Reading alone is prepared for a file that is only verified or salvaged; writing needs all of them.
    if (store_fault fault = prepare_reading(db)) {
        return fault;
    }
    if (store_fault fault =
            db.prepare(put_,
                       "INSERT OR REPLACE INTO episodes(number,id,facts,threshold,since,slack,"
                       "confirmed,until,until_slack,sum) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")) {
        return fault;
    }
    // By number: a session may have several episodes.
    return db.prepare(remove_, "DELETE FROM episodes WHERE number=?1");
}

bool episode_table::put(const stored_episode& row) {
    // The row is replaced when the episode ends, so an open and an ended one are the same row.
    put_.bind(1, static_cast<std::int64_t>(row.number));
    put_.bind(2, row.id.view());
    put_.bind(3, pack(row));
    put_.bind(4, row.threshold_ms);
    put_.bind(5, row.since.ms);
    put_.bind(6, row.since_slack);
    put_.bind(7, row.confirmed.ms);
    put_.bind(8, ms_of(row.until));
    put_.bind(9, row.until_slack);
    put_.bind(10, sum_of(row));
    return put_.run();
}

bool episode_table::remove(episode_number number) {
    remove_.bind(1, static_cast<std::int64_t>(number));
    return remove_.run();
}

store_fault episode_table::read(stored_time mark, const sink& each, std::uint64_t* bad) {
    store_fault fault;
    // A file of version 1 or 2 has no such table, and nothing was prepared.
    if (!rows_) {
        return fault;
    }
    while (!fault && rows_.step()) {
        if (const auto row = read_row(rows_, mark)) {
            each(*row);
        } else if (bad != nullptr) {
            ++*bad;
        } else {
            fault = {store_fault_kind::damaged, "episode row is damaged: wrong checksum or value"};
        }
    }
    // The loop ends the same way at the last row and at an error.
    if (!fault && rows_.failed()) {
        fault = db_->last_fault();
    }
    // Also after a fault: an open query would block a checkpoint.
    rows_.reset();
    return fault;
}

} // namespace kallglot
