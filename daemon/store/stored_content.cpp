#include "store/stored_content.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace kallglot {

namespace {

/// The result of one call of the worker.
template <class Row>
struct batch {
    store_fault fault;
    std::vector<Row> rows;
};

// Pointers and not references: parameters of coroutines are values (C6), and all of these outlive the restore.
task<store_fault> read_sessions(engine_worker* worker,
                                const clock* time,
                                const stored_timeline* line,
                                store_reader* reader) {
    // Batches bound the memory of a call, and the loop runs between two of them.
    std::string after;
    for (;;) {
        std::function<batch<stored_session>(store_engine&)> call = [after](store_engine& engine) {
            batch<stored_session> read;
            // Reserved, so that a batch does not grow ten times while the loop waits for it.
            read.rows.reserve(rows_a_call);
            read.fault = engine.read(after, rows_a_call, read.rows);
            return read;
        };
        result<batch<stored_session>> answer = co_await worker->run(std::move(call));
        // Cancelled: the daemon stops during the restore.
        if (!answer) {
            co_return cut_off();
        }
        // An empty batch is the end.
        if (answer->fault || answer->rows.empty()) {
            co_return answer->fault;
        }
        // One moment for the whole batch, so that ages of its sessions compare.
        const steady_time now = time->now();
        std::vector<kept_session> sessions;
        sessions.reserve(answer->rows.size());
        for (const stored_session& row : answer->rows) {
            sessions.push_back({row.id, to_record(row, *line, now)});
        }
        // Where the next batch starts. Rows are in the order of ids, and no write runs meanwhile.
        after = answer->rows.back().id.view();
        reader->on_sessions(sessions);
    }
}

task<store_fault> read_keys(engine_worker* worker,
                            const clock* time,
                            const stored_timeline* line,
                            store_reader* reader) {
    // One call: a key is small, and all of them are needed for sorting.
    std::function<batch<remembered_row>(store_engine&)> call = [](store_engine& engine) {
        batch<remembered_row> read;
        read.fault = engine.read_keys(read.rows);
        // The reader adds remembered keys in the order of their times. Sorted here, since this is the worker.
        std::ranges::sort(read.rows, {}, &remembered_row::at);
        return read;
    };
    result<batch<remembered_row>> answer = co_await worker->run(std::move(call));
    if (!answer) {
        co_return cut_off();
    }
    if (answer->fault) {
        co_return answer->fault;
    }
    std::vector<remembered_entry> entries;
    entries.reserve(answer->rows.size());
    const steady_time now = time->now();
    for (const remembered_row& row : answer->rows) {
        // After the wall clock was set back, a stored time may be in the future.
        entries.push_back({row.key, std::min(line->to_steady(row.at), now), row.kind});
    }
    reader->on_remembered(entries);
    co_return store_fault{};
}

task<store_fault> read_episodes(engine_worker* worker,
                                const clock* time,
                                const stored_timeline* line,
                                store_reader* reader) {
    // One call: their number is bounded.
    std::function<batch<stored_episode>(store_engine&)> call = [](store_engine& engine) {
        batch<stored_episode> read;
        read.fault = engine.read_episodes(read.rows);
        return read;
    };
    result<batch<stored_episode>> answer = co_await worker->run(std::move(call));
    if (!answer) {
        co_return cut_off();
    }
    if (answer->fault) {
        co_return answer->fault;
    }
    std::vector<stuck_episode> episodes;
    episodes.reserve(answer->rows.size());
    const steady_time now = time->now();
    for (const stored_episode& row : answer->rows) {
        // Sessions come first: the reader relates each open episode to its session.
        episodes.push_back(to_episode(row, *line, now));
    }
    reader->on_episodes(episodes);
    co_return store_fault{};
}

} // namespace

task<store_fault> read_everything(engine_worker* worker,
                                  const clock* time,
                                  const stored_timeline* line,
                                  store_reader* reader) {
    store_fault fault = co_await read_sessions(worker, time, line, reader);
    // Without its sessions the store is not used, so its keys are not needed.
    if (!fault) {
        fault = co_await read_keys(worker, time, line, reader);
    }
    if (!fault) {
        fault = co_await read_episodes(worker, time, line, reader);
    }
    co_return fault;
}

} // namespace kallglot
