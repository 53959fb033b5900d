#include "store/sqlite/session_table.hpp"

#include "store/sqlite/row_codec.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>

namespace kallglot {

namespace {

// The format on disk: it never changes without another `version`. The row is the primary key's (WITHOUT ROWID), which
// saves a second tree for a million ids.
constexpr const char* schema = R"sql(
CREATE TABLE sessions(
    id TEXT NOT NULL PRIMARY KEY, facts INTEGER NOT NULL, since INTEGER NOT NULL, slack INTEGER, seen INTEGER,
    created INTEGER, started INTEGER, missing INTEGER, call INTEGER, told INTEGER, sum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE remembered(key INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL);
CREATE TABLE state(
    one INTEGER PRIMARY KEY, stored INTEGER NOT NULL, wall INTEGER NOT NULL, steady INTEGER NOT NULL,
    boot INTEGER NOT NULL, corruption INTEGER NOT NULL, sum INTEGER NOT NULL
);
)sql";

/// Empty if the row differs from what was written. `mark` bounds the plausible times.
std::optional<stored_session> read_row(const statement& query, stored_time mark) {
    const auto id = session_id::parse(query.text(0));
    const auto facts = query.integer(1);
    const auto since = query.integer(2);
    // Columns that are never NULL.
    if (!id || !facts || !since) {
        return std::nullopt;
    }
    stored_session row(*id);
    row.since = {*since};
    if (!unpack(*facts, row)) {
        return std::nullopt;
    }
    row.slack = query.integer(3);
    row.seen = query.integer(4);
    row.created = moment(query.integer(5));
    row.started = moment(query.integer(6));
    row.missing = moment(query.integer(7));
    row.call_ms = static_cast<std::uint32_t>(query.integer(8).value_or(0));
    // The checksum finds damage. is_sound() finds values that no version could have written.
    if (query.integer(9) != sum_of(row) || !is_sound(row, mark)) {
        return std::nullopt;
    }
    return row;
}

} // namespace

store_fault session_table::create(database& db, const state_row& state) {
    // Inside the transaction that the engine has begun.
    if (store_fault fault = db.run(schema)) {
        return fault;
    }
    // The one row of `state`, so that mark_ below can update it.
    statement insert;
    if (store_fault fault =
            db.prepare(insert,
                       "INSERT INTO state(one,stored,wall,steady,boot,corruption,sum)"
                       " VALUES(1,0,0,0,0,?,0)")) {
        return fault;
    }
    insert.bind(1, state.last_corruption);
    if (!insert.run()) {
        return db.last_fault();
    }
    // The mark needs its checksum, which put() computes.
    session_table table;
    if (store_fault fault = table.prepare(db)) {
        return fault;
    }
    if (!table.put(state.mark)) {
        return db.last_fault();
    }
    // Last: store_files::identify() reads these numbers before the file is opened as a database.
    return db.run(("PRAGMA application_id=" + std::to_string(application)
                   + "; PRAGMA user_version=" + std::to_string(version))
                      .c_str());
}

store_fault session_table::prepare(database& db) {
    db_ = &db;

    // A statement and its SQL.
    struct text {
        statement& into;
        std::string_view sql;
    };

    const std::array all = {
        // `told` is when the row was first written, so an update leaves it.
        text{
            put_,
            "INSERT INTO sessions(id,facts,since,slack,seen,created,started,missing,call,sum,told)"
            " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?3) ON CONFLICT(id) DO UPDATE SET"
            " facts=?2,since=?3,slack=?4,seen=?5,created=?6,started=?7,missing=?8,call=?9,sum=?10"},
        // Only an existing row: a late change must not revive a session that was removed.
        text{update_,
             "UPDATE sessions SET facts=?2,since=?3,slack=?4,seen=?5,created=?6,started=?7,"
             "missing=?8,call=?9,sum=?10 WHERE id=?1"},
        text{remove_, "DELETE FROM sessions WHERE id=?1"},
        // A key that is remembered again gets the newer time.
        text{remember_, "INSERT OR REPLACE INTO remembered(key,at,kind) VALUES(?1,?2,?3)"},
        text{forget_key_, "DELETE FROM remembered WHERE key=?1"},
        text{mark_, "UPDATE state SET stored=?1,wall=?2,steady=?3,boot=?4,sum=?5 WHERE one=1"},
        // Bounded, so that a commit does not wait for hundreds of thousands of deletions.
        text{purge_,
             "DELETE FROM remembered WHERE key IN"
             " (SELECT key FROM remembered WHERE at<?1 LIMIT ?2)"},
        // Both directions: a salvage reads from the back what it cannot reach from the front.
        text{forwards_,
             "SELECT id,facts,since,slack,seen,created,started,missing,call,sum FROM sessions"
             " WHERE id>?1 ORDER BY id LIMIT ?2"},
        // Descending, for the part of a salvage behind the damage.
        text{backwards_,
             "SELECT id,facts,since,slack,seen,created,started,missing,call,sum FROM sessions"
             " WHERE id<?1 ORDER BY id DESC LIMIT ?2"},
        // Without ORDER BY: the reader sorts by time, and an index would cost space in each row.
        text{keys_, "SELECT key,at,kind FROM remembered"},
        text{state_, "SELECT stored,wall,steady,boot,corruption,sum FROM state WHERE one=1"},
    };
    for (const text& one : all) {
        if (store_fault fault = db.prepare(one.into, one.sql)) {
            // The SQL fits our tables, so these are not our tables any more.
            if ((sqlite3_errcode(db.handle()) & 0xFF) == SQLITE_ERROR) {
                fault.kind = store_fault_kind::damaged;
            }
            return fault;
        }
    }
    return {};
}

// The parameters are the same in put_ and update_.
bool session_table::bind_and_run(statement& into, const stored_session& row) {
    // The id lives in `row` until run() has ended, so SQLite need not copy it.
    into.bind(1, row.id.view());
    into.bind(2, pack(row));
    into.bind(3, row.since.ms);
    into.bind(4, row.slack);
    into.bind(5, row.seen);
    into.bind(6, ms_of(row.created));
    into.bind(7, ms_of(row.started));
    into.bind(8, ms_of(row.missing));
    // NULL takes no space in the row.
    into.bind(9, row.call_ms == 0 ? std::nullopt : std::optional<std::int64_t>(row.call_ms));
    into.bind(10, sum_of(row));
    return into.run();
}

bool session_table::put(const stored_session& row) {
    return bind_and_run(put_, row);
}

bool session_table::update(const stored_session& row) {
    return bind_and_run(update_, row);
}

bool session_table::remove(const session_id& id) {
    remove_.bind(1, id.view());
    return remove_.run();
}

bool session_table::put(const remembered_row& row) {
    // SQLite has signed integers only.
    remember_.bind(1, std::bit_cast<std::int64_t>(row.key));
    remember_.bind(2, row.at.ms);
    remember_.bind(3, kind_and_sum(row));
    return remember_.run();
}

bool session_table::forget_key(std::uint64_t key) {
    forget_key_.bind(1, std::bit_cast<std::int64_t>(key));
    return forget_key_.run();
}

bool session_table::put(const time_mark& mark) {
    // All three clocks and the boot: together they relate stored times to the clocks of a later start.
    mark_.bind(1, mark.stored.ms);
    mark_.bind(2, static_cast<std::int64_t>(mark.wall.time_since_epoch().count()));
    mark_.bind(3, static_cast<std::int64_t>(mark.steady.time_since_epoch().count()));
    mark_.bind(4, std::bit_cast<std::int64_t>(mark.boot));
    mark_.bind(5, sum_of(mark));
    return mark_.run();
}

bool session_table::purge(stored_time before, std::int64_t limit) {
    purge_.bind(1, before.ms);
    purge_.bind(2, limit);
    return purge_.run();
}

store_fault session_table::read(const range& where,
                                stored_time mark,
                                const session_sink& sink,
                                std::uint64_t* bad) {
    statement& query = where.backwards ? backwards_ : forwards_;
    // "From the end" needs a bound above all ids: no id contains 0x7F, and all characters of ids are below it.
    query.bind(1, where.backwards && where.after.empty() ? std::string_view("\x7F") : where.after);
    query.bind(2, where.limit);
    store_fault fault;
    while (!fault && query.step()) {
        // With `bad` a damaged row is counted and skipped, without it reading stops.
        if (const auto row = read_row(query, mark)) {
            sink(*row);
        } else if (bad != nullptr) {
            ++*bad;
        } else {
            fault = {store_fault_kind::damaged, "session row is damaged: wrong checksum or value"};
        }
    }
    // The loop ends the same way at the last row and at an error.
    if (!fault && query.failed()) {
        fault = db_->last_fault();
    }
    // Also after a fault: an open query would block a checkpoint.
    query.reset();
    return fault;
}

store_fault session_table::read_keys(const key_sink& sink, std::uint64_t* bad) {
    store_fault fault;
    while (!fault && keys_.step()) {
        // A value of a wrong type becomes 0, and then the checksum differs.
        remembered_row row;
        row.key = std::bit_cast<std::uint64_t>(keys_.integer(0).value_or(0));
        row.at = {keys_.integer(1).value_or(0)};
        // The lowest four bits are the kind. The whole column is compared below.
        const auto number = static_cast<std::uint8_t>(keys_.integer(2).value_or(0) & 0xF);
        const auto kind = remembered_kind_words.from_stored(number);
        row.kind = kind.value_or(row.kind);
        if (kind && keys_.integer(2) == kind_and_sum(row)) {
            sink(row);
        } else if (bad != nullptr) {
            ++*bad;
        } else {
            fault = {store_fault_kind::damaged,
                     "remembered key is damaged: wrong checksum or value"};
        }
    }
    // As in read().
    if (!fault && keys_.failed()) {
        fault = db_->last_fault();
    }
    keys_.reset();
    return fault;
}

store_fault session_table::read_state(state_row& into) {
    store_fault fault;
    state_row row;
    // Without the mark no stored time has a meaning, so a missing row is damage.
    if (state_.step()) {
        row.mark.stored.ms = state_.integer(0).value_or(0);
        row.mark.wall = api_time(milliseconds(state_.integer(1).value_or(0)));
        row.mark.steady = steady_time(steady_duration(state_.integer(2).value_or(0)));
        row.mark.boot = std::bit_cast<std::uint64_t>(state_.integer(3).value_or(0));
        // Not part of the checksum: a wrong value here only changes a metric.
        row.last_corruption = state_.integer(4).value_or(0);
        if (state_.integer(5) != sum_of(row.mark) || !is_sound(row.mark)) {
            fault = {store_fault_kind::damaged, "state row is damaged: wrong checksum or value"};
        }
    } else {
        fault = state_.failed() ? db_->last_fault()
                                : store_fault{store_fault_kind::damaged, "state row is missing"};
    }
    state_.reset();
    // A caller that continues after damage keeps its own values.
    if (!fault) {
        into = row;
    }
    return fault;
}

} // namespace kallglot
