// The part of sqlite_store that waits for its worker.

#include "kallglot/store/sqlite_store.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

constexpr std::size_t slice = 4096;

struct session_batch {
    store_fault fault;
    std::vector<stored_session> rows;
};

struct key_batch {
    store_fault fault;
    std::vector<remembered_row> rows;
};

/// Nobody cancels what the store waits for; if it happens, nothing is known of the disk.
store_fault cut_off() {
    return {store_fault_kind::broken, "cut off"};
}

} // namespace

template <class T>
task<result<T>> sqlite_store::run(work<T> what) {
    busy_since_ = clock_.now();
    result<T> answer = co_await worker_.run<T>(std::move(what));
    busy_since_.reset();
    co_return answer;
}

task<error_code> sqlite_store::run_step(std::function<store_fault(store_engine&)> step) {
    work<store_fault> what = [engine = engine_, step = std::move(step)]() -> result<store_fault> {
        return step(*engine);
    };
    result<store_fault> answer = co_await run(std::move(what));
    fault_ = answer ? std::move(*answer) : cut_off();
    co_return fault_ ? make_error_code(errc::store_unavailable) : error_code{};
}

task<error_code> sqlite_store::open() {
    work<store_opening> what = [engine = engine_,
                                wall = clock_.wall_now(),
                                now = clock_.now()]() -> result<store_opening> {
        return engine->open(wall, now);
    };
    result<store_opening> answer = co_await run(std::move(what));
    if (!answer) {
        co_return answer.error();
    }
    opening_ = std::move(*answer);
    if (opening_.fault) {
        co_return make_error_code(errc::store_unavailable);
    }
    line_ = opening_.line;
    snapshot_.size_bytes = opening_.size_bytes;
    snapshot_.last_corruption_timestamp = static_cast<double>(opening_.last_corruption) / 1000;
    co_return error_code{};
}

task<error_code> sqlite_store::restore(store_reader& reader) {
    std::string after;
    for (;;) {
        work<session_batch> what = [engine = engine_, after]() -> result<session_batch> {
            session_batch batch;
            batch.rows.reserve(slice);
            batch.fault = engine->read(after, slice, batch.rows);
            return batch;
        };
        result<session_batch> answer = co_await run(std::move(what));
        if (!answer || answer->fault) {
            opening_.fault = answer ? answer->fault : cut_off();
            co_return make_error_code(errc::store_unavailable);
        }
        if (answer->rows.empty()) {
            break;
        }
        const steady_time now = clock_.now();
        std::vector<kept_session> sessions;
        sessions.reserve(answer->rows.size());
        for (const stored_session& row : answer->rows) {
            sessions.push_back({row.id, to_record(row, *line_, now)});
        }
        after = answer->rows.back().id.view();
        reader.on_sessions(sessions);
    }

    work<key_batch> what = [engine = engine_]() -> result<key_batch> {
        key_batch batch;
        batch.fault = engine->read_keys(batch.rows);
        std::ranges::sort(batch.rows, {}, &remembered_row::at);
        return batch;
    };
    result<key_batch> answer = co_await run(std::move(what));
    if (!answer || answer->fault) {
        opening_.fault = answer ? answer->fault : cut_off();
        co_return make_error_code(errc::store_unavailable);
    }
    std::vector<remembered_entry> entries;
    entries.reserve(answer->rows.size());
    const steady_time now = clock_.now();
    for (const remembered_row& row : answer->rows) {
        entries.push_back({row.key, std::min(line_->to_steady(row.at), now), row.kind});
    }
    reader.on_remembered(entries);
    co_return error_code{};
}

task<error_code> sqlite_store::commit(transaction groups) {
    work<commit_outcome> what = [engine = engine_,
                                 groups = std::move(groups)]() -> result<commit_outcome> {
        return engine->commit(groups);
    };
    result<commit_outcome> answer = co_await run(std::move(what));
    fault_ = answer ? answer->fault : cut_off();
    if (fault_) {
        co_return make_error_code(errc::store_unavailable);
    }
    take_success(*answer);
    co_return error_code{};
}

task<> sqlite_store::commit_next() {
    const error_code error = co_await commit(queue_.begin());
    if (error) {
        take_failure(fault_);
        co_return;
    }
    queue_.succeed();
}

task<> sqlite_store::write_log_back() {
    std::function<store_fault(store_engine&)> step = [](store_engine& engine) {
        return engine.checkpoint();
    };
    const error_code error = co_await run_step(std::move(step));
    log_pages_ = 0;
    if (error) {
        take_failure(fault_);
    }
}

task<> sqlite_store::try_again() {
    // A flush that comes meanwhile would find nothing to write into.
    flush_ = false;
    error_code error;
    if (anew_ || notes_.overflowed()) {
        error = co_await write_anew();
    }
    if (!error) {
        error = co_await write_held();
    }
    if (error) {
        take_failure(fault_);
        co_return;
    }
    // What was refused meanwhile is told before, so that it is among what the owner is asked for now.
    tell_not_stored();
    unusable_ = false;
    flush_ = true;
    owner_->on_store_usable();
    no_room_ = true;
}

task<error_code> sqlite_store::write_held() {
    // What is told meanwhile stays behind, for the next commit. The mark makes sure that something is written.
    const std::size_t count = notes_.held().size();
    auto group = std::make_shared<change_group>();
    group->changes = notes_.held();
    group->mark = mark();
    transaction groups(1, group);
    const error_code error = co_await commit(std::move(groups));
    if (error) {
        co_return error;
    }
    if (notes_.overflowed()) {
        fault_ = {store_fault_kind::broken, "more changes than the disk can take"};
        co_return make_error_code(errc::store_unavailable);
    }
    notes_.release_held(count);
    for (store_change& change : notes_.take_held()) {
        queue_.push_held(std::move(change));
    }
    co_return error_code{};
}

task<error_code> sqlite_store::write_anew() {
    anew_ = true;
    // Memory has all of it and newer; what comes from now on is noted again.
    notes_.overflow();
    notes_.clear_overflow();
    std::function<store_fault(store_engine&)> step = [first = mark(),
                                                      damaged = damaged_](store_engine& engine) {
        return engine.begin_rewrite(first, damaged);
    };
    error_code error = co_await run_step(std::move(step));
    if (!error) {
        error = co_await list_sessions();
    }
    if (!error) {
        error = co_await list_remembered();
    }
    if (!error) {
        step = [](store_engine& engine) {
            return engine.finish_rewrite();
        };
        error = co_await run_step(std::move(step));
    }
    if (!error) {
        if (damaged_) {
            snapshot_.last_corruption_timestamp =
                std::chrono::duration<double>(clock_.wall_now().time_since_epoch()).count();
        }
        anew_ = false;
        damaged_ = false;
        log_pages_ = 0;
    }
    co_return error;
}

task<error_code> sqlite_store::list_sessions() {
    std::uint64_t cursor = 0;
    for (bool more = true; more;) {
        std::vector<kept_session> sessions;
        more = owner_->list_sessions(cursor, slice, sessions);
        std::vector<stored_session> rows;
        rows.reserve(sessions.size());
        for (const kept_session& kept : sessions) {
            rows.push_back(to_stored(kept.id, kept.record, *line_));
        }
        std::function<store_fault(store_engine&)> step =
            [rows = std::move(rows)](store_engine& engine) {
                return engine.append(rows);
            };
        const error_code error = co_await run_step(std::move(step));
        if (error) {
            co_return error;
        }
    }
    co_return error_code{};
}

task<error_code> sqlite_store::list_remembered() {
    std::uint64_t cursor = 0;
    for (bool more = true; more;) {
        std::vector<remembered_entry> entries;
        more = owner_->list_remembered(cursor, slice, entries);
        std::vector<remembered_row> rows;
        rows.reserve(entries.size());
        for (const remembered_entry& entry : entries) {
            rows.push_back(row_of(entry));
        }
        std::function<store_fault(store_engine&)> step =
            [rows = std::move(rows)](store_engine& engine) {
                return engine.append(rows);
            };
        const error_code error = co_await run_step(std::move(step));
        if (error) {
            co_return error;
        }
    }
    co_return error_code{};
}

task<error_code> sqlite_store::close() {
    tick_->cancel();
    closing_ = true;
    flush_ = true;
    wake();
    co_await tasks_.join();
    const bool lost = unusable_;
    if (line_ && !stuck_) {
        tasks_.spawn("store_close", close_file());
        co_await tasks_.join();
    }
    closed_ = true;
    stuck_timer_->cancel();
    co_return lost || stuck_ || fault_ ? make_error_code(errc::store_unavailable) : error_code{};
}

task<> sqlite_store::close_file() {
    std::function<store_fault(store_engine&)> step = [last = mark()](store_engine& engine) {
        return engine.close(last);
    };
    static_cast<void>(co_await run_step(std::move(step)));
}

} // namespace kallglot
