// The part of store_engine that writes a store anew: from memory after a fault, or from what a damaged file still
// gives.

#include "store/sqlite/store_engine.hpp"

#include <string>

namespace kallglot {

namespace {

/// Whether reading failed for want of memory, and not because of the file: then nothing is given up for lost.
bool is_passing(const store_fault& fault) noexcept {
    return fault.kind == store_fault_kind::unwritable;
}

} // namespace

store_fault store_engine::begin_rewrite(const time_mark& mark, bool damaged) {
    disconnect();
    keep_aside_ = damaged;
    if (damaged) {
        state_.last_corruption = mark.wall.time_since_epoch().count();
    }
    return begin_next({mark, state_.last_corruption});
}

store_fault store_engine::append(const std::vector<stored_session>& rows) {
    for (const stored_session& row : rows) {
        if (!next_.put(row)) {
            return next_db_.last_fault();
        }
    }
    return {};
}

store_fault store_engine::append(const std::vector<remembered_row>& rows) {
    for (const remembered_row& row : rows) {
        if (!next_.put(row)) {
            return next_db_.last_fault();
        }
    }
    return {};
}

store_fault store_engine::finish_rewrite() {
    if (store_fault fault = end_next()) {
        return fault;
    }
    std::string aside;
    if (store_fault fault = keep_aside_ ? files_.replace_damaged(aside) : files_.replace()) {
        return fault;
    }
    return connect();
}

store_fault store_engine::begin_next(const state_row& state) {
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

store_fault store_engine::end_next() {
    if (!next_db_.is_open()) {
        return {store_fault_kind::broken, files_.next() + ": not open"};
    }
    store_fault fault = next_db_.run("COMMIT");
    disconnect_next();
    return fault;
}

store_fault store_engine::salvage(store_damage& damage) {
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

store_fault store_engine::salvage_rows(store_damage& damage) {
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

void store_engine::disconnect_next() noexcept {
    next_ = session_table();
    next_db_.close();
}

} // namespace kallglot
