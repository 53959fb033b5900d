// Forms that rule C1 forbids because g++ 12.2 destroys their temporaries twice (GCC PR 107288).
//
// On that compiler these tests are marked as expected to fail; if one of them passes there, or fails anywhere else,
// ctest says so, and rule C1 has to be looked at again.

#include "counted.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace kallglot::toolchain {
namespace {

void expect_balance(const char* form, asio::awaitable<void> (*probe)(int*)) {
    const int left = left_after(probe);
    std::cout << __VERSION__ << ": " << form << ": " << (left == 0 ? "right" : "destroyed twice")
              << '\n';
    EXPECT_EQ(left, 0) << form;
}

asio::awaitable<void> aggregate_argument(int* alive) {
    (void)co_await take(parcel{counted{alive}, 1});
}

asio::awaitable<void> implied_aggregate_argument(int* alive) {
    (void)co_await take({counted{alive}, 1});
}

asio::awaitable<void> capturing_lambda(int* alive) {
    const counted c{alive};
    (void)co_await call([c] { return c.value(); });
}

asio::awaitable<void> conditional_awaits(int* alive) {
    const parcel p = *alive == 0 ? co_await make(alive) : co_await make_another(alive);
    (void)p;
}

TEST(CoAwaitTemporaries, AggregateArgumentIsDestroyedOnce) {
    expect_balance("aggregate argument", aggregate_argument);
}

TEST(CoAwaitTemporaries, ImpliedAggregateArgumentIsDestroyedOnce) {
    expect_balance("implied aggregate argument", implied_aggregate_argument);
}

TEST(CoAwaitTemporaries, CapturingLambdaIsDestroyedOnce) {
    expect_balance("capturing lambda", capturing_lambda);
}

TEST(CoAwaitTemporaries, ResultOfConditionalAwaitsIsDestroyedOnce) {
    expect_balance("conditional awaits", conditional_awaits);
}

} // namespace
} // namespace kallglot::toolchain
