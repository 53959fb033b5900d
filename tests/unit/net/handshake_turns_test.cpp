#include "net/server/handshake_turns.hpp"

#include "support/loop.hpp"
#include "support/virtual_clock.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

const steady_time start = steady_time(1000h);

peer_network network(const std::string& address) {
    return network_of(boost::asio::ip::make_address(address));
}

TEST(HandshakeBudget, AllowsWhatWasSavedAtOnce) {
    handshake_budget budget(start);
    EXPECT_TRUE(budget.has_left(start));
    budget.spend(49ms, start);
    EXPECT_TRUE(budget.has_left(start));
    budget.spend(1ms, start);
    EXPECT_FALSE(budget.has_left(start));
}

TEST(HandshakeBudget, AllowsAQuarterOfTheTime) {
    handshake_budget budget(start);
    steady_time now = start;
    steady_duration spent{};
    while (now < start + 60s) {
        now = std::max(now, budget.available_at());
        ASSERT_TRUE(budget.has_left(now));
        budget.spend(4ms, now);
        now += 4ms;
        spent += 4ms;
    }
    EXPECT_GE(spent, 15s);
    EXPECT_LE(spent, 15s + 60ms);
}

TEST(HandshakeBudget, SavesLittleInAQuietTime) {
    handshake_budget budget(start);
    budget.spend(50ms, start);
    const steady_time later = start + 1h;
    budget.spend(50ms, later);
    EXPECT_FALSE(budget.has_left(later));
}

TEST(HandshakeBudget, ForgivesALongStep) {
    handshake_budget budget(start);
    budget.spend(40s, start);
    EXPECT_FALSE(budget.has_left(start));
    EXPECT_LE(budget.available_at(), start + 1s + 1ms);
    EXPECT_TRUE(budget.has_left(budget.available_at()));
}

TEST(HandshakeTurn, GoesToTheClientWithFewestWaiting) {
    const peer_network many = network("198.51.100.7");
    const peer_network few = network("203.0.113.20");
    const std::vector<peer_network> waiting{many, many, few, many};
    EXPECT_EQ(choose_turn(waiting), 2U);
    const std::vector<peer_network> equal{many, few, few, many};
    EXPECT_EQ(choose_turn(equal), 0U);
}

class HandshakeTurns : public testing::Test {
protected:
    // A client that waits for its turn and then takes a step.
    static task<> take_step(handshake_turns* turns,
                            handshake_turns::place* where,
                            steady_duration took,
                            int* steps) {
        co_await turns->wait(where);
        ++*steps;
        turns->note_step(took);
    }

    void begin(const std::string& address, steady_duration took) {
        places_.push_back(
            std::make_unique<handshake_turns::place>(loop_.executor(), network(address)));
        group_.spawn("client", take_step(&turns_, places_.back().get(), took, &steps_[address]));
        loop_.poll();
    }

    void pass(milliseconds time) {
        for (milliseconds gone{0}; gone < time; ++gone) {
            clock_.advance(1ms);
            loop_.poll();
        }
    }

    test::loop loop_;
    test::virtual_clock clock_;
    handshake_turns turns_{clock_};
    task_group group_{loop_.executor(), test::loop::failure()};
    std::vector<std::unique_ptr<handshake_turns::place>> places_;
    std::map<std::string, int> steps_;
};

TEST_F(HandshakeTurns, DoNotWaitWithinTheBudget) {
    for (int i = 0; i < 10; ++i) {
        begin("198.51.100.7", 5ms);
    }
    EXPECT_EQ(steps_["198.51.100.7"], 10);
    EXPECT_EQ(turns_.waiting(), 0U);
}

TEST_F(HandshakeTurns, WaitForTheirShareOfTime) {
    for (int i = 0; i < 30; ++i) {
        begin("198.51.100.7", 5ms);
    }
    EXPECT_EQ(steps_["198.51.100.7"], 10);
    EXPECT_EQ(turns_.waiting(), 20U);
    pass(200ms);
    EXPECT_NEAR(steps_["198.51.100.7"], 20, 1);
    // One client alone does not wait behind the many.
    begin("203.0.113.20", 5ms);
    pass(25ms);
    EXPECT_EQ(steps_["203.0.113.20"], 1);
    pass(400ms);
    EXPECT_EQ(steps_["198.51.100.7"], 30);
    EXPECT_EQ(turns_.waiting(), 0U);
}

TEST_F(HandshakeTurns, GoOnWhenOneLeaves) {
    for (int i = 0; i < 13; ++i) {
        begin("198.51.100.7", 5ms);
    }
    ASSERT_EQ(turns_.waiting(), 3U);
    // Closed while it waits: its task goes on with a step of no length.
    places_[11]->wake.cancel();
    loop_.poll();
    EXPECT_EQ(turns_.waiting(), 2U);
    pass(100ms);
    EXPECT_EQ(steps_["198.51.100.7"], 13);
}

} // namespace
} // namespace kallglot
