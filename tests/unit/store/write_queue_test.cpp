// Tests of the write queue alone: its lanes, its tickets, and what remains after a failure.

#include "store/write_queue.hpp"

#include "store_fixture.hpp"

namespace kallglot::test {
namespace {

class WriteQueue : public ::testing::Test {
protected:
    static stored_session row(int number) { return stored_session(id_of(number)); }

    loop loop_;
    write_queue queue_{loop_.executor(), 5};
};

TEST_F(WriteQueue, ATransactionTakesAllSinglesAndOneBulkGroup) {
    std::vector<commit_ticket> tickets;
    for (int i = 0; i < 12; ++i) {
        tickets.push_back(queue_.push(row(i), true, write_lane::bulk));
    }
    queue_.push(row(100), true, write_lane::single);
    const transaction first = queue_.begin();
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0]->changes.size(), 1U);
    EXPECT_EQ(first[1]->changes.size(), 5U);
    queue_.succeed();
    EXPECT_EQ(queue_.size(), 7U);
    EXPECT_EQ(queue_.pending(id_of(100)), commit_ticket::durable);
    EXPECT_EQ(queue_.pending(id_of(11)), tickets[11]);
    EXPECT_EQ(queue_.begin().size(), 1U);
    static_cast<void>(queue_.fail());
    EXPECT_TRUE(queue_.empty());
}

TEST_F(WriteQueue, ChangesOfABulkIdFollowItInTheBulkLane) {
    for (int i = 0; i < 12; ++i) {
        queue_.push(row(i), true, write_lane::bulk);
    }
    const commit_ticket before = queue_.pending(id_of(11));
    EXPECT_GE(queue_.push(row(11), false, write_lane::single), before);
    EXPECT_GE(queue_.push_removal(id_of(11), std::nullopt), before);
    EXPECT_GE(queue_.push_key({{1, 0}, {}, remembered_kind::event}, id_of(11)), before);
    // So the largest ticket of this loop iteration is the one to wait for.
    EXPECT_LT(queue_.push_key({{2, 0}, {}, remembered_kind::event}, id_of(12)), before);
    std::vector<store_change> order;
    while (!queue_.empty()) {
        for (const auto& group : queue_.begin()) {
            order.insert(order.end(), group->changes.begin(), group->changes.end());
        }
        queue_.succeed();
    }
    ASSERT_EQ(order.size(), 16U);
    EXPECT_TRUE(std::holds_alternative<remove_session>(order[14]));
    EXPECT_TRUE(std::holds_alternative<remembered_row>(order[15]));
}

TEST_F(WriteQueue, AnIdAddedAgainFollowsItsRemovalInTheBulkLane) {
    for (int i = 0; i < 25; ++i) {
        queue_.push(row(i), true, write_lane::bulk);
    }
    queue_.push_removal(id_of(0), std::nullopt);
    std::vector<store_change> order;
    const auto commit = [&] {
        for (const auto& group : queue_.begin()) {
            order.insert(order.end(), group->changes.begin(), group->changes.end());
        }
        queue_.succeed();
    };
    // The group that added the id is durable; its removal is not.
    commit();
    queue_.push(row(0), true, write_lane::single);
    while (!queue_.empty()) {
        commit();
    }
    ASSERT_EQ(order.size(), 27U);
    EXPECT_TRUE(std::holds_alternative<put_session>(order.back()));
    EXPECT_EQ(queue_.pending(id_of(0)), commit_ticket::durable);
}

task<> ask(write_queue* queue, commit_ticket ticket, std::optional<error_code>* answer) {
    const error_code got = co_await queue->committed(ticket);
    answer->emplace(got);
}

TEST_F(WriteQueue, SettledTicketsKeepTheirResult) {
    const commit_ticket long_one = queue_.push(row(1), true, write_lane::bulk);
    std::vector<commit_ticket> bulk;
    for (int i = 0; i < 10; ++i) {
        bulk.push_back(queue_.push(row(10 + i), true, write_lane::bulk));
    }
    const commit_ticket good = queue_.push(row(2), true, write_lane::single);
    static_cast<void>(queue_.begin());
    queue_.succeed();
    static_cast<void>(queue_.fail());
    const auto answer_of = [this](commit_ticket ticket) {
        std::optional<error_code> answer;
        EXPECT_TRUE(loop_.run(ask(&queue_, ticket, &answer)));
        return answer;
    };
    EXPECT_EQ(answer_of(long_one), error_code{});
    EXPECT_EQ(answer_of(good), error_code{});
    EXPECT_EQ(answer_of(bulk.back()), make_error_code(errc::store_unavailable));
    EXPECT_EQ(answer_of(commit_ticket::refused), make_error_code(errc::store_unavailable));
}

TEST_F(WriteQueue, ChangesDuringACommitAreNotPartOfIt) {
    const commit_ticket first = queue_.push(row(1), true, write_lane::single);
    const auto group = queue_.begin();
    const commit_ticket second = queue_.push(row(2), true, write_lane::single);
    EXPECT_LT(first, second);
    ASSERT_EQ(group.size(), 1U);
    EXPECT_EQ(group.front()->changes.size(), 1U);
    EXPECT_EQ(queue_.size(), 2U);
    queue_.succeed();
    EXPECT_EQ(queue_.pending(id_of(1)), commit_ticket::durable);
    EXPECT_EQ(queue_.pending(id_of(2)), second);
}

TEST_F(WriteQueue, AFailureReportsNewIdsAndKeepsTrueChanges) {
    queue_.push(row(1), true, write_lane::single);
    queue_.push(row(2), false, write_lane::single);
    const auto group = queue_.begin();
    queue_.push_removal(id_of(3), remembered_row{{18, 0}, {}, remembered_kind::ended});
    queue_.push_key({{17, 0}, {}, remembered_kind::event}, id_of(1));
    const write_queue::failure left = queue_.fail();
    EXPECT_EQ(left.not_stored, std::vector<session_id>{id_of(1)});
    ASSERT_EQ(left.again.size(), 3U);
    EXPECT_EQ(std::get<update_session>(left.again[0]).row.id, id_of(2));
    EXPECT_EQ(std::get<remove_session>(left.again[1]).id, id_of(3));
    EXPECT_EQ(std::get<remembered_row>(left.again[2]).key, (remembered_key{18, 0}));
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.size(), 0U);
    EXPECT_EQ(queue_.pending(id_of(1)), commit_ticket::durable);
}

TEST_F(WriteQueue, ACancelledWaiterDoesNotStopItsGroup) {
    std::optional<error_code> first;
    std::optional<error_code> second;
    {
        const commit_ticket ticket = queue_.push(row(1), true, write_lane::single);
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

TEST_F(WriteQueue, ReleasedCallersEndAndLaterOnesWait) {
    std::optional<error_code> first;
    std::optional<error_code> queued;
    std::optional<error_code> later;
    task_group group(loop_.executor(), loop::failure());
    const commit_ticket in_flight = queue_.push(row(1), true, write_lane::single);
    const auto content = queue_.begin();
    const commit_ticket behind = queue_.push(row(2), true, write_lane::bulk);
    group.spawn("first", ask(&queue_, in_flight, &first));
    group.spawn("queued", ask(&queue_, behind, &queued));
    loop_.poll();
    queue_.release_callers();
    ASSERT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    EXPECT_EQ(first, make_error_code(errc::store_unavailable));
    EXPECT_EQ(queued, make_error_code(errc::store_unavailable));
    group.spawn("later", ask(&queue_, in_flight, &later));
    loop_.poll();
    EXPECT_FALSE(later);
    queue_.succeed();
    ASSERT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    EXPECT_EQ(later, error_code{});
    EXPECT_EQ(queue_.size(), 1U);
}

} // namespace
} // namespace kallglot::test
