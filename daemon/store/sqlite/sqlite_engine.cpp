#include "kallglot/store/sqlite_engine.hpp"

#include <fstream>
#include <string>
#include <utility>

namespace kallglot {

namespace {

/// A number for the present boot of this machine; 0 if the system does not say which it is.
std::uint64_t boot_number(std::string text) {
    if (text.empty()) {
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        file >> text;
    }
    // systemd writes it without them.
    std::erase(text, '-');
    return text.empty() ? 0 : remembered_key(text);
}

/// Whether reading failed for want of memory, and not because of the file: then nothing is given up for lost.
bool is_passing(const store_fault& fault) noexcept {
    return fault.kind == store_fault_kind::unwritable;
}

} // namespace

store_opening sqlite_engine::open(api_time wall, steady_time now) {
    store_opening opening;
    const std::uint64_t boot = boot_number(boot_id_);
    const time_mark first = stored_timeline::begin(wall, now, boot).mark(wall, now);
    opened_ = first;
    state_ = {first, 0};
    if ((opening.fault = open_checked(opening))) {
        disconnect();
        disconnect_next();
        opening.fault.text += ", " + files_.free_space();
        return opening;
    }
    opening.line = opening.is_new ? stored_timeline(first)
                                  : stored_timeline::resume(state_.mark, wall, now, boot);
    opening.last_corruption = state_.last_corruption;
    // Whether it can be written is better known before the first id comes.
    opening.writing = commit_mark(opening.line->mark(wall, now)).fault;
    opening.size_bytes = files_.size();
    return opening;
}

store_fault sqlite_engine::open_checked(store_opening& opening) {
    if (store_fault fault = files_.lock()) {
        return fault;
    }
    std::string aside;
    if (store_fault fault = files_.settle(aside)) {
        return fault;
    }
    if (!aside.empty()) {
        opening.damage = store_damage{"the repair was interrupted", aside, 0, 0};
    }
    if (!files_.exists()) {
        opening.is_new = true;
        if (store_fault fault = make_new(state_)) {
            return fault;
        }
        return connect();
    }
    store_fault fault = verify();
    if (fault.kind == store_fault_kind::damaged) {
        opening.damage = store_damage{fault.text, {}, 0, 0};
        if (store_fault worse = salvage(*opening.damage)) {
            return worse;
        }
        fault = verify();
    }
    return fault ? fault : connect();
}

store_fault sqlite_engine::verify() {
    const std::string& path = files_.path();
    store_files::identity identity;
    if (store_fault fault = files_.identify(identity)) {
        return fault;
    }
    if (!identity.is_database) {
        return {store_fault_kind::damaged, path + ": not a database"};
    }
    if (identity.application != session_table::application) {
        return {store_fault_kind::refused, path + ": a database of another program"};
    }
    if (identity.version > session_table::version) {
        return {store_fault_kind::refused, path + ": made by a newer version"};
    }
    if (store_fault fault = db_.open(path)) {
        return fault;
    }
    // With the log, which may hold a newer header.
    if (store_fault fault = db_.run("SELECT count(*) FROM sqlite_schema")) {
        return fault;
    }
    if (db_.number("PRAGMA user_version").value_or(0) > session_table::version) {
        return {store_fault_kind::refused, path + ": made by a newer version"};
    }
    if (const auto answer = db_.word("PRAGMA quick_check(1)"); answer != "ok") {
        const store_fault fault = db_.last_fault();
        // What fails while reading is no damage: another try may read it.
        return answer ? store_fault{store_fault_kind::damaged, path + ": " + *answer} : fault;
    }
    if (store_fault fault = table_.prepare(db_)) {
        return fault;
    }
    if (store_fault fault = table_.read_state(state_)) {
        return fault;
    }
    if (store_fault fault = table_.read({}, state_.mark.stored, [](const stored_session&) {})) {
        return fault;
    }
    return table_.read_keys([](const remembered_row&) {});
}

store_fault sqlite_engine::connect() {
    if (!db_.is_open()) {
        if (store_fault fault = db_.open(files_.path())) {
            return fault;
        }
    }
    if (db_.word("PRAGMA journal_mode=WAL") != "wal") {
        return db_.last_fault();
    }
    // The log is written back when the caller finds the time, so that no commit waits for it; its file is used
    // again and again, which spares the file system's own journal.
    if (store_fault fault =
            db_.run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                    "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32768")) {
        return fault;
    }
    log_pages_ = 0;
    sqlite3_wal_hook(
        db_.handle(),
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<sqlite_engine*>(self)->log_pages_ = static_cast<std::uint32_t>(pages);
            return SQLITE_OK;
        },
        this);
    return table_.prepare(db_);
}

store_fault sqlite_engine::make_new(const state_row& state) {
    if (store_fault fault = begin_next(state)) {
        return fault;
    }
    if (store_fault fault = end_next()) {
        return fault;
    }
    return files_.replace();
}

commit_outcome sqlite_engine::commit(
    const std::vector<std::shared_ptr<const change_group>>& groups) {
    commit_outcome outcome;
    if (!db_.is_open()) {
        outcome.fault = {store_fault_kind::broken, files_.path() + ": not open"};
        return outcome;
    }
    if ((outcome.fault = db_.run("BEGIN IMMEDIATE"))) {
        return outcome;
    }
    for (const auto& group : groups) {
        if (!apply(*group)) {
            outcome.fault = abandon();
            return outcome;
        }
    }
    if (db_.run("COMMIT")) {
        outcome.fault = abandon();
        return outcome;
    }
    outcome.log_pages = log_pages_;
    outcome.size_bytes = files_.size();
    outcome.more_to_purge = std::exchange(more_to_purge_, false);
    return outcome;
}

commit_outcome sqlite_engine::commit_mark(const time_mark& mark) {
    return commit({std::make_shared<change_group>(change_group{{}, mark, std::nullopt})});
}

bool sqlite_engine::apply(const change_group& group) {
    for (const store_change& change : group.changes) {
        if (!apply(change)) {
            return false;
        }
    }
    return (!group.mark || table_.put(*group.mark))
           && (!group.purge_before || purge(*group.purge_before));
}

bool sqlite_engine::purge(stored_time before) {
    constexpr std::int64_t most = 20'000;
    if (!table_.purge(before, most)) {
        return false;
    }
    more_to_purge_ = ::sqlite3_changes(db_.handle()) >= most;
    return true;
}

bool sqlite_engine::apply(const store_change& change) {
    if (const auto* const put = std::get_if<put_session>(&change)) {
        return table_.put(put->row) && table_.forget_key(remembered_key(put->row.id.view()));
    }
    if (const auto* const update = std::get_if<update_session>(&change)) {
        return table_.update(update->row);
    }
    if (const auto* const remove = std::get_if<remove_session>(&change)) {
        return table_.remove(remove->id);
    }
    return table_.put(std::get<remembered_row>(change));
}

store_fault sqlite_engine::abandon() {
    store_fault fault = db_.last_fault();
    // Some faults have rolled back already.
    if (db_.in_transaction()) {
        static_cast<void>(db_.run("ROLLBACK"));
    }
    return fault;
}

store_fault sqlite_engine::checkpoint() {
    if (!db_.is_open()) {
        return {};
    }
    const int code = sqlite3_wal_checkpoint_v2(db_.handle(),
                                               nullptr,
                                               SQLITE_CHECKPOINT_PASSIVE,
                                               nullptr,
                                               nullptr);
    if (code != SQLITE_OK) {
        return db_.last_fault();
    }
    log_pages_ = 0;
    return {};
}

store_fault sqlite_engine::read(const std::string& after,
                                std::int64_t limit,
                                std::vector<stored_session>& rows) {
    return table_.read({after, false, limit},
                       state_.mark.stored,
                       [&rows](const stored_session& row) { rows.push_back(row); });
}

store_fault sqlite_engine::read_keys(std::vector<remembered_row>& rows) {
    return table_.read_keys([&rows](const remembered_row& row) { rows.push_back(row); });
}

store_fault sqlite_engine::close(const time_mark& mark) {
    if (!db_.is_open()) {
        return {store_fault_kind::broken, files_.path() + ": not open"};
    }
    commit_outcome last = commit_mark(mark);
    if (!last.fault) {
        const int code = sqlite3_wal_checkpoint_v2(db_.handle(),
                                                   nullptr,
                                                   SQLITE_CHECKPOINT_TRUNCATE,
                                                   nullptr,
                                                   nullptr);
        last.fault = code == SQLITE_OK ? store_fault{} : db_.last_fault();
    }
    if (!last.fault) {
        // The empty log may leave with the connection.
        sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    }
    disconnect();
    return last.fault;
}

void sqlite_engine::disconnect() noexcept {
    table_ = session_table();
    db_.close();
}

// Rewriting -----------------------------------------------------------------------------------------------------------

store_fault sqlite_engine::begin_rewrite(const time_mark& mark, bool damaged) {
    disconnect();
    keep_aside_ = damaged;
    if (damaged) {
        state_.last_corruption = mark.wall.time_since_epoch().count();
    }
    return begin_next({mark, state_.last_corruption});
}

store_fault sqlite_engine::append(const std::vector<stored_session>& rows) {
    for (const stored_session& row : rows) {
        if (!next_.put(row)) {
            return next_db_.last_fault();
        }
    }
    return {};
}

store_fault sqlite_engine::append(const std::vector<remembered_row>& rows) {
    for (const remembered_row& row : rows) {
        if (!next_.put(row)) {
            return next_db_.last_fault();
        }
    }
    return {};
}

store_fault sqlite_engine::finish_rewrite() {
    if (store_fault fault = end_next()) {
        return fault;
    }
    std::string aside;
    if (store_fault fault = keep_aside_ ? files_.replace_damaged(aside) : files_.replace()) {
        return fault;
    }
    return connect();
}

store_fault sqlite_engine::begin_next(const state_row& state) {
    disconnect_next();
    if (store_fault fault = files_.prepare_next()) {
        return fault;
    }
    if (store_fault fault = next_db_.open(files_.next())) {
        return fault;
    }
    // One transaction in a file that nobody reads before it is complete: it needs no journal, but one sync.
    if (store_fault fault = next_db_.run("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL;"
                                         "PRAGMA cache_size=-32768; BEGIN IMMEDIATE")) {
        return fault;
    }
    if (store_fault fault = session_table::create(next_db_, state)) {
        return fault;
    }
    return next_.prepare(next_db_);
}

store_fault sqlite_engine::end_next() {
    if (!next_db_.is_open()) {
        return {store_fault_kind::broken, files_.next() + ": not open"};
    }
    store_fault fault = next_db_.run("COMMIT");
    disconnect_next();
    return fault;
}

store_fault sqlite_engine::salvage(store_damage& damage) {
    bool readable = false;
    state_ = {opened_, 0};
    if (db_.is_open()) {
        const store_fault unprepared = table_.prepare(db_);
        readable = !unprepared;
        // The time line goes on if it can be read; if not, the wall clock is near enough.
        const store_fault fault = readable ? table_.read_state(state_) : unprepared;
        if (is_passing(fault)) {
            return fault;
        }
    }
    state_.last_corruption = opened_.wall.time_since_epoch().count();
    if (store_fault fault = begin_next(state_)) {
        return fault;
    }
    if (readable) {
        if (store_fault fault = salvage_rows(damage)) {
            return fault;
        }
    }
    disconnect();
    if (store_fault fault = end_next()) {
        return fault;
    }
    return files_.replace_damaged(damage.kept_as);
}

store_fault sqlite_engine::salvage_rows(store_damage& damage) {
    bool written = true;
    std::string last;
    const auto keep = [&](const stored_session& row) {
        written = written && next_.put(row);
        ++damage.saved;
    };
    // From the front up to where it breaks, then from the back: a row that passes its own sum is worth having
    // wherever it was found.
    const store_fault broken = table_.read(
        {},
        state_.mark.stored,
        [&](const stored_session& row) {
            keep(row);
            last = row.id.view();
        },
        &damage.unreadable);
    if (is_passing(broken)) {
        return broken;
    }
    if (broken) {
        static_cast<void>(table_.read(
            {{}, true},
            state_.mark.stored,
            [&](const stored_session& row) {
                if (row.id.view() > last) {
                    keep(row);
                }
            },
            &damage.unreadable));
    }
    const store_fault keys =
        table_.read_keys([&](const remembered_row& row) { written = written && next_.put(row); },
                         &damage.unreadable);
    if (is_passing(keys)) {
        return keys;
    }
    return written ? store_fault{} : next_db_.last_fault();
}

void sqlite_engine::disconnect_next() noexcept {
    next_ = session_table();
    next_db_.close();
}

} // namespace kallglot
