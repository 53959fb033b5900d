#include "store/postgresql/session_calls.hpp"

#include "store/packed_facts.hpp"
#include "store/postgresql/pg_statements.hpp"

#include <boost/assert.hpp>

#include <chrono>
#include <limits>
#include <utility>

namespace kallglot {

namespace {

/// Sources have a column of their own: the owner's update of the facts must not wipe a bit that another replica has just set.
constexpr int source_bits = 4;

std::int16_t number_of(shard_number shard) noexcept {
    return static_cast<std::int16_t>(shard);
}

std::vector<std::int16_t> numbers_of(const held_shards& held) {
    std::vector<std::int16_t> numbers;
    for (const auto& [shard, epoch] : held.epochs) {
        numbers.push_back(number_of(shard));
    }
    return numbers;
}

/// A column for each value of a session. Each vector has one element a row.
struct session_columns {
    std::vector<std::int16_t> shards;
    std::vector<std::string> ids;
    std::vector<std::int16_t> sources;
    std::vector<std::int32_t> facts;
    std::vector<std::int64_t> since;
    std::vector<std::optional<std::int64_t>> slack;
    std::vector<std::optional<std::int64_t>> seen;
    std::vector<std::optional<std::int64_t>> created;
    std::vector<std::optional<std::int64_t>> started;
    std::vector<std::optional<std::int64_t>> missing;
    std::vector<std::optional<std::int64_t>> call_ms;

    void push(shard_number shard, const stored_session& row) {
        shards.push_back(number_of(shard));
        ids.emplace_back(row.id.view());
        sources.push_back(row.sources);
        facts.push_back(static_cast<std::int32_t>(pack(row) >> source_bits));
        since.push_back(row.since.ms);
        slack.push_back(row.slack);
        seen.push_back(row.seen);
        created.push_back(ms_of(row.created));
        started.push_back(ms_of(row.started));
        missing.push_back(ms_of(row.missing));
        call_ms.push_back(row.call_ms == 0 ? std::nullopt
                                           : std::optional<std::int64_t>(row.call_ms));
    }

    void add_values_to(pg_parameters& parameters) const {
        parameters.add(facts).add(since).add(slack).add(seen);
        parameters.add(created).add(started).add(missing).add(call_ms);
    }
};

std::optional<stored_time> moment_in(const pg_row& row, int column) noexcept {
    return moment(row.integer(column));
}

/// Empty if a value is not one that any version writes, which only a person's hand or damage explains. `first` is the column
/// of the id; the others follow it.
std::optional<stored_session> read_session(const pg_row& row, int first, stored_time now) {
    const auto id = session_id::parse(row.text(first).value_or(std::string_view()));
    const auto sources = row.integer(first + 1);
    const auto facts = row.integer(first + 2);
    const auto since = row.integer(first + 3);
    const auto call_ms = row.integer(first + 9).value_or(0);
    if (!id || !sources || (*sources & ~std::int64_t{all_sources()}) != 0 || !facts || !since
        || call_ms < 0 || call_ms > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    stored_session made(*id);
    // A number of a newer version leaves these unknown: a poll finds out, and the row is not lost.
    static_cast<void>(unpack((*facts << source_bits) | *sources, made));
    made.since = {*since};
    made.slack = row.integer(first + 4);
    made.seen = row.integer(first + 5);
    made.created = moment_in(row, first + 6);
    made.started = moment_in(row, first + 7);
    made.missing = moment_in(row, first + 8);
    made.call_ms = static_cast<std::uint32_t>(call_ms);
    return is_sound(made, now) ? std::optional(made) : std::nullopt;
}

std::optional<inbox_row> read_inbox_row(const pg_row& row, stored_time now) {
    const auto shard = row.integer(0);
    const auto seq = row.integer(1);
    const auto reason = row.integer(2);
    const auto at = row.integer(3);
    constexpr int first_of_session = 5;
    const auto id = session_id::parse(row.text(first_of_session).value_or(std::string_view()));
    if (!shard || *shard < 0 || *shard >= static_cast<std::int64_t>(max_shards) || !seq || !id
        || !reason || *reason < 0 || *reason > static_cast<std::int64_t>(inbox_reason::forget)
        || !at) {
        return std::nullopt;
    }
    return inbox_row{{static_cast<shard_number>(*shard), *seq},
                     *id,
                     static_cast<inbox_reason>(*reason),
                     {*at},
                     moment_in(row, 4),
                     read_session(row, first_of_session, now)};
}

/// The value at a position, from 1, that an answer names; null if there is none.
template <class Value>
Value* at_position(std::vector<Value>& values, const pg_row& row, int column) noexcept {
    const auto position = row.integer(column).value_or(0);
    return position >= 1 && position <= static_cast<std::int64_t>(values.size())
               ? &values[static_cast<std::size_t>(position - 1)]
               : nullptr;
}

/// A result by its number. An unknown number is the first result, by which nothing is acknowledged.
template <class Result>
Result result_in(const pg_row& row, int column, Result last) noexcept {
    const auto number = row.integer(column).value_or(0);
    return number >= 0 && number <= static_cast<std::int64_t>(last) ? static_cast<Result>(number)
                                                                    : Result{};
}

void take_observation(const pg_row& row, observation_results& into) {
    const auto result = result_in(row, 2, observation_result::written);
    switch (row.integer(0).value_or(-1)) {
        case 0: {
            const auto shard = static_cast<std::size_t>(row.integer(1).value_or(-1));
            if (shard < max_shards) {
                into.held.set(shard);
            }
            return;
        }
        case 1:
            if (observation_result* const state = at_position(into.states, row, 1)) {
                *state = result;
            }
            return;
        case 2:
            if (observation_result* const left = at_position(into.departures, row, 1)) {
                *left = result;
            }
            return;
        default:
            return;
    }
}

} // namespace

shard_number session_calls::shard_of(const session_id& id) const noexcept {
    return kallglot::shard_of(key_of_session(identity_.secret, id.view()), identity_.shards);
}

pg_batch session_calls::enter(const std::vector<entry>& entries,
                              stored_time now,
                              std::vector<entry_result>* results) const {
    BOOST_ASSERT(entries.size() <= max_rows);
    session_columns columns;
    std::vector<std::optional<text_hash>> keys;
    std::vector<std::int16_t> revive;
    std::vector<std::optional<text_hash>> events;
    std::vector<std::int16_t> reasons;
    std::vector<std::int64_t> at;
    std::vector<std::optional<std::int64_t>> made_at;
    for (const entry& each : entries) {
        const remembered_key key = key_of_session(identity_.secret, each.row.id.view());
        columns.push(kallglot::shard_of(key, identity_.shards), each.row);
        keys.emplace_back(key);
        revive.push_back(each.revive ? 1 : 0);
        const event_entry event = each.event.value_or(event_entry{{}, {}, now, {}});
        events.push_back(each.event ? std::optional(event.key) : std::nullopt);
        reasons.push_back(static_cast<std::int16_t>(event.reason));
        at.push_back(event.at.ms);
        made_at.push_back(ms_of(event.made_at));
    }
    pg_parameters parameters;
    parameters.add(columns.shards).add(columns.ids).add(columns.sources).add(keys).add(revive);
    columns.add_values_to(parameters);
    parameters.add(events).add(reasons).add(at).add(made_at).add(now.ms);
    parameters.add(now.ms - std::chrono::milliseconds(remembered_keys::retention).count());
    results->assign(entries.size(), entry_result::unanswered);
    pg_batch batch;
    batch.add(statements::enter, std::move(parameters), [results](const pg_row& row) {
        if (entry_result* const result = at_position(*results, row, 0)) {
            *result = result_in(row, 1, entry_result::added);
        }
    });
    return batch;
}

pg_batch session_calls::ask_to_forget(const session_id& id, stored_time now) const {
    pg_parameters parameters;
    parameters.add(number_of(shard_of(id))).add(id.view()).add(now.ms);
    pg_batch batch;
    batch.add(statements::ask_to_forget, std::move(parameters));
    return batch;
}

pg_batch session_calls::observe(const held_shards& held,
                                const observations& changes,
                                stored_time now,
                                observation_results* results) const {
    pg_parameters parameters;
    std::vector<std::int64_t> epochs;
    for (const auto& [shard, epoch] : held.epochs) {
        epochs.push_back(epoch);
    }
    parameters.add(static_cast<std::int64_t>(held.self)).add(numbers_of(held)).add(epochs);

    session_columns columns;
    for (const stored_session& each : changes.states) {
        columns.push(shard_of(each.id), each);
    }
    parameters.add(columns.shards).add(columns.ids);
    columns.add_values_to(parameters);
    parameters.add(now.ms);

    std::vector<std::int16_t> places;
    std::vector<std::string> ids;
    std::vector<std::optional<text_hash>> keys;
    std::vector<std::int16_t> kinds;
    std::vector<std::int64_t> at;
    for (const departure& each : changes.departures) {
        const remembered_key key = key_of_session(identity_.secret, each.id.view());
        places.push_back(number_of(kallglot::shard_of(key, identity_.shards)));
        ids.emplace_back(each.id.view());
        keys.push_back(each.remember ? std::optional(key) : std::nullopt);
        kinds.push_back(
            remembered_kind_words.stored_number(each.remember.value_or(remembered_kind::ended)));
        at.push_back(each.at.ms);
    }
    parameters.add(places).add(ids).add(keys).add(kinds).add(at);

    std::vector<std::int16_t> boxes;
    std::vector<std::int64_t> numbers;
    for (const inbox_number& each : changes.consumed) {
        boxes.push_back(number_of(each.shard));
        numbers.push_back(each.seq);
    }
    parameters.add(boxes).add(numbers);

    results->held.reset();
    results->states.assign(changes.states.size(), observation_result::not_held);
    results->departures.assign(changes.departures.size(), observation_result::not_held);
    pg_batch batch;
    batch.add(statements::observe, std::move(parameters), [results](const pg_row& row) {
        take_observation(row, *results);
    });
    return batch;
}

pg_batch session_calls::read_sessions(shard_number shard,
                                      const std::string& after,
                                      std::int32_t limit,
                                      stored_time now,
                                      session_slice* slice) const {
    pg_parameters parameters;
    parameters.add(number_of(shard)).add(std::string_view(after)).add(limit);
    slice->last = after;
    pg_batch batch;
    batch.add(statements::read_sessions, std::move(parameters), [slice, now](const pg_row& row) {
        ++slice->row_count;
        slice->last = row.text(0).value_or(slice->last);
        if (const auto made = read_session(row, 0, now)) {
            slice->rows.push_back(*made);
        } else {
            ++slice->unreadable;
        }
    });
    return batch;
}

pg_batch session_calls::read_inbox(const held_shards& held,
                                   std::int32_t limit,
                                   stored_time now,
                                   std::vector<inbox_row>* rows) const {
    pg_parameters parameters;
    parameters.add(numbers_of(held)).add(limit);
    pg_batch batch;
    batch.add(statements::read_inbox, std::move(parameters), [rows, now](const pg_row& row) {
        if (const auto made = read_inbox_row(row, now)) {
            rows->push_back(*made);
        }
    });
    return batch;
}

pg_batch session_calls::purge(stored_time before, std::int32_t limit) const {
    pg_parameters parameters;
    parameters.add(before.ms).add(limit);
    pg_batch batch;
    batch.add(statements::purge, std::move(parameters));
    return batch;
}

} // namespace kallglot
