// Tests of the durable store on its SQLite engine, with a disk that works.

#include "failing_disk.hpp"
#include "store_fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;
using SqliteStore = StoreFixture;

TEST_F(SqliteStore, ANewStoreIsEmptyAndReportedAsNew) {
    open();
    EXPECT_TRUE(store_->opening().is_new);
    EXPECT_FALSE(store_->opening().damage);
    EXPECT_TRUE(owner_->sessions.empty());
    EXPECT_TRUE(store_->accepting());
    EXPECT_EQ(store_->counted().last_corruption_timestamp, 0);
    reopen();
    EXPECT_FALSE(store_->opening().is_new);
    close();
}

TEST_F(SqliteStore, RefusesChangesBeforeItIsRestored) {
    ASSERT_EQ(try_open(), error_code{});
    EXPECT_FALSE(store_->accepting());
    close();
}

TEST_F(SqliteStore, WithinABootTheWallClockIsIgnored) {
    boot_id_ = "0123456789abcdef0123456789abcdef";
    open();
    const session_record before = record();
    EXPECT_EQ(wait(add(1, before)), error_code{});
    close();
    clock_.jump_wall(1h);
    open();
    EXPECT_EQ(owner_->sessions.at(id_of(1)).since, before.since);
    close();
    boot_id_ = "another";
    clock_.jump_wall(1h);
    open();
    EXPECT_EQ(owner_->sessions.at(id_of(1)).since, before.since - 1h);
    close();
}

TEST_F(SqliteStore, AWrongWallClockIsNoDamage) {
    constexpr auto decades = 24h * 365 * 56;
    boot_id_ = "first";
    open();
    EXPECT_EQ(wait(add(1)), error_code{});
    close();
    const auto at_wall = [&](const char* boot, auto jump) {
        boot_id_ = boot;
        clock_.jump_wall(jump);
        open();
        EXPECT_FALSE(store_->opening().damage) << boot;
        EXPECT_TRUE(stored(1)) << boot;
        close();
    };
    at_wall("of 1970", -decades);
    at_wall("of today", decades);
    at_wall("of a far day", 3 * decades);
    at_wall("of today again", -3 * decades);

    // A store that was created before the clock was set.
    clock_.jump_wall(-decades);
    std::filesystem::remove(path());
    open();
    EXPECT_EQ(wait(add(1)), error_code{});
    clock_.jump_wall(decades);
    EXPECT_EQ(wait(add(2)), error_code{});
    close();
    for (const char* const boot : {"of today again", "of tomorrow"}) {
        at_wall(boot, 0h);
        EXPECT_TRUE(std::filesystem::exists(path()));
    }
}

TEST_F(SqliteStore, ARestartRestoresAllFields) {
    open();
    const session_record before = record();
    session_record fresh;
    fresh.since = clock_.now();
    fresh.sources = 2;
    EXPECT_EQ(wait(add(1, before)), error_code{});
    EXPECT_EQ(wait(add(2, fresh)), error_code{});
    clock_.advance(1h);
    reopen();
    ASSERT_EQ(owner_->sessions.size(), 2U);
    const session_record& after = owner_->sessions.at(id_of(1));
    EXPECT_EQ(after.since, before.since);
    EXPECT_EQ(after.observed, before.observed);
    EXPECT_EQ(after.created, before.created);
    EXPECT_EQ(after.started, before.started);
    EXPECT_EQ(after.not_found_since, before.not_found_since);
    EXPECT_EQ(after.since_slack_ms, before.since_slack_ms);
    EXPECT_EQ(after.call_duration_ms, before.call_duration_ms);
    EXPECT_EQ(after.status, before.status);
    EXPECT_EQ(after.mode, before.mode);
    EXPECT_EQ(after.provider, before.provider);
    EXPECT_EQ(after.reason, before.reason);
    EXPECT_EQ(after.not_found_count, before.not_found_count);
    EXPECT_EQ(after.sources, before.sources);
    EXPECT_TRUE(after.by_webhook);
    EXPECT_TRUE(after.unverified);
    EXPECT_TRUE(after.bulk);
    EXPECT_FALSE(owner_->sessions.at(id_of(2)).was_observed());
    EXPECT_EQ(owner_->sessions.at(id_of(2)).since, fresh.since);
    close();
}

TEST_F(SqliteStore, ChangesDuringACommitShareTheNextOne) {
    open();
    const std::uint64_t before = store_->counted().writes_total;
    commit_ticket last{};
    add(1);
    loop_.poll();
    for (int i = 2; i <= 500; ++i) {
        last = add(i);
    }
    EXPECT_EQ(wait(last), error_code{});
    EXPECT_LE(store_->counted().writes_total - before, 3U);
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 500U);
    close();
}

TEST_F(SqliteStore, AKnownIdWaitsForTheCommitInFlight) {
    open();
    const commit_ticket first = add(1);
    EXPECT_EQ(store_->pending(id_of(1)), first);
    EXPECT_EQ(store_->pending(id_of(2)), commit_ticket::durable);
    EXPECT_EQ(wait(store_->pending(id_of(1))), error_code{});
    EXPECT_EQ(store_->pending(id_of(1)), commit_ticket::durable);
    EXPECT_EQ(wait(commit_ticket::durable), error_code{});
    EXPECT_EQ(wait(first), error_code{});
    close();
}

TEST_F(SqliteStore, TheLastNoteIsWrittenWithinASecond) {
    open();
    ASSERT_EQ(wait(add(1)), error_code{});
    session_record changed = record();
    for (const auto status : {session_status::connecting, session_status::active}) {
        changed.status = status;
        store_->note(id_of(1), changed);
    }
    // A note does not add an id.
    store_->note(id_of(2), changed);
    const std::uint64_t before = store_->counted().writes_total;
    ASSERT_TRUE(run_until([&] { return store_->counted().writes_total > before; }));
    reopen();
    ASSERT_EQ(owner_->sessions.size(), 1U);
    EXPECT_EQ(owner_->sessions.at(id_of(1)).status, session_status::active);
    close();
}

TEST_F(SqliteStore, CloseWritesTheBacklog) {
    open();
    add(1);
    session_record changed = record();
    changed.status = session_status::ended;
    store_->note(id_of(1), changed);
    reopen();
    ASSERT_TRUE(stored(1));
    EXPECT_EQ(owner_->sessions.at(id_of(1)).status, session_status::ended);
    close();
}

TEST_F(SqliteStore, ForgottenIdsAreRememberedForThreeDays) {
    open();
    add(1);
    add(2);
    ASSERT_EQ(wait(add(3)), error_code{});
    store_->note(id_of(2), record());
    store_->forget(id_of(1), std::nullopt);
    store_->forget(id_of(2), remembered_kind::ended);
    ASSERT_EQ(wait(store_->remember_event(key_of_event(owner_->secret, "evt_9f8e7d6c5b4a39281706"),
                                          id_of(3))),
              error_code{});
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 1U);
    EXPECT_FALSE(
        owner_->remembered.contains(key_of_session(owner_->secret, id_of(1).view()), clock_.now()));
    EXPECT_TRUE(
        owner_->remembered.contains(key_of_session(owner_->secret, id_of(2).view()), clock_.now()));
    EXPECT_TRUE(
        owner_->remembered.contains(key_of_event(owner_->secret, "evt_9f8e7d6c5b4a39281706"),
                                    clock_.now()));
    // An operator can register the id again.
    ASSERT_EQ(wait(add(2)), error_code{});
    reopen();
    EXPECT_FALSE(
        owner_->remembered.contains(key_of_session(owner_->secret, id_of(2).view()), clock_.now()));
    EXPECT_EQ(owner_->remembered.size(), 1U);
    outlive_keys();
    EXPECT_EQ(owner_->remembered.size(), 0U);
    close();
}

TEST_F(SqliteStore, OldKeysArePurgedInSeveralTransactions) {
    open();
    for (int i = 0; i < 45'000; ++i) {
        store_->forget(id_of(i), remembered_kind::ended);
    }
    ASSERT_EQ(wait(add(1)), error_code{});
    clock_.advance(73h);
    // Each flush purges a portion, and the commit behind it waits for it.
    for (int i = 0; i < 20; ++i) {
        clock_.advance(2s);
        ASSERT_EQ(wait(add(2 + i)), error_code{});
    }
    reopen();
    EXPECT_EQ(owner_->remembered.size(), 0U);
    close();
}

TEST_F(SqliteStore, ASecondOpenerIsRefusedWithThePath) {
    open();
    std::unique_ptr<durable_store> first = std::move(store_);
    EXPECT_EQ(try_open(), errc::store_unavailable);
    EXPECT_EQ(store_->opening().fault.kind, store_fault_kind::locked);
    EXPECT_NE(store_->opening().fault.text.find(path()), std::string::npos);
    store_ = std::move(first);
    close();
}

TEST_F(SqliteStore, AMissingFolderIsNamed) {
    std::filesystem::remove_all(folder_.path());
    EXPECT_EQ(try_open(), errc::store_unavailable);
    EXPECT_EQ(store_->opening().fault.kind, store_fault_kind::unwritable);
    EXPECT_NE(store_->opening().fault.text.find(path()), std::string::npos);
}

} // namespace
} // namespace kallglot::test
