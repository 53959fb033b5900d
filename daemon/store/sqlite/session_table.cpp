#include "store/sqlite/session_table.hpp"

#include "store/sqlite/row_codec.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace kallglot {

namespace {

/// A table as SQLite keeps it: the text of its CREATE.
struct table_text {
    const char* name;
    const char* sql;
};

// The format on disk: it never changes without another `version`. The row is the primary key's (WITHOUT ROWID), which
// saves a second tree for a million ids.
constexpr table_text sessions = {"sessions", R"sql(CREATE TABLE sessions(
    id TEXT NOT NULL PRIMARY KEY, facts INTEGER NOT NULL, since INTEGER NOT NULL, slack INTEGER, seen INTEGER,
    created INTEGER, started INTEGER, missing INTEGER, call INTEGER, told INTEGER, sum INTEGER NOT NULL
) WITHOUT ROWID)sql"};

constexpr table_text remembered = {"remembered", R"sql(CREATE TABLE remembered(
    high INTEGER NOT NULL, low INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL,
    PRIMARY KEY(high, low)
) WITHOUT ROWID)sql"};

constexpr table_text state_table = {"state", R"sql(CREATE TABLE state(
    one INTEGER PRIMARY KEY, stored INTEGER NOT NULL, wall INTEGER NOT NULL, steady INTEGER NOT NULL,
    boot INTEGER NOT NULL, corruption INTEGER NOT NULL, sum INTEGER NOT NULL,
    high INTEGER NOT NULL, low INTEGER NOT NULL
))sql"};

// By name, as version_of() reads them.
constexpr std::array version_3 = {table_text{episode_table::name, episode_table::sql},
                                  remembered,
                                  sessions,
                                  state_table};

constexpr std::array version_2 = {remembered, sessions, state_table};

constexpr std::array version_1 = {
    table_text{"remembered",
               "CREATE TABLE remembered(key INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER "
               "NOT NULL)"},
    sessions,
    table_text{"state", R"sql(CREATE TABLE state(
    one INTEGER PRIMARY KEY, stored INTEGER NOT NULL, wall INTEGER NOT NULL, steady INTEGER NOT NULL,
    boot INTEGER NOT NULL, corruption INTEGER NOT NULL, sum INTEGER NOT NULL
))sql"},
};

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
    for (const table_text& table : version_3) {
        if (store_fault fault = db.run(table.sql)) {
            return fault;
        }
    }
    // The one row of `state`, so that mark_ below can update it.
    statement insert;
    if (store_fault fault =
            db.prepare(insert,
                       "INSERT INTO state(one,stored,wall,steady,boot,corruption,sum,high,low)"
                       " VALUES(1,0,0,0,0,?,0,0,0)")) {
        return fault;
    }
    insert.bind(1, state.last_corruption);
    if (!insert.run()) {
        return db.last_fault();
    }
    // The rest needs its checksum, which put() computes.
    session_table table;
    if (store_fault fault = table.prepare(db)) {
        return fault;
    }
    if (!table.put(state)) {
        return db.last_fault();
    }
    // Last: store_files::identify() reads these numbers before the file is opened as a database.
    return db.run(("PRAGMA application_id=" + std::to_string(application)
                   + "; PRAGMA user_version=" + std::to_string(version))
                      .c_str());
}

std::optional<std::uint32_t> session_table::version_of(database& db) {
    statement query;
    // SQLite stores the text of each CREATE as it was given. So one comparison covers columns, types and keys, and
    // finds triggers and views as well.
    if (db.prepare(query, "SELECT type,name,sql FROM sqlite_schema ORDER BY name,type")) {
        return std::nullopt;
    }
    // By version. Their texts differ, so at most one fits.
    const std::array<std::span<const table_text>, version> layouts = {version_1,
                                                                      version_2,
                                                                      version_3};
    std::array<bool, version> fits{};
    fits.fill(true);
    std::size_t count = 0;
    // One object more than there should be ends it, however many follow.
    for (; count <= version_3.size() && query.step(); ++count) {
        for (std::size_t i = 0; i < layouts.size(); ++i) {
            // An index of ours has no row: WITHOUT ROWID tables are their own index.
            fits[i] = fits[i] && count < layouts[i].size() && query.text(0) == "table"
                      && query.text(1) == layouts[i][count].name
                      && query.text(2) == layouts[i][count].sql;
        }
    }
    for (std::size_t i = 0; !query.failed() && i < layouts.size(); ++i) {
        if (fits[i] && count == layouts[i].size()) {
            // Versions are numbered from 1.
            return static_cast<std::uint32_t>(i + 1);
        }
    }
    return std::nullopt;
}

// The SQL fits our tables. If it does not, these are not our tables any more.
store_fault session_table::as_damage(store_fault fault) const {
    if (fault && (sqlite3_errcode(db_->handle()) & 0xFF) == SQLITE_ERROR) {
        // SQLITE_ERROR also stands for "no such column". Our texts do not change, so the file did.
        fault.kind = store_fault_kind::damaged;
    }
    return fault;
}

store_fault session_table::prepare_all(std::span<const statement_text> all) {
    for (const statement_text& one : all) {
        if (store_fault fault = db_->prepare(one.into, one.sql)) {
            return as_damage(std::move(fault));
        }
    }
    return {};
}

store_fault session_table::prepare_reading(database& db, std::uint32_t of_version) {
    db_ = &db;
    // The version of the file, until upgrade() has written the present one.
    version_ = of_version;
    const bool is_1 = of_version == 1;
    const std::array all = {
        // Both directions: a salvage reads from the back what it cannot reach from the front.
        statement_text{
            forwards_,
            "SELECT id,facts,since,slack,seen,created,started,missing,call,sum FROM sessions"
            " WHERE id>?1 ORDER BY id LIMIT ?2"},
        // Descending, for the part of a salvage behind the damage.
        statement_text{
            backwards_,
            "SELECT id,facts,since,slack,seen,created,started,missing,call,sum FROM sessions"
            " WHERE id<?1 ORDER BY id DESC LIMIT ?2"},
        // Without ORDER BY: the reader sorts by time, and an index would cost space in each row.
        statement_text{keys_,
                       is_1 ? "SELECT 0,key,at,kind FROM remembered"
                            : "SELECT high,low,at,kind FROM remembered"},
        statement_text{
            state_,
            is_1 ? "SELECT stored,wall,steady,boot,corruption,sum FROM state WHERE one=1"
                 : "SELECT stored,wall,steady,boot,corruption,sum,high,low FROM state WHERE one=1"},
    };
    if (store_fault fault = prepare_all(all)) {
        return fault;
    }
    return of_version < 3 ? store_fault{} : as_damage(episodes_.prepare_reading(db));
}

store_fault session_table::prepare(database& db) {
    if (store_fault fault = prepare_reading(db, version)) {
        return fault;
    }
    const std::array all = {
        // `told` is when the row was first written, so an update leaves it.
        statement_text{
            put_,
            "INSERT INTO sessions(id,facts,since,slack,seen,created,started,missing,call,sum,told)"
            " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?3) ON CONFLICT(id) DO UPDATE SET"
            " facts=?2,since=?3,slack=?4,seen=?5,created=?6,started=?7,missing=?8,call=?9,sum=?10"},
        // Only an existing row: a late change must not revive a session that was removed.
        statement_text{update_,
                       "UPDATE sessions SET facts=?2,since=?3,slack=?4,seen=?5,created=?6,"
                       "started=?7,missing=?8,call=?9,sum=?10 WHERE id=?1"},
        statement_text{remove_, "DELETE FROM sessions WHERE id=?1"},
        // A key that is remembered again gets the newer time.
        statement_text{remember_,
                       "INSERT OR REPLACE INTO remembered(high,low,at,kind) VALUES(?1,?2,?3,?4)"},
        statement_text{forget_key_, "DELETE FROM remembered WHERE high=?1 AND low=?2"},
        statement_text{mark_,
                       "UPDATE state SET stored=?1,wall=?2,steady=?3,boot=?4,sum=?5,high=?6,low=?7"
                       " WHERE one=1"},
        // Bounded, so that a commit does not wait for hundreds of thousands of deletions.
        statement_text{purge_,
                       "DELETE FROM remembered WHERE (high,low) IN"
                       " (SELECT high,low FROM remembered WHERE at<?1 LIMIT ?2)"},
    };
    if (store_fault fault = prepare_all(all)) {
        return fault;
    }
    return episodes_.prepare(db);
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
    remember_.bind(1, std::bit_cast<std::int64_t>(row.key.high));
    remember_.bind(2, std::bit_cast<std::int64_t>(row.key.low));
    remember_.bind(3, row.at.ms);
    remember_.bind(4, kind_and_sum(row));
    return remember_.run();
}

bool session_table::forget_key(const remembered_key& key) {
    forget_key_.bind(1, std::bit_cast<std::int64_t>(key.high));
    forget_key_.bind(2, std::bit_cast<std::int64_t>(key.low));
    return forget_key_.run();
}

bool session_table::put(const state_row& row) {
    // All three clocks and the boot: together they relate stored times to the clocks of a later start.
    mark_.bind(1, row.mark.stored.ms);
    mark_.bind(2, static_cast<std::int64_t>(row.mark.wall.time_since_epoch().count()));
    mark_.bind(3, static_cast<std::int64_t>(row.mark.steady.time_since_epoch().count()));
    mark_.bind(4, std::bit_cast<std::int64_t>(row.mark.boot));
    mark_.bind(5, sum_of(row));
    mark_.bind(6, std::bit_cast<std::int64_t>(row.secret.high));
    mark_.bind(7, std::bit_cast<std::int64_t>(row.secret.low));
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
    // The limit bounds the time of one call, since other calls wait for the worker.
    query.bind(2, where.limit);
    store_fault fault;
    while (!fault && query.step()) {
        // With `bad` a damaged row is counted and skipped, without it reading stops.
        if (const auto row = read_row(query, mark)) {
            // The sink gets one row at a time, so a salvage of a million rows needs no memory for them.
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
        row.key.high = std::bit_cast<std::uint64_t>(keys_.integer(0).value_or(0));
        row.key.low = std::bit_cast<std::uint64_t>(keys_.integer(1).value_or(0));
        row.at = {keys_.integer(2).value_or(0)};
        // The lowest four bits are the kind. The whole column is compared below.
        const auto number = static_cast<std::uint8_t>(keys_.integer(3).value_or(0) & 0xF);
        const auto kind = remembered_kind_words.from_stored(number);
        row.kind = kind.value_or(row.kind);
        // Version 1 had keys of 64 bits, and its sums are of those.
        const std::int64_t right = version_ == 1 ? version_1_kind_and_sum(row) : kind_and_sum(row);
        if (kind && keys_.integer(3) == right) {
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
    // Version 1 has no secret: the caller's new one stays.
    row.secret = into.secret;
    // Without the mark no stored time has a meaning, so a missing row is damage.
    if (state_.step()) {
        row.mark.stored.ms = state_.integer(0).value_or(0);
        row.mark.wall = api_time(milliseconds(state_.integer(1).value_or(0)));
        row.mark.steady = steady_time(steady_duration(state_.integer(2).value_or(0)));
        row.mark.boot = std::bit_cast<std::uint64_t>(state_.integer(3).value_or(0));
        // Not part of the checksum: a wrong value here only changes a metric.
        row.last_corruption = state_.integer(4).value_or(0);
        if (version_ > 1) {
            row.secret.high = std::bit_cast<std::uint64_t>(state_.integer(6).value_or(0));
            row.secret.low = std::bit_cast<std::uint64_t>(state_.integer(7).value_or(0));
        }
        const std::int64_t right = version_ == 1 ? version_1_sum_of(row.mark) : sum_of(row);
        if (state_.integer(5) != right || !is_sound(row.mark)) {
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
