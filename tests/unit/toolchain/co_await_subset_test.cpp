// The forms that rule C1 allows, which must be right on every compiler that the build accepts.

#include "counted.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace kallglot::toolchain {
namespace {

asio::awaitable<void> moved_local(int* alive) {
    parcel p{counted{alive}, 1};
    (void)co_await take(std::move(p));
}

asio::awaitable<void> moved_local_in_a_loop(int* alive) {
    for (int i = 0; i < 3; ++i) {
        parcel p{counted{alive}, i};
        (void)co_await take(std::move(p));
    }
}

parcel make_parcel(int* alive) {
    return parcel{counted{alive}, 1};
}

asio::awaitable<void> result_of_a_function(int* alive) {
    (void)co_await take(make_parcel(alive));
}

asio::awaitable<void> class_with_a_constructor(int* alive) {
    (void)co_await take_counted(counted(alive));
}

asio::awaitable<void> awaited_in_the_next_statement(int* alive) {
    parcel p{counted{alive}, 1};
    auto operation = take(std::move(p));
    (void)co_await std::move(operation);
}

asio::awaitable<void> named_result(int* alive) {
    const parcel p = co_await make(alive);
    if (const int n = co_await number(p.size); n != 1) {
        throw std::logic_error("the awaited value got lost");
    }
}

struct subset_case {
    const char* name;
    asio::awaitable<void> (*probe)(int*);
};

class CoAwaitSubset : public testing::TestWithParam<subset_case> {};

TEST_P(CoAwaitSubset, DestroysEveryObjectOnce) {
    EXPECT_EQ(left_after(GetParam().probe), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Forms,
    CoAwaitSubset,
    testing::Values(subset_case{"MovedLocal", moved_local},
                    subset_case{"MovedLocalInALoop", moved_local_in_a_loop},
                    subset_case{"ResultOfAFunction", result_of_a_function},
                    subset_case{"ClassWithAConstructor", class_with_a_constructor},
                    subset_case{"AwaitedInTheNextStatement", awaited_in_the_next_statement},
                    subset_case{"NamedResult", named_result}),
    [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace kallglot::toolchain
