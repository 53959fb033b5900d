// Tests of a store whose disk hangs, and of closing it then.

#include "failing_disk.hpp"
#include "store_fixture.hpp"

#include <optional>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

/// A store whose sync hangs.
class StoreEnd : public StoreFixture {
protected:
    /// The commit of that id does not end before release_disk().
    void hang_at(int number) {
        disk_.syncs_hang = true;
        add(number);
        ASSERT_TRUE(run_until([&] { return store_->busy_since().has_value(); }));
    }

    /// Five are stored, and the commit of the sixth hangs.
    void hang_with_room_for_ten() {
        limits_.waiting = 10;
        open();
        for (int i = 0; i < 5; ++i) {
            ASSERT_EQ(wait(add(i)), error_code{});
        }
        hang_at(5);
    }

    void close_while_a_sync_hangs(steady_duration timeout) {
        open();
        ASSERT_NO_FATAL_FAILURE(hang_at(1));
        closing_.spawn("close", close_store());
        store_->leave_when_stuck_for(timeout);
        pass(4s);
        EXPECT_FALSE(closed_);
    }

    task<> close_store() {
        const error_code error = co_await store_->close();
        closed_ = error;
    }

    task<> note_result(commit_ticket ticket, std::optional<error_code>* into) {
        const error_code error = co_await store_->committed(ticket);
        *into = error;
    }

    void pass(steady_duration span) {
        const steady_time begun = clock_.now();
        EXPECT_TRUE(run_until([&] { return clock_.now() > begun + span; }));
    }

    void release_disk() {
        disk_.syncs_hang = false;
        disk_.syncs_hang.notify_all();
    }

    [[nodiscard]] ::testing::AssertionResult until_closed() {
        return run_until([&] { return closed_ && closing_.size() == 0; });
    }

    failing_disk disk_;
    std::optional<error_code> closed_;
    task_group closing_{loop_.executor(), loop::failure()};
};

TEST_F(StoreEnd, AHangingDiskIsAbandonedAfterATimeout) {
    close_while_a_sync_hangs(5s);
    EXPECT_TRUE(until_closed());
    EXPECT_EQ(closed_, make_error_code(errc::store_unavailable));
    EXPECT_FALSE(store_->stop_worker(milliseconds(10)));
    release_disk();
    EXPECT_TRUE(store_->stop_worker(loop::patience));
    store_.reset();
}

TEST_F(StoreEnd, ASlowDiskIsWaitedFor) {
    close_while_a_sync_hangs(1h);
    release_disk();
    EXPECT_TRUE(until_closed());
    EXPECT_EQ(closed_, error_code());
    store_.reset();
    open();
    EXPECT_TRUE(stored(1));
    close();
}

TEST_F(StoreEnd, ASignalAfterTheCloseStartsNoTimer) {
    open();
    closing_.spawn("close", close_store());
    ASSERT_TRUE(until_closed());
    store_->leave_when_stuck_for(5s);
    EXPECT_EQ(clock_.pending(), 0U) << "the loop would never end";
    store_.reset();
}

TEST_F(StoreEnd, ANoteOverflowDoesNotBlockTheClose) {
    ASSERT_NO_FATAL_FAILURE(hang_with_room_for_ten());
    for (int i = 100; i < 120; ++i) {
        store_->note(id_of(i), record());
    }
    closing_.spawn("close", close_store());
    loop_.poll();
    release_disk();
    EXPECT_TRUE(until_closed());
    EXPECT_EQ(closed_, error_code()) << "it was rewritten from memory";
    store_.reset();
    open();
    EXPECT_EQ(owner_->sessions.size(), 6U);
    close();
}

TEST_F(StoreEnd, RefusedIdsAreReportedBeforeTheStoreIsUsable) {
    open();
    disk_.write_code = SQLITE_FULL;
    EXPECT_EQ(wait(add(1)), errc::store_unavailable);
    disk_.syncs_hang = true;
    disk_.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return store_->busy_since().has_value(); }));
    add(2);
    release_disk();
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    EXPECT_EQ(owner_->not_stored_at_recovery, 2U);
    ASSERT_TRUE(run_until([&] { return owner_->rooms == 1; }));
    close();
}

TEST_F(StoreEnd, CallersGetAnErrorWhenADiskDoesNotAnswer) {
    limits_.patience = 10s;
    open();
    ASSERT_NO_FATAL_FAILURE(hang_at(1));
    std::optional<error_code> first;
    closing_.spawn("first", note_result(store_->pending(id_of(1)), &first));
    std::optional<error_code> second;
    closing_.spawn("second", note_result(add(2), &second));
    pass(8s);
    EXPECT_FALSE(first || second);
    ASSERT_TRUE(run_until([&] { return first && second; }));
    EXPECT_EQ(first, make_error_code(errc::store_unavailable));
    EXPECT_EQ(second, make_error_code(errc::store_unavailable));
    EXPECT_FALSE(store_->accepting());
    EXPECT_EQ(store_->writable(), false);
    EXPECT_EQ(add(3), commit_ticket::refused);
    pass(5s);
    EXPECT_EQ(owner_->reasons.size(), 1U);
    release_disk();
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    EXPECT_TRUE(store_->accepting());
    EXPECT_EQ(store_->writable(), true);
    reopen();
    EXPECT_TRUE(stored(1));
    EXPECT_TRUE(stored(2)) << "it was queued when its caller got the error";
    EXPECT_FALSE(stored(3));
    close();
}

TEST_F(StoreEnd, RemovalsDuringAHangAreBounded) {
    ASSERT_NO_FATAL_FAILURE(hang_with_room_for_ten());
    commit_ticket last = commit_ticket::durable;
    for (int i = 0; i < 100; ++i) {
        const int number = i < 5 ? i : 1000 + i;
        owner_->sessions.erase(id_of(number));
        last = store_->forget(id_of(number), std::nullopt);
    }
    EXPECT_EQ(last, commit_ticket::refused);
    release_disk();
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    reopen();
    EXPECT_EQ(owner_->sessions.size(), 1U);
    EXPECT_TRUE(stored(5));
    close();
}

} // namespace
} // namespace kallglot::test
