#include "net/client/exchanges.hpp"

#include "net/client/pooled_connection.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

get_request request(std::uint32_t number) {
    return {.slot = session_slot{number},
            .id = *session_id::parse("sess_01HXYZ" + std::to_string(number)),
            .fresh_connection = false};
}

steady_time at(int second) {
    return steady_time(seconds(second));
}

class Exchanges : public testing::Test {
protected:
    exchange_ref start(std::uint32_t number, int second) {
        return exchanges_.start({request(number), at(second), 1}, connection_, at(second));
    }

    pooled_connection connection_;
    exchanges exchanges_;
};

TEST_F(Exchanges, TheOldestIsOverdueFirst) {
    start(1, 10);
    start(2, 11);
    EXPECT_EQ(exchanges_.oldest(), at(10));
    EXPECT_FALSE(exchanges_.take_overdue(at(9)));

    const auto first = exchanges_.take_overdue(at(10));
    ASSERT_TRUE(first);
    EXPECT_EQ((*first)->request.slot, session_slot{1});
    EXPECT_TRUE((*first)->overdue);
    EXPECT_FALSE(exchanges_.take_overdue(at(10)));
    EXPECT_EQ(exchanges_.oldest(), at(11));
    EXPECT_EQ(exchanges_.size(), 1U);
}

TEST_F(Exchanges, OneThatIsOverdueCanStillFinish) {
    const exchange_ref slow = start(1, 10);
    const exchange_ref fast = start(2, 10);
    ASSERT_TRUE(exchanges_.take_overdue(at(10)));
    exchanges_.finish(slow);
    exchanges_.finish(fast);
    EXPECT_EQ(exchanges_.size(), 0U);
    EXPECT_FALSE(exchanges_.oldest());
}

TEST_F(Exchanges, TheNextOneStartsCleanAfterAnOverdueOne) {
    const exchange_ref slow = start(1, 10);
    ASSERT_TRUE(exchanges_.take_overdue(at(10)));
    exchanges_.finish(slow);
    const exchange_ref next = start(2, 20);
    EXPECT_FALSE(next->overdue);
    EXPECT_EQ(next->request.slot, session_slot{2});
    EXPECT_EQ(next->sent, at(20));
}

} // namespace
} // namespace kallglot
