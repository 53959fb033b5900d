// Fixture: a store in a folder of its own with a worker thread, a virtual clock, and an owner with a plain map.

#ifndef KALLGLOT_TESTS_UNIT_STORE_STORE_FIXTURE_HPP
#define KALLGLOT_TESTS_UNIT_STORE_STORE_FIXTURE_HPP

#include "kallglot/store/durable_store.hpp"
#include "kallglot/tracking/episode_history.hpp"
#include "store/sqlite/sqlite_engine.hpp"
#include "support/loop.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

inline session_id id_of(int number) {
    return session_id::parse("sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_" + std::to_string(number)).value();
}

/// Owner of the sessions, as intake is in the daemon.
class map_owner final : public store_owner, public store_reader {
public:
    void on_not_stored(std::span<const session_id> ids) override {
        for (const session_id& id : ids) {
            sessions.erase(id);
            not_stored.push_back(id);
        }
    }

    void on_store_unusable(const std::string& reason) override { reasons.push_back(reason); }

    void on_store_usable() override {
        ++recoveries;
        not_stored_at_recovery = not_stored.size();
        at_recovery();
    }

    bool on_store_room() override {
        ++rooms;
        return false;
    }

    bool list_sessions(std::uint64_t& cursor,
                       std::size_t limit,
                       std::vector<kept_session>& rows) override;

    bool list_remembered(std::uint64_t& cursor,
                         std::size_t limit,
                         std::vector<remembered_entry>& entries) override {
        return remembered.list(cursor, limit, entries);
    }

    void on_sessions(std::span<const kept_session> rows) override {
        for (const kept_session& row : rows) {
            sessions.insert_or_assign(row.id, row.record);
        }
    }

    void on_secret(const hash_key& of_store) override { secret = of_store; }

    void on_remembered(std::span<const remembered_entry> entries) override {
        for (const remembered_entry& entry : entries) {
            remembered.add(entry);
        }
    }

    bool list_episodes(std::uint64_t& cursor,
                       std::size_t limit,
                       std::vector<stuck_episode>& into) override {
        return episodes.list(cursor, limit, into);
    }

    void on_episodes(std::span<const stuck_episode> rows) override {
        for (const stuck_episode& row : rows) {
            episodes.restore(no_slot, row);
        }
    }

    std::map<session_id, session_record> sessions;
    episode_history episodes;
    remembered_keys remembered;
    hash_key secret; ///< of their keys
    std::vector<session_id> not_stored;
    std::vector<std::string> reasons;
    int recoveries = 0;
    std::size_t not_stored_at_recovery = 0;
    int rooms = 0;
    std::function<void()> at_recovery = [] {
    };
};

class StoreFixture : public ::testing::Test {
protected:
    [[nodiscard]] std::string path() const { return (folder_.path() / "sessions.db").string(); }

    /// Opens, restores into a new owner, and starts.
    void open();

    /// Only opens; the result is in store_->opening().
    error_code try_open();

    void close();

    /// As a restart: memory is lost, the files remain.
    void reopen() {
        close();
        open();
    }

    commit_ticket add(int number, const session_record& record);

    commit_ticket add(int number) { return add(number, record()); }

    /// Adds sessions 0 to `count` - 1 and waits until they are durable.
    error_code add_all(int count);

    /// Time in which every remembered key expires, and restarts that purge them.
    void outlive_keys();

    /// A session with all fields set, as after a poll.
    [[nodiscard]] session_record record() const;

    error_code wait(commit_ticket ticket);

    /// Advances the clock and runs the loop until the condition holds. In between the worker gets real time.
    template <class Condition>
    ::testing::AssertionResult run_until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + loop::patience;
        while (!condition()) {
            clock_.advance(milliseconds(50));
            loop_.context().restart();
            loop_.context().run_one_for(milliseconds(1));
            if (std::chrono::steady_clock::now() > limit) {
                return ::testing::AssertionFailure() << "ran too long";
            }
        }
        return ::testing::AssertionSuccess();
    }

    [[nodiscard]] bool stored(int number) const { return owner_->sessions.contains(id_of(number)); }

    temporary_folder folder_;
    loop loop_;
    virtual_clock clock_;
    null_logger log_;
    /// Real syncs take much virtual time, and some tests let days pass.
    store_limits limits_{.patience = std::chrono::hours(24 * 365)};
    std::string boot_id_; ///< of the machine, for the next open()
    std::unique_ptr<map_owner> owner_;
    std::unique_ptr<durable_store> store_;
};

} // namespace kallglot::test

#endif
