// Tests of the store with a disk that is full, read-only or fails.

#include "failing_disk.hpp"
#include "store_fixture.hpp"

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

class StoreFailure : public StoreFixture {
protected:
    failing_disk disk_;
};

TEST_F(StoreFailure, AFullDiskRefusesNewIdsAndRecoversByItself) {
    open();
    ASSERT_EQ(wait(add(1)), error_code{});
    disk_.write_code = SQLITE_FULL;
    EXPECT_EQ(wait(add(2)), errc::store_unavailable);
    ASSERT_TRUE(run_until([&] { return !owner_->not_stored.empty(); }));
    EXPECT_EQ(owner_->not_stored, std::vector<session_id>{id_of(2)});
    EXPECT_EQ(owner_->reasons.size(), 1U);
    EXPECT_FALSE(store_->accepting());
    EXPECT_GE(store_->counted().write_failures_total, 1U);

    // Changes during the outage are held.
    EXPECT_EQ(wait(add(3)), errc::store_unavailable);
    session_record changed = record();
    changed.status = session_status::active;
    store_->note(id_of(1), changed);
    EXPECT_EQ(wait(store_->forget(id_of(1), remembered_kind::not_found)), errc::store_unavailable);
    clock_.advance(30s);
    loop_.poll();
    EXPECT_EQ(owner_->recoveries, 0);

    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    EXPECT_TRUE(store_->accepting());
    EXPECT_EQ(wait(add(4)), error_code{});
    reopen();
    EXPECT_FALSE(stored(1));
    EXPECT_FALSE(stored(2));
    EXPECT_FALSE(stored(3));
    EXPECT_TRUE(stored(4));
    EXPECT_TRUE(
        owner_->remembered.contains(key_of_session(owner_->secret, id_of(1).view()), clock_.now()));
    close();
}

TEST_F(StoreFailure, AFailedSyncCausesARewriteFromMemory) {
    open();
    for (int i = 0; i < 9000; ++i) {
        add(i);
    }
    owner_->remembered.add({{42, 43}, clock_.now(), remembered_kind::ended});
    ASSERT_EQ(wait(add(9000)), error_code{});
    disk_.sync_to_fail = 1;
    EXPECT_EQ(wait(add(9001)), errc::store_unavailable);
    bool reported_writable = false;
    ASSERT_TRUE(run_until([&] {
        reported_writable |= owner_->recoveries == 0 && store_->writable().value();
        return owner_->recoveries == 1;
    }));
    EXPECT_FALSE(reported_writable) << "while it refused new ids";
    EXPECT_TRUE(store_->writable().value());
    EXPECT_EQ(owner_->not_stored.size(), 1U);
    EXPECT_EQ(wait(add(9002)), error_code{});
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 9002U);
    EXPECT_FALSE(stored(9001));
    EXPECT_TRUE(owner_->remembered.contains({42, 43}, clock_.now()));
    close();
}

TEST_F(StoreFailure, ARewriteSurvivesAFailureOfEachSync) {
    for (int nth = 1; nth <= 8; ++nth) {
        SCOPED_TRACE(nth);
        open();
        disk_.sync_to_fail = 1;
        EXPECT_EQ(wait(add(nth * 10)), errc::store_unavailable);
        disk_.sync_to_fail = nth;
        ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
        disk_.sync_to_fail = 0;
        ASSERT_EQ(wait(add(nth)), error_code{});
        close();
        open();
        EXPECT_EQ(owner_->sessions.size(), static_cast<std::size_t>(nth));
        close();
    }
}

TEST_F(StoreFailure, AFailedSyncOfACheckpointIsDetected) {
    limits_.log_pages = 1;
    std::size_t acknowledged = 0;
    for (int nth = 1; nth <= 5; ++nth) {
        SCOPED_TRACE(nth);
        open();
        EXPECT_EQ(owner_->sessions.size(), acknowledged);
        // The sync of a commit, or one of the two syncs of the checkpoint after it.
        disk_.sync_to_fail = nth;
        for (int i = 0; owner_->reasons.empty(); ++i) {
            ASSERT_LT(i, 10);
            acknowledged += wait(add(nth * 100 + i)) ? 0 : 1;
            loop_.poll();
        }
        ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
        EXPECT_EQ(owner_->reasons.size(), 1U);
        close();
    }
    EXPECT_GE(acknowledged, 2U);
}

TEST_F(StoreFailure, GroupsQueuedBehindAFailedOneFailToo) {
    limits_.bulk = 10;
    open();
    disk_.write_code = SQLITE_FULL;
    session_record imported = record();
    imported.bulk = true;
    const commit_ticket first = add(0, imported);
    commit_ticket last{};
    for (int i = 1; i < 100; ++i) {
        last = add(i, imported);
    }
    EXPECT_NE(first, last);
    EXPECT_EQ(wait(last), errc::store_unavailable);
    EXPECT_EQ(wait(first), errc::store_unavailable);
    ASSERT_TRUE(run_until([&] { return owner_->not_stored.size() == 100; }));
    EXPECT_EQ(store_->pending(id_of(5)), commit_ticket::durable);
    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    close();
}

TEST_F(StoreFailure, IdsBeyondTheDiskBacklogAreRefusedUntilRoom) {
    limits_.waiting = 100;
    open();
    session_record imported = record();
    imported.bulk = true;
    for (int i = 0; i < 150; ++i) {
        add(i, imported);
    }
    EXPECT_FALSE(store_->accepting());
    ASSERT_TRUE(run_until([&] { return owner_->rooms == 1; }));
    EXPECT_EQ(owner_->not_stored.size(), 50U);
    EXPECT_TRUE(owner_->reasons.empty());
    EXPECT_EQ(wait(add(149, imported)), error_code{});
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 101U);
    close();
}

TEST_F(StoreFailure, ChangesHeldForAFullDiskAreBounded) {
    limits_.waiting = 50;
    open();
    ASSERT_EQ(add_all(40), error_code{});
    disk_.write_code = SQLITE_FULL;
    EXPECT_EQ(wait(add(40)), errc::store_unavailable);
    session_record changed = record();
    changed.status = session_status::active;
    for (int i = 0; i < 40; ++i) {
        owner_->sessions.insert_or_assign(id_of(i), changed);
        store_->note(id_of(i), changed);
    }
    for (int i = 0; i < 20; ++i) {
        owner_->sessions.erase(id_of(i));
        store_->forget(id_of(i), std::nullopt);
    }
    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 20U);
    for (const auto& [id, record] : owner_->sessions) {
        EXPECT_EQ(record.status, session_status::active);
    }
    close();
}

TEST_F(StoreFailure, HeldChangesDoNotOverwriteARewrite) {
    open();
    ASSERT_EQ(wait(add(1)), error_code{});
    disk_.write_code = SQLITE_IOERR;
    EXPECT_EQ(wait(store_->change(id_of(1), record())), errc::store_unavailable);
    session_record newer = record();
    newer.status = session_status::ended;
    owner_->sessions.insert_or_assign(id_of(1), newer);
    store_->note(id_of(1), newer);
    // The state after a kill at that moment, before the next commit.
    const temporary_folder killed;
    constexpr auto over = std::filesystem::copy_options::overwrite_existing
                          | std::filesystem::copy_options::recursive;
    owner_->at_recovery = [&] {
        std::filesystem::copy(folder_.path(), killed.path(), over);
    };
    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    close();
    std::filesystem::copy(killed.path(), folder_.path(), over);
    open();
    EXPECT_EQ(owner_->sessions.at(id_of(1)).status, session_status::ended);
    close();
}

TEST_F(StoreFailure, AStoreThatCannotBeWrittenIsReadAndRetried) {
    open();
    ASSERT_EQ(wait(add(1)), error_code{});
    close();
    disk_.write_code = SQLITE_FULL;
    clock_.advance(1s);
    open();
    EXPECT_TRUE(stored(1));
    EXPECT_FALSE(store_->accepting());
    EXPECT_EQ(owner_->reasons.size(), 1U);
    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return store_->accepting(); }));
    EXPECT_EQ(wait(add(2)), error_code{});
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 2U);
    close();
}

/// A store on a small file system of its own. Only root can mount it.
class RealDisk : public StoreFixture {
protected:
    void SetUp() override {
        if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
            GTEST_SKIP() << "no mounts here: " << std::strerror(errno);
        }
        mounted_ = true;
    }

    void TearDown() override {
        if (mounted_) {
            EXPECT_EQ(::umount(folder_.path().c_str()), 0);
        }
    }

    bool mounted_ = false;
};

TEST_F(RealDisk, RunsFullRefusesAndRecoversWithSpace) {
    open();
    int next = 0;
    while (!wait(add(next))) {
        ++next;
        // Larger steps: a hundred ids in a group.
        for (int i = 0; i < 99; ++i) {
            add(next++);
        }
        ASSERT_LT(next, 100'000);
    }
    ASSERT_TRUE(run_until([&] { return !owner_->reasons.empty(); }));
    EXPECT_GT(owner_->sessions.size(), 1000U);
    ASSERT_EQ(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
    ASSERT_TRUE(run_until([&] { return store_->accepting(); }));
    EXPECT_EQ(wait(add(200'000)), error_code{});
    const std::size_t now = owner_->sessions.size();
    reopen();
    EXPECT_EQ(owner_->sessions.size(), now);
    close();
    store_.reset();
}

TEST_F(RealDisk, AReadOnlyDiskIsNamedAtStart) {
    ASSERT_EQ(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"),
              0);
    EXPECT_EQ(try_open(), errc::store_unavailable);
    EXPECT_EQ(store_->opening().fault.kind, store_fault_kind::unwritable);
    EXPECT_NE(store_->opening().fault.text.find("bytes free"), std::string::npos);
    store_.reset();
}

} // namespace
} // namespace kallglot::test
