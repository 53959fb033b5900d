#include "kallglot/store/write_queue.hpp"

#include "store_fixture.hpp"

namespace kallglot::test {
namespace {

class WriteQueue : public ::testing::Test {
protected:
    static stored_session row(int number) { return stored_session(id_of(number)); }

    loop loop_;
    write_queue queue_{loop_.executor(), 3};
};

TEST_F(WriteQueue, FullGroupsAreFollowedByNewOnes) {
    for (int i = 0; i < 7; ++i) {
        queue_.push(row(i), true);
    }
    EXPECT_EQ(queue_.size(), 7U);
    std::vector<std::size_t> sizes;
    while (!queue_.empty()) {
        sizes.push_back(queue_.begin()->changes.size());
        queue_.succeed();
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 3, 1}));
    EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(WriteQueue, WhatComesDuringACommitIsNotPartOfIt) {
    const commit_ticket first = queue_.push(row(1), true);
    const auto group = queue_.begin();
    const commit_ticket second = queue_.push(row(2), true);
    EXPECT_LT(first, second);
    EXPECT_EQ(group->changes.size(), 1U);
    EXPECT_EQ(queue_.size(), 2U);
    queue_.succeed();
    EXPECT_EQ(queue_.pending(id_of(1)), commit_ticket::durable);
    EXPECT_EQ(queue_.pending(id_of(2)), second);
}

TEST_F(WriteQueue, AFailureTellsNewIdsAndKeepsWhatIsStillTrue) {
    queue_.push(row(1), true);
    queue_.push(row(2), false);
    const auto group = queue_.begin();
    queue_.push(remove_session{id_of(3)});
    queue_.push(remembered_row{17, {}, remembered_kind::event});
    queue_.push(remembered_row{18, {}, remembered_kind::ended});
    const write_queue::failure left = queue_.fail();
    EXPECT_EQ(left.not_stored, std::vector<session_id>{id_of(1)});
    ASSERT_EQ(left.again.size(), 3U);
    EXPECT_EQ(std::get<update_session>(left.again[0]).row.id, id_of(2));
    EXPECT_EQ(std::get<remove_session>(left.again[1]).id, id_of(3));
    EXPECT_EQ(std::get<remembered_row>(left.again[2]).key, 18U);
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.size(), 0U);
    EXPECT_EQ(queue_.pending(id_of(1)), commit_ticket::durable);
}

task<> ask(write_queue* queue, commit_ticket ticket, std::optional<error_code>* answer) {
    const error_code got = co_await queue->committed(ticket);
    answer->emplace(got);
}

TEST_F(WriteQueue, AWaiterCanBeCutOffAndTheGroupGoesOn) {
    std::optional<error_code> first;
    std::optional<error_code> second;
    {
        const commit_ticket ticket = queue_.push(row(1), true);
        task_group group(loop_.executor(), loop::failure());
        group.spawn("cut", ask(&queue_, ticket, &first));
        loop_.poll();
        group.cancel(asio::cancellation_type::terminal);
        ASSERT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
        group.spawn("stays", ask(&queue_, ticket, &second));
        loop_.poll();
        const auto content = queue_.begin();
        queue_.succeed();
        ASSERT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    }
    EXPECT_EQ(first, make_error_code(errc::cancelled));
    EXPECT_EQ(second, error_code{});
}

} // namespace
} // namespace kallglot::test
