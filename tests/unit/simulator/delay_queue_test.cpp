#include "simulator/delay_queue.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

TEST(DelayQueue, ReturnsDueEntriesInOrderOfTime) {
    delay_queue queue;
    const delay_queue::moment start{};
    const auto at = [start](int milliseconds) {
        return start + std::chrono::milliseconds{milliseconds};
    };
    EXPECT_FALSE(queue.next().has_value());
    queue.add({at(30), 3, 0});
    queue.add({at(10), 1, 7});
    queue.add({at(20), 2, 0});
    EXPECT_EQ(queue.next(), at(10));
    EXPECT_FALSE(queue.take_due(at(9)).has_value());
    const auto first = queue.take_due(at(20));
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->slot, 1U);
    EXPECT_EQ(first->generation, 7U);
    EXPECT_EQ(queue.take_due(at(20))->slot, 2U);
    EXPECT_FALSE(queue.take_due(at(20)).has_value());
    EXPECT_EQ(queue.next(), at(30));
}

} // namespace
} // namespace kallglot::simulator
