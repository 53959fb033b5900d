#include "kallglot/polling/request_permit.hpp"

#include "support/permit.hpp"

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

namespace kallglot {
namespace {

// Code that sends without asking the gate must not compile.
static_assert(!std::is_default_constructible_v<request_permit>);
static_assert(!std::is_copy_constructible_v<request_permit>);
static_assert(!std::is_copy_assignable_v<request_permit>);
static_assert(!std::is_aggregate_v<request_permit>);
static_assert(std::is_nothrow_move_constructible_v<request_permit>);

TEST(RequestPermit, IsSpentOnceMovedAway) {
    request_permit first = request_permit_for_tests::make();
    EXPECT_TRUE(first.valid());
    request_permit second = std::move(first);
    EXPECT_TRUE(second.valid());
    EXPECT_FALSE(
        first.valid()); // NOLINT(bugprone-use-after-move): the state after it is the promise
}

TEST(RequestPermit, MovesByAssignment) {
    request_permit first = request_permit_for_tests::make();
    request_permit second = request_permit_for_tests::make();
    second = std::move(first);
    EXPECT_TRUE(second.valid());
    EXPECT_FALSE(
        first.valid()); // NOLINT(bugprone-use-after-move): the state after it is the promise
    first = std::move(second);
    EXPECT_TRUE(first.valid());
}

} // namespace
} // namespace kallglot
