#include "store/stored_content.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace kallglot {

namespace {

template <class Row>
struct batch {
    store_fault fault;
    std::vector<Row> rows;
};

task<store_fault> read_sessions(engine_worker* worker,
                                const clock* time,
                                const stored_timeline* line,
                                store_reader* reader) {
    std::string after;
    for (;;) {
        std::function<batch<stored_session>(store_engine&)> call = [after](store_engine& engine) {
            batch<stored_session> read;
            read.rows.reserve(rows_a_call);
            read.fault = engine.read(after, rows_a_call, read.rows);
            return read;
        };
        result<batch<stored_session>> answer = co_await worker->run(std::move(call));
        if (!answer) {
            co_return cut_off();
        }
        if (answer->fault || answer->rows.empty()) {
            co_return answer->fault;
        }
        const steady_time now = time->now();
        std::vector<kept_session> sessions;
        sessions.reserve(answer->rows.size());
        for (const stored_session& row : answer->rows) {
            sessions.push_back({row.id, to_record(row, *line, now)});
        }
        after = answer->rows.back().id.view();
        reader->on_sessions(sessions);
    }
}

task<store_fault> read_keys(engine_worker* worker,
                            const clock* time,
                            const stored_timeline* line,
                            store_reader* reader) {
    std::function<batch<remembered_row>(store_engine&)> call = [](store_engine& engine) {
        batch<remembered_row> read;
        read.fault = engine.read_keys(read.rows);
        // Remembered keys are added in the order of their times.
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
        // A wall clock that was put back must not make a key younger than now.
        entries.push_back({row.key, std::min(line->to_steady(row.at), now), row.kind});
    }
    reader->on_remembered(entries);
    co_return store_fault{};
}

} // namespace

task<store_fault> read_everything(engine_worker* worker,
                                  const clock* time,
                                  const stored_timeline* line,
                                  store_reader* reader) {
    store_fault fault = co_await read_sessions(worker, time, line, reader);
    if (!fault) {
        fault = co_await read_keys(worker, time, line, reader);
    }
    co_return fault;
}

} // namespace kallglot
