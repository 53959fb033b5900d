// Which login is next and which one leaves, by network: a flood from some networks does not lock out another one.

#include "web/login_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <list>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{1h};

peer_network network(std::uint64_t number) {
    return {number, false};
}

class LoginQueue : public testing::Test {
protected:
    /// Each login is charged first, as basic_auth does.
    login_queue::login* add(std::uint64_t from) {
        static_cast<void>(ledger_.charge(network(from), start));
        logins_.push_back({network(from)});
        return queue_.add(logins_.back(), ledger_, start);
    }

    /// The network of the next login; 0 if none waits.
    std::uint64_t next() {
        const login_queue::login* const taken = queue_.take_next(ledger_, start);
        return taken == nullptr ? 0 : taken->from.prefix;
    }

    std::list<login_queue::login> logins_;
    login_ledger ledger_;
    login_queue queue_;
};

TEST(LoginLedger, TenLoginsUseUpTheAllowance) {
    login_ledger ledger;
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(ledger.charge(network(1), start)) << i;
    }
    EXPECT_FALSE(ledger.charge(network(1), start));
    EXPECT_EQ(ledger.allowance(network(1), start), 0);
    EXPECT_EQ(ledger.allowance(network(2), start), login_ledger::full_allowance);
}

TEST(LoginLedger, ASecondRestoresOneLogin) {
    login_ledger ledger;
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(ledger.charge(network(1), start));
    }
    EXPECT_FALSE(ledger.charge(network(1), start + 999ms));
    EXPECT_TRUE(ledger.charge(network(1), start + 2s));
    EXPECT_FALSE(ledger.charge(network(1), start + 2s));
    EXPECT_EQ(ledger.allowance(network(1), start + 1h), login_ledger::full_allowance);
}

TEST(LoginLedger, ARightLoginRestoresTheAllowance) {
    login_ledger ledger;
    static_cast<void>(ledger.charge(network(1), start));
    static_cast<void>(ledger.charge(network(2), start));
    ledger.restore(network(1));
    EXPECT_EQ(ledger.allowance(network(1), start), login_ledger::full_allowance);
    EXPECT_EQ(ledger.allowance(network(2), start), login_ledger::full_allowance - 1);
}

TEST(LoginLedger, TheNetworkThatRecoveredLongestIsDropped) {
    login_ledger ledger;
    for (std::uint64_t i = 0; i < login_ledger::max_networks + 1; ++i) {
        for (int n = 0; n < 3; ++n) {
            static_cast<void>(ledger.charge(network(i), start + milliseconds(i)));
        }
    }
    const steady_time end = start + milliseconds(login_ledger::max_networks);
    EXPECT_EQ(ledger.allowance(network(0), end), login_ledger::full_allowance);
    EXPECT_LT(ledger.allowance(network(1), end), login_ledger::full_allowance);
    EXPECT_LT(ledger.allowance(network(login_ledger::max_networks), end), 8);
}

TEST(LoginLedger, AnIpv6NetworkIsNoIpv4Address) {
    login_ledger ledger;
    static_cast<void>(ledger.charge({1, true}, start));
    EXPECT_EQ(ledger.allowance({1, false}, start), login_ledger::full_allowance);
}

TEST_F(LoginQueue, LoginsOfOneNetworkAreInTheirOrder) {
    EXPECT_EQ(next(), 0U);
    EXPECT_EQ(add(1), nullptr);
    EXPECT_EQ(add(1), nullptr);
    EXPECT_EQ(queue_.take_next(ledger_, start), &logins_.front());
    EXPECT_EQ(queue_.take_next(ledger_, start), &logins_.back());
}

TEST_F(LoginQueue, NetworksThatTryLessComeFirst) {
    for (const std::uint64_t from : std::to_array<std::uint64_t>({1, 1, 1, 2, 2, 3})) {
        EXPECT_EQ(add(from), nullptr);
    }
    for (const std::uint64_t expected : std::to_array<std::uint64_t>({3, 2, 2, 1, 1, 1})) {
        EXPECT_EQ(next(), expected);
    }
}

TEST_F(LoginQueue, ANetworkThatHasTriedLeastIsNext) {
    for (std::uint64_t from = 1; from <= 10; ++from) {
        static_cast<void>(ledger_.charge(network(from), start));
        EXPECT_EQ(add(from), nullptr);
    }
    EXPECT_EQ(add(99), nullptr);
    EXPECT_EQ(next(), 99U);
    EXPECT_EQ(next(), 1U);
}

TEST_F(LoginQueue, AFullQueueOfGuessersHasRoomForAnotherNetwork) {
    for (std::uint64_t from = 1; from <= login_queue::capacity; ++from) {
        static_cast<void>(ledger_.charge(network(from), start));
        EXPECT_EQ(add(from), nullptr);
    }
    // The newest of those with the worst standing leaves.
    login_queue::login* const newest = &logins_.back();
    EXPECT_EQ(add(99), newest);
    EXPECT_EQ(next(), 99U);
    // A further login of a network that has tried before is rejected itself.
    EXPECT_EQ(add(98), nullptr);
    static_cast<void>(ledger_.charge(network(97), start));
    login_queue::login* const rejected = add(97);
    EXPECT_EQ(rejected, &logins_.back());
}

TEST_F(LoginQueue, ANetworkThatFillsTheQueueMakesRoom) {
    for (std::size_t i = 0; i < login_queue::capacity; ++i) {
        EXPECT_EQ(add(1), nullptr);
    }
    login_queue::login* const last = &logins_.back();
    login_queue::login* const rejected = add(1);
    EXPECT_EQ(rejected, &logins_.back()) << "its own further one is rejected";
    EXPECT_EQ(add(2), last);
    EXPECT_EQ(next(), 2U);
    EXPECT_EQ(next(), 1U);
}

TEST_F(LoginQueue, ARemovedLoginIsNotNext) {
    EXPECT_EQ(add(1), nullptr);
    EXPECT_EQ(add(2), nullptr);
    queue_.remove(logins_.front());
    queue_.remove(logins_.front());
    EXPECT_EQ(next(), 2U);
    EXPECT_EQ(next(), 0U);
}

} // namespace
} // namespace kallglot
