#include "kallglot/async/task_group.hpp"

#include "kallglot/async/deadline.hpp"
#include "support/loop.hpp"

#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace kallglot::test {

namespace {

task<> note(std::string* log, std::string word) {
    log->append(word);
    co_return;
}

// Waits until it is cancelled; with `gentle`, a total cancellation is enough.
task<> wait_for_the_end(loop_executor executor, std::string* log, std::string word, bool gentle) {
    if (gentle) {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    steady_timer timer(executor, steady_timer::time_point::max());
    co_await timer.async_wait(as_tuple);
    log->append(word);
}

task<> fail(std::string what) {
    throw std::runtime_error(what);
    co_return;
}

task<> cancel(task_group* group, std::string* log) {
    group->cancel(asio::cancellation_type::terminal);
    log->append("cancelled all children;");
    co_return;
}

task<> join(task_group* group, bool* joined) {
    co_await group->join();
    *joined = true;
}

} // namespace

class TaskGroup : public ::testing::Test {
protected:
    loop loop_;
    std::string log_;
    std::vector<std::string> failures_;
    task_group group_{loop_.executor(), [this](const std::string& name, const std::string& what) {
                          failures_.push_back(name + ": " + what);
                      }};
};

TEST_F(TaskGroup, StartsChildrenInALaterTurn) {
    group_.spawn("first", note(&log_, "a word of more than thirty-two characters;"));
    group_.spawn("second", note(&log_, "and another one of the same kind, just as long"));
    EXPECT_TRUE(log_.empty());
    EXPECT_EQ(group_.size(), 2U);
    loop_.poll();
    EXPECT_EQ(
        log_,
        "a word of more than thirty-two characters;and another one of the same kind, just as long");
    EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroup, ReportsTheChildThatThrew) {
    group_.spawn("the child with the bug", fail("a message of more than thirty-two characters"));
    loop_.poll();
    ASSERT_EQ(failures_.size(), 1U);
    EXPECT_EQ(failures_[0], "the child with the bug: a message of more than thirty-two characters");
    EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroup, CancelsInTwoStages) {
    group_.spawn("gentle", wait_for_the_end(loop_.executor(), &log_, "gentle ", true));
    group_.spawn("hard", wait_for_the_end(loop_.executor(), &log_, "hard", false));
    loop_.poll();
    group_.cancel(asio::cancellation_type::total);
    loop_.poll();
    EXPECT_EQ(log_, "gentle ");
    EXPECT_EQ(group_.size(), 1U);
    group_.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_EQ(log_, "gentle hard");
    EXPECT_EQ(group_.size(), 0U);
    EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroup, AChildCancelledBeforeItsFirstTurnNeverStarts) {
    group_.spawn("early", note(&log_, "a word that no child may write here"));
    group_.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_TRUE(log_.empty());
    EXPECT_EQ(group_.size(), 0U);
    EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroup, AnyCancellationBeforeTheFirstTurnDropsTheChild) {
    // From outside the loop and from within it, before and after the turn in which the child would start.
    for (const asio::cancellation_type type :
         {asio::cancellation_type::total, asio::cancellation_type::terminal}) {
        for (int turns = 0; turns <= 1; ++turns) {
            group_.spawn("early", note(&log_, "a word that no child may write here"));
            loop_.context().restart();
            for (int turn = 0; turn < turns; ++turn) {
                loop_.context().run_one();
            }
            group_.cancel(type);
            group_.cancel(asio::cancellation_type::terminal);
            loop_.poll();
            EXPECT_TRUE(log_.empty());
            EXPECT_EQ(group_.size(), 0U);
        }
    }
    EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroup, AChildMayCancelItsOwnGroupInItsFirstTurn) {
    group_.spawn("own end", cancel(&group_, &log_));
    group_.spawn("sibling", note(&log_, "a word that no child may write here"));
    loop_.poll();
    EXPECT_EQ(log_, "cancelled all children;");
    EXPECT_EQ(group_.size(), 0U);
    EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroup, DropsChildrenOnceClosed) {
    group_.close();
    group_.spawn("late", note(&log_, "a word that no child may write here"));
    loop_.poll();
    EXPECT_TRUE(log_.empty());
    EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroup, JoinEndsWithTheLastChild) {
    group_.spawn("child", wait_for_the_end(loop_.executor(), &log_, "ended", false));
    task_group outside(loop_.executor(), loop::failure());
    bool joined = false;
    outside.spawn("join", join(&group_, &joined));
    loop_.poll();
    EXPECT_FALSE(joined);
    group_.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_TRUE(joined);
    EXPECT_EQ(log_, "ended");
}

TEST_F(TaskGroup, JoinOfAnEmptyGroupEndsAtOnce) {
    bool joined = false;
    task_group outside(loop_.executor(), loop::failure());
    outside.spawn("join", join(&group_, &joined));
    loop_.poll();
    EXPECT_TRUE(joined);
}

TEST_F(TaskGroup, ACancelledJoinLeavesTheChildrenAlone) {
    group_.spawn("child", wait_for_the_end(loop_.executor(), &log_, "ended", false));
    task_group outside(loop_.executor(), loop::failure());
    bool joined = false;
    outside.spawn("join", join(&group_, &joined));
    loop_.poll();
    outside.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_EQ(outside.size(), 0U);
    EXPECT_EQ(group_.size(), 1U);
    group_.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_EQ(group_.size(), 0U);
}

} // namespace kallglot::test
