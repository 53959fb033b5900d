// Tests of when the heap is trimmed, with a counter in place of malloc_trim.

#include "app/heap_trimmer.hpp"

#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

TEST(HeapTrimmer, TrimsOnceAfterManyConnectionsClosed) {
    virtual_clock clock;
    std::size_t connections = 300;
    int trimmed = 0;
    heap_trimmer trimmer(clock, [&] { return connections; }, [&] { ++trimmed; });
    trimmer.start();
    clock.advance(1min);
    // A pool grows and shrinks by a few hundred in normal operation.
    connections = 100;
    clock.advance(1min);
    EXPECT_EQ(trimmed, 0);
    connections = 1500;
    clock.advance(1min);
    EXPECT_EQ(trimmed, 0);
    connections = 1000;
    clock.advance(1min);
    EXPECT_EQ(trimmed, 1);
    connections = 750;
    clock.advance(1min);
    EXPECT_EQ(trimmed, 1);
    connections = 744;
    clock.advance(10s);
    EXPECT_EQ(trimmed, 2);
    trimmer.stop();
    connections = 0;
    clock.advance(1min);
    EXPECT_EQ(trimmed, 2);
}

} // namespace
} // namespace kallglot::test
