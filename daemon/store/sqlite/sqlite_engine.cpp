#include "store/sqlite/sqlite_engine.hpp"

#include <fstream>
#include <string>
#include <utility>

namespace kallglot {

namespace {

/// A number for the present boot of this machine; 0 if it is unknown. Steady times are comparable within one boot only.
std::uint64_t boot_number(std::string text) {
    if (text.empty()) {
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        file >> text;
    }
    // systemd passes the same id without hyphens.
    std::erase(text, '-');
    return text.empty() ? 0 : version_1_key(text);
}

/// Whether reading failed for a reason outside the file, for example lack of memory. A later attempt may read all of it, so
/// nothing may be discarded now.
bool is_temporary(const store_fault& fault) noexcept {
    return fault.kind == store_fault_kind::unwritable;
}

} // namespace

store_opening sqlite_engine::open(api_time wall, steady_time now) {
    store_opening opening;
    const std::uint64_t boot = boot_number(boot_id_);
    const time_mark first = stored_timeline::begin(wall, now, boot).mark(wall, now);
    // Used for a new store, and for one whose state cannot be read.
    opened_ = first;
    state_ = {first, 0, random_hash_key()};
    // A failed start leaves no connection open. The free space is the first thing that an operator checks.
    if ((opening.fault = open_checked(opening))) {
        disconnect();
        disconnect_next();
        opening.fault.text += ", " + files_.free_space();
        return opening;
    }
    opening.line = opening.is_new ? stored_timeline(first)
                                  : stored_timeline::resume(state_.mark, wall, now, boot);
    opening.last_corruption = state_.last_corruption;
    opening.secret = state_.secret;
    // A first write shows whether the disk accepts writes before the first id arrives.
    opening.writing = commit_mark(opening.line->mark(wall, now)).fault;
    opening.size_bytes = files_.size();
    return opening;
}

store_fault sqlite_engine::open_checked(store_opening& opening) {
    // Before anything is read or moved: another process may be using the files.
    if (store_fault fault = files_.lock()) {
        return fault;
    }
    // A crash may have interrupted a replacement.
    std::string aside;
    if (store_fault fault = files_.settle(aside)) {
        return fault;
    }
    // The rows were salvaged before the crash, so their number is not known any more.
    if (!aside.empty()) {
        opening.damage = store_damage{"an earlier repair was interrupted", aside, 0, 0};
    }
    // A new store is built and renamed like a rewrite, so that a crash leaves no half-made file.
    if (!files_.exists()) {
        opening.is_new = true;
        if (store_fault fault = make_new(state_)) {
            return fault;
        }
        return connect();
    }
    // Repaired once. A salvaged store that is damaged as well is a failing disk, so the start fails.
    store_fault fault = verify();
    if (fault.kind == store_fault_kind::damaged) {
        opening.damage = store_damage{fault.text, {}, 0, 0};
        if (store_fault worse = salvage(*opening.damage)) {
            return worse;
        }
        fault = verify();
    }
    // A salvaged store is of the present version.
    if (!fault && version_ != session_table::version) {
        fault = upgrade();
    }
    return fault ? fault : connect();
}

// From the cheapest check to the most expensive one. A file of another program is recognised before SQLite opens it, so that
// no byte of it changes.
store_fault sqlite_engine::verify() {
    const std::string& path = files_.path();
    store_files::identity identity;
    if (store_fault fault = files_.identify(identity)) {
        return fault;
    }
    if (!identity.is_database) {
        return {store_fault_kind::damaged, path + ": not an SQLite database"};
    }
    // Refused, not repaired: the operator has probably configured a wrong path, or gone back to an older version.
    if (identity.application != session_table::application) {
        return {store_fault_kind::refused, path + ": database of another program"};
    }
    if (identity.version > session_table::version) {
        return {store_fault_kind::refused, path + ": written by a newer version of this program"};
    }
    if (store_fault fault = db_.open(path)) {
        return fault;
    }
    bound_reading();
    // Reads the log too, which may contain a newer header.
    if (store_fault fault = db_.run("SELECT count(*) FROM sqlite_schema")) {
        return fault;
    }
    // Before anything is read from the tables: a trigger or a view is not ours.
    if (store_fault fault = find_version()) {
        return fault;
    }
    // The structure of the whole file; one finding is enough.
    if (const auto answer = db_.word("PRAGMA quick_check(1)"); answer != "ok") {
        const store_fault fault = db_.last_fault();
        // An answer is a finding. No answer is a failed read, which a later attempt may not have.
        return answer ? store_fault{store_fault_kind::damaged, path + ": " + *answer} : fault;
    }
    if (store_fault fault = table_.prepare_reading(db_, version_)) {
        return fault;
    }
    // The mark first: it bounds the plausible times of the rows.
    if (store_fault fault = table_.read_state(state_)) {
        return fault;
    }
    // quick_check does not know the checksums: read every row.
    if (store_fault fault = table_.read({}, state_.mark.stored, [](const stored_session&) {})) {
        return fault;
    }
    if (store_fault fault = table_.read_keys([](const remembered_row&) {})) {
        return fault;
    }
    return table_.episodes().read(state_.mark.stored, [](const stored_episode&) {});
}

// The version by the header and by the texts of the tables, which must agree.
store_fault sqlite_engine::find_version() {
    const std::string& path = files_.path();
    // The header in the log may be newer than the one that identify() has read.
    const auto header = db_.number("PRAGMA user_version");
    if (header.value_or(0) > session_table::version) {
        return {store_fault_kind::refused, path + ": written by a newer version of this program"};
    }
    const auto tables = header ? session_table::version_of(db_) : std::nullopt;
    if (!tables) {
        // Memory may have been short while they were read: that says nothing about the file.
        store_fault unread = db_.last_fault();
        if (is_temporary(unread)) {
            return unread;
        }
    }
    if (!tables || *header != *tables) {
        return {store_fault_kind::damaged, path + ": tables are not those of this program"};
    }
    version_ = *tables;
    return {};
}

// Rewrites an old store, as salvage() does with a damaged one. Version 1 has no secret, so open() has made one. Neither old
// version has episodes.
store_fault sqlite_engine::upgrade() {
    if (store_fault unmade = begin_next(state_)) {
        return unmade;
    }
    bool written = true;
    store_fault fault = table_.read({}, state_.mark.stored, [&](const stored_session& row) {
        written = written && next_.put(row);
    });
    if (!fault) {
        fault = table_.read_keys([&](remembered_row row) {
            row.key = version_ == 1 ? key_of_version_1(state_.secret, row.key.low) : row.key;
            written = written && next_.put(row);
        });
    }
    if (!fault && !written) {
        fault = next_db_.last_fault();
    }
    if (!fault) {
        disconnect();
        fault = end_next();
    }
    return fault ? fault : files_.replace();
}

// Every step of reading a good file is about some byte of it. A file that another program changed may ask for endless work.
void sqlite_engine::bound_reading() {
    constexpr int steps_a_look = 100'000;
    constexpr std::uint64_t steps_a_byte = 20;
    looks_left_ = 20 + steps_a_byte * files_.size() / steps_a_look;
    sqlite3_progress_handler(
        db_.handle(),
        steps_a_look,
        [](void* self) {
            auto& engine = *static_cast<sqlite_engine*>(self);
            ++engine.progress_;
            if (engine.looks_left_ == 0) {
                return 1;
            }
            --engine.looks_left_;
            return 0;
        },
        this);
}

store_fault sqlite_engine::connect() {
    // verify() has opened an existing store. A new or rewritten one is not open yet.
    if (!db_.is_open()) {
        if (store_fault fault = db_.open(files_.path())) {
            return fault;
        }
    }
    sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr);
    // A commit is then one sync of the log.
    if (db_.word("PRAGMA journal_mode=WAL") != "wal") {
        return db_.last_fault();
    }
    // durable_store decides when to run a checkpoint, so that no commit waits for one. The log file is overwritten, not
    // truncated, which saves work of the file system's own journal. Limits: 64 MiB of log, 32 MiB of cache.
    if (store_fault fault =
            db_.run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                    "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32768")) {
        return fault;
    }
    // SQLite reports the length of the log after each commit. Setting a hook also disables automatic checkpoints.
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
    // A failed rewrite has closed the connection, and the next attempt begins with another rewrite.
    if (!db_.is_open()) {
        outcome.fault = {store_fault_kind::broken, files_.path() + ": not open"};
        return outcome;
    }
    // IMMEDIATE: a disk that refuses writes is found here, not in the middle.
    if ((outcome.fault = db_.run("BEGIN IMMEDIATE"))) {
        return outcome;
    }
    for (const auto& group : groups) {
        if (!apply(*group)) {
            outcome.fault = abandon();
            return outcome;
        }
    }
    // Durable when COMMIT returns. After a failure nothing of it counts.
    if (db_.run("COMMIT")) {
        outcome.fault = abandon();
        return outcome;
    }
    // The hook has set it during COMMIT.
    outcome.log_pages = log_pages_;
    outcome.size_bytes = files_.size();
    outcome.more_to_purge = std::exchange(more_to_purge_, false);
    return outcome;
}

commit_outcome sqlite_engine::commit_mark(const time_mark& mark) {
    return commit({std::make_shared<change_group>(change_group{{}, mark, std::nullopt})});
}

bool sqlite_engine::apply(const change_group& group) {
    // In order: an id may be added, removed and added again in one group.
    for (const store_change& change : group.changes) {
        if (!apply(change)) {
            return false;
        }
    }
    return (!group.mark || table_.put({*group.mark, state_.last_corruption, state_.secret}))
           && (!group.purge_before || purge(*group.purge_before));
}

bool sqlite_engine::purge(stored_time before) {
    constexpr std::int64_t max_keys = 20'000;
    if (!table_.purge(before, max_keys)) {
        return false;
    }
    // As many as permitted: there are probably more.
    more_to_purge_ = ::sqlite3_changes(db_.handle()) >= max_keys;
    return true;
}

bool sqlite_engine::apply(const store_change& change) {
    // A session that is added again is no longer remembered as ended.
    if (const auto* const put = std::get_if<put_session>(&change)) {
        const std::string_view id = put->row.id.view();
        // By its old key too, if it ended before an upgrade.
        return table_.put(put->row) && table_.forget_key(key_of_session(state_.secret, id))
               && table_.forget_key(key_of_version_1(state_.secret, version_1_key(id)));
    }
    if (const auto* const update = std::get_if<update_session>(&change)) {
        return table_.update(update->row);
    }
    if (const auto* const remove = std::get_if<remove_session>(&change)) {
        return table_.remove(remove->id);
    }
    if (const auto* const episode = std::get_if<stored_episode>(&change)) {
        return table_.episodes().put(*episode);
    }
    if (const auto* const remove = std::get_if<remove_episode>(&change)) {
        return table_.episodes().remove(remove->number);
    }
    return table_.put(std::get<remembered_row>(change));
}

store_fault sqlite_engine::abandon() {
    // Before ROLLBACK, which would replace the error.
    store_fault fault = db_.last_fault();
    // After some faults SQLite has rolled back by itself.
    if (db_.in_transaction()) {
        static_cast<void>(db_.run("ROLLBACK"));
    }
    return fault;
}

store_fault sqlite_engine::checkpoint() {
    // Without a file there is no log. The next commit reports that.
    if (!db_.is_open()) {
        return {};
    }
    // PASSIVE: no other connection exists, so it can write back all pages.
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

store_fault sqlite_engine::read_episodes(std::vector<stored_episode>& rows) {
    return table_.episodes().read(state_.mark.stored,
                                  [&rows](const stored_episode& row) { rows.push_back(row); });
}

store_fault sqlite_engine::close(const time_mark& mark) {
    if (!db_.is_open()) {
        return {store_fault_kind::broken, files_.path() + ": not open"};
    }
    // The last mark gives the next start the newest relation of both clocks.
    commit_outcome last = commit_mark(mark);
    // After a clean stop there is no log, so that a copy of the one file is a complete backup.
    if (!last.fault) {
        const int code = sqlite3_wal_checkpoint_v2(db_.handle(),
                                                   nullptr,
                                                   SQLITE_CHECKPOINT_TRUNCATE,
                                                   nullptr,
                                                   nullptr);
        last.fault = code == SQLITE_OK ? store_fault{} : db_.last_fault();
    }
    if (!last.fault) {
        // Lets SQLite remove the empty log with the connection.
        sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    }
    disconnect();
    return last.fault;
}

void sqlite_engine::disconnect() noexcept {
    // Statements before their connection.
    table_ = session_table();
    db_.close();
}

// Rewriting -----------------------------------------------------------------------------------------------------------

store_fault sqlite_engine::begin_rewrite(const time_mark& mark, bool damaged) {
    // The old file is not trusted any more, and its connection would hold its log open.
    disconnect();
    keep_aside_ = damaged;
    // The new file carries the time of the damage, for the metric after a restart.
    if (damaged) {
        state_.last_corruption = mark.wall.time_since_epoch().count();
    }
    return begin_next({mark, state_.last_corruption, state_.secret});
}

store_fault sqlite_engine::append(const std::vector<stored_session>& rows) {
    // Into the transaction that begin_next() has started.
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

store_fault sqlite_engine::append(const std::vector<stored_episode>& rows) {
    for (const stored_episode& row : rows) {
        if (!next_.episodes().put(row)) {
            return next_db_.last_fault();
        }
    }
    return {};
}

store_fault sqlite_engine::finish_rewrite() {
    if (store_fault fault = end_next()) {
        return fault;
    }
    // A file with unknown content is replaced: memory has everything. A damaged one is kept for inspection.
    std::string aside;
    if (store_fault fault = keep_aside_ ? files_.replace_damaged(aside) : files_.replace()) {
        return fault;
    }
    return connect();
}

store_fault sqlite_engine::begin_next(const state_row& state) {
    // An attempt that failed halfway may be open still.
    disconnect_next();
    if (store_fault fault = files_.prepare_next()) {
        return fault;
    }
    if (store_fault fault = next_db_.open(files_.next())) {
        return fault;
    }
    // One transaction in a file that is not read before it is complete: it needs one sync, but no journal on disk.
    if (store_fault fault = next_db_.run("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL;"
                                         "PRAGMA cache_size=-32768; BEGIN IMMEDIATE")) {
        return fault;
    }
    // The mark is part of the same transaction: a store without one does not exist.
    if (store_fault fault = session_table::create(next_db_, state)) {
        return fault;
    }
    return next_.prepare(next_db_);
}

store_fault sqlite_engine::end_next() {
    if (!next_db_.is_open()) {
        return {store_fault_kind::broken, files_.next() + ": not open"};
    }
    // synchronous=FULL: after COMMIT the file is on the disk. It is closed before it is renamed.
    store_fault fault = next_db_.run("COMMIT");
    disconnect_next();
    return fault;
}

// Builds a new store from all rows that can be read, then sets the damaged one aside.
store_fault sqlite_engine::salvage(store_damage& damage) {
    bool readable = false;
    bool secret_is_known = false;
    state_ = {opened_, 0, random_hash_key()};
    if (db_.is_open()) {
        bound_reading();
        const store_fault unprepared = prepare_to_salvage();
        // Tables that do not fit the statements have no rows for us.
        readable = !unprepared;
        // Without a readable time mark, stored times are restored by the wall clock, which is close enough.
        const store_fault fault = readable ? table_.read_state(state_) : unprepared;
        if (is_temporary(fault)) {
            return fault;
        }
        // Keys made with a secret that is lost match no text any more. Those of version 1 were made without one.
        secret_is_known = !fault || version_ == 1;
    }
    // read_state() may have replaced it by the time of an earlier damage.
    state_.last_corruption = opened_.wall.time_since_epoch().count();
    if (store_fault fault = begin_next(state_)) {
        return fault;
    }
    // Without readable tables the new store is empty: files and webhooks register their sessions again.
    if (readable) {
        if (store_fault fault = copy_rows(damage, secret_is_known)) {
            return fault;
        }
    }
    disconnect();
    // From the commit point inside replace_damaged() on, a crash cannot lose the salvaged rows.
    if (store_fault fault = end_next()) {
        return fault;
    }
    return files_.replace_damaged(damage.kept_as);
}

store_fault sqlite_engine::prepare_to_salvage() {
    // With more or other objects than ours our tables may still be there, of any version.
    store_fault fault;
    for (version_ = session_table::version; version_ > 0; --version_) {
        fault = table_.prepare_reading(db_, version_);
        if (!fault || is_temporary(fault)) {
            return fault;
        }
    }
    version_ = 1;
    return fault;
}

store_fault sqlite_engine::copy_rows(store_damage& damage, bool with_keys) {
    // A row that cannot be written must not count as saved for good: the salvage fails at the end.
    bool written = true;
    std::string last;
    // Writes a row into the new store.
    const auto keep = [&](const stored_session& row) {
        written = written && next_.put(row);
        ++damage.saved;
    };
    // From the front up to the damaged page, then from the back down to it. Each row with a right checksum is used.
    const store_fault broken = table_.read(
        {},
        state_.mark.stored,
        [&](const stored_session& row) {
            keep(row);
            last = row.id.view();
        },
        &damage.unreadable);
    if (is_temporary(broken)) {
        return broken;
    }
    if (broken) {
        static_cast<void>(table_.read(
            {{}, true},
            state_.mark.stored,
            [&](const stored_session& row) {
                // Behind the damage: the rows before it are saved already.
                if (row.id.view() > last) {
                    keep(row);
                }
            },
            &damage.unreadable));
    }
    // Keys are worth less than sessions: a failure to read them does not stop the salvage.
    const auto keep_key = [&](remembered_row row) {
        row.key = version_ == 1 ? key_of_version_1(state_.secret, row.key.low) : row.key;
        written = written && next_.put(row);
    };
    const store_fault keys =
        with_keys ? table_.read_keys(keep_key, &damage.unreadable) : store_fault{};
    if (is_temporary(keys)) {
        return keys;
    }
    // So are episodes.
    const store_fault episodes = table_.episodes().read(
        state_.mark.stored,
        [&](const stored_episode& row) { written = written && next_.episodes().put(row); },
        &damage.unreadable);
    if (is_temporary(episodes)) {
        return episodes;
    }
    return written ? store_fault{} : next_db_.last_fault();
}

void sqlite_engine::disconnect_next() noexcept {
    next_ = session_table();
    next_db_.close();
}

} // namespace kallglot
