// Scenarios of the store: what it reported durable is there afterwards, and an intact file is not taken for a damaged one.

#include "scenarios.hpp"
#include "store/sqlite/sqlite_engine.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

namespace kallglot::test {
namespace {

constexpr api_time wall{seconds(1'776'159'394)};
constexpr steady_time now{seconds(1000)};
const time_mark mark{{wall.time_since_epoch().count()}, wall, now, 1};
constexpr int initial_rows = 40;
constexpr int groups = 6;
constexpr int a_group = 5;

std::string path(const surroundings& around) {
    return around.folder + "/sessions.db";
}

stored_session row(int number) {
    stored_session made(
        session_id::parse("sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_" + std::to_string(10'000 + number))
            .value());
    made.since = {wall.time_since_epoch().count() - 1000};
    return made;
}

using shared_group = std::shared_ptr<const change_group>;

// Each group adds sessions and removes one of the initial rows.
shared_group group(int number) {
    auto made = std::make_shared<change_group>();
    for (int i = 0; i < a_group; ++i) {
        made->changes.emplace_back(put_session{row(initial_rows + number * a_group + i)});
    }
    made->changes.emplace_back(update_session{row(initial_rows - 1)});
    made->changes.emplace_back(remove_session{row(number).id});
    made->changes.emplace_back(remembered_row{key_of_session({}, row(number).id.view()),
                                              {wall.time_since_epoch().count()},
                                              remembered_kind::ended});
    return made;
}

// The rows that the store must contain after `number` groups.
std::vector<stored_session> rows_after(int number) {
    std::vector<stored_session> rows;
    for (int i = number; i < initial_rows + number * a_group; ++i) {
        rows.push_back(row(i));
    }
    return rows;
}

void make_store(const surroundings& around) {
    std::filesystem::remove_all(around.folder);
    std::filesystem::create_directories(around.folder);
    sqlite_engine engine(path(around));
    store_opening opening = engine.open(wall, now);
    auto first = std::make_shared<change_group>();
    for (int i = 0; i < initial_rows; ++i) {
        first->changes.emplace_back(put_session{row(i)});
    }
    if (opening.fault || engine.commit({first}).fault || engine.close(mark)) {
        std::abort();
    }
}

// As in the daemon: from memory, into a file that replaces the one that failed.
bool rewrite(sqlite_engine& engine, int number) {
    return !engine.begin_rewrite(mark, false) && !engine.append(rows_after(number))
           && !engine.append(std::vector<remembered_row>{}) && !engine.finish_rewrite();
}

constexpr int damaged_row = initial_rows / 2;

// Changes one letter of one id.
void damage_store(const surroundings& around) {
    make_store(around);
    std::fstream file(path(around), std::ios::binary | std::ios::in | std::ios::out);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::size_t at = bytes.find(row(damaged_row).id.view());
    if (at == std::string::npos) {
        std::abort();
    }
    file.seekp(static_cast<std::streamoff>(at + 10));
    file.put('X');
}

// A fault is wrong if no allocation failed, or if it has no text.
const char* check_fault(const surroundings& around, const store_fault& fault) {
    if (around.nothing_fails) {
        return "a fault, and nothing failed";
    }
    return fault.text.empty() ? "a fault without words" : nullptr;
}

const char* repair(const surroundings& around) {
    sqlite_engine engine(path(around));
    const store_opening opening = engine.open(wall, now);
    if (opening.fault) {
        return check_fault(around, opening.fault);
    }
    if (!opening.damage) {
        return "the damage was not seen";
    }
    const store_fault fault = engine.close(mark);
    return fault ? check_fault(around, fault) : nullptr;
}

// After the repair, in whichever process it succeeded: every row but the damaged one is there, and the damaged file too.
const char* look_at_repaired(const surroundings& around) {
    sqlite_engine engine(path(around));
    const store_opening opening = engine.open(wall, now);
    std::vector<stored_session> rows;
    if (opening.fault || engine.read({}, 1000, rows)) {
        return "the store cannot be opened any more";
    }
    std::vector<stored_session> expected = rows_after(0);
    expected.erase(expected.begin() + damaged_row);
    if (rows != expected) {
        return "rows were lost that could be read";
    }
    for (const auto& entry : std::filesystem::directory_iterator(around.folder)) {
        if (entry.path().filename().string().find(".damaged-") != std::string::npos) {
            return nullptr;
        }
    }
    return "the damaged file is gone";
}

const char* work(const surroundings& around) {
    sqlite_engine engine(path(around));
    const store_opening opening = engine.open(wall, now);
    around.durable->damage = opening.damage.has_value();
    if (opening.fault) {
        return check_fault(around, opening.fault);
    }
    for (int i = 0; i < groups; ++i) {
        const store_fault fault = engine.commit({group(i)}).fault;
        if (fault && (around.nothing_fails || !rewrite(engine, i + 1))) {
            return check_fault(around, fault);
        }
        around.durable->groups = i + 1;
        if (i == groups / 2) {
            if (const store_fault late = engine.checkpoint(); late && around.nothing_fails) {
                return check_fault(around, late);
            }
        }
    }
    std::vector<stored_session> rows;
    const store_fault unread = engine.read({}, 1000, rows);
    if (!unread && rows != rows_after(groups)) {
        return "read something else than what was written";
    }
    std::vector<remembered_row> keys;
    const store_fault unread_keys = engine.read_keys(keys);
    const store_fault unclosed = engine.close(mark);
    if (around.nothing_fails
        && (unread || unread_keys || unclosed || keys.size() != std::size_t{groups})) {
        return "not all could be read, and nothing failed";
    }
    return nullptr;
}

const char* look_back(const surroundings& around) {
    sqlite_engine engine(path(around));
    const store_opening opening = engine.open(wall, now);
    if (opening.fault || opening.writing) {
        return "the store cannot be opened any more";
    }
    if (opening.damage || around.durable->damage) {
        return "a sound store was taken for a damaged one";
    }
    std::vector<stored_session> rows;
    if (engine.read({}, 1000, rows)) {
        return "the store cannot be read any more";
    }
    // The group after the last durable one may be there, but only as a whole.
    const int durable = around.durable->groups;
    return rows == rows_after(durable) || rows == rows_after(std::min(durable + 1, groups))
               ? nullptr
               : "something acknowledged is lost";
}

} // namespace

std::span<const scenario> store_scenarios() {
    static constexpr std::array all = {
        scenario{"store", make_store, work, look_back},
        scenario{"damaged_store", damage_store, repair, look_at_repaired},
    };
    return all;
}

} // namespace kallglot::test
