#include "net/server/body_memory.hpp"

#include <gtest/gtest.h>

#include <list>

namespace kallglot {
namespace {

constexpr std::size_t clients = 256;
constexpr std::size_t share = body_memory::budget_bytes / clients;

TEST(BodyMemory, AllowsAnyBodyWithinTheBudget) {
    body_memory memory;
    body_memory::part large(memory);
    large.hold(body_memory::budget_bytes);
    EXPECT_TRUE(large.fits(clients));
    large.hold(body_memory::budget_bytes + 1);
    EXPECT_FALSE(large.fits(clients));
}

TEST(BodyMemory, AllowsSmallBodiesBesideLargeOnes) {
    body_memory memory;
    body_memory::part large(memory);
    large.hold(body_memory::budget_bytes);
    body_memory::part small(memory);
    small.hold(share);
    EXPECT_TRUE(small.fits(clients));
    EXPECT_FALSE(large.fits(clients));
    small.hold(share + 1);
    EXPECT_FALSE(small.fits(clients));
}

TEST(BodyMemory, IsBoundedForAllConnections) {
    body_memory memory;
    std::list<body_memory::part> parts;
    for (std::size_t i = 0; i < clients; ++i) {
        body_memory::part& one = parts.emplace_back(memory);
        // Each grows until it is refused, as in a client that sends a mebibyte.
        for (std::size_t size = 4096; one.fits(clients) && size <= (1U << 20U); size += 4096) {
            one.hold(size);
        }
    }
    EXPECT_LE(memory.held_bytes(), 2 * body_memory::budget_bytes + clients * 4096);
    parts.clear();
    EXPECT_EQ(memory.held_bytes(), 0U);
}

TEST(BodyMemory, AllowsOnlySmallBodiesWhileMemoryIsShort) {
    body_memory memory;
    memory.hold_off(true);
    body_memory::part one(memory);
    one.hold(body_memory::min_share_bytes);
    EXPECT_TRUE(one.fits(clients));
    one.hold(body_memory::min_share_bytes + 1);
    EXPECT_FALSE(one.fits(clients));
    memory.hold_off(false);
    EXPECT_TRUE(one.fits(clients));
}

TEST(BodyMemory, AllowsAUsualBodyWithManyConnections) {
    body_memory memory;
    body_memory::part large(memory);
    large.hold(2 * body_memory::budget_bytes);
    body_memory::part usual(memory);
    usual.hold(body_memory::min_share_bytes);
    EXPECT_TRUE(usual.fits(65'535));
}

} // namespace
} // namespace kallglot
