#include "net/server/eviction.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kallglot {
namespace {

peer_network network(const std::string& address) {
    return network_of(boost::asio::ip::make_address(address));
}

const peer_network attacker = network("198.51.100.7");
const peer_network sender = network("203.0.113.20");

open_connection idle(peer_network from) {
    return {from, false, false};
}

open_connection answering(peer_network from) {
    return {from, true, false};
}

open_connection stalled(peer_network from) {
    return {from, false, true};
}

TEST(Eviction, TakesTheConnectionLongestWithoutARequest) {
    const std::vector<open_connection> all{idle(sender), idle(sender), idle(sender)};
    EXPECT_EQ(choose_for_eviction(all, sender), 0U);
}

TEST(Eviction, TakesAStalledConnectionBeforeAnOlderOne) {
    const std::vector<open_connection> all{idle(sender),
                                           idle(sender),
                                           stalled(sender),
                                           stalled(sender)};
    EXPECT_EQ(choose_for_eviction(all, sender), 2U);
}

TEST(Eviction, TakesFromTheNetworkWithMostConnections) {
    const std::vector<open_connection> all{idle(sender),
                                           idle(attacker),
                                           idle(attacker),
                                           idle(attacker)};
    EXPECT_EQ(choose_for_eviction(all, sender), 1U);
    // A stalled client that is alone stays before one of many.
    const std::vector<open_connection> one_is_stalled{stalled(sender),
                                                      idle(attacker),
                                                      idle(attacker),
                                                      idle(attacker)};
    EXPECT_EQ(choose_for_eviction(one_is_stalled, sender), 1U);
}

TEST(Eviction, CountsTheNewConnection) {
    const std::vector<open_connection> all{idle(sender), idle(attacker)};
    EXPECT_EQ(choose_for_eviction(all, attacker), 1U);
    EXPECT_EQ(choose_for_eviction(all, sender), 0U);
}

TEST(Eviction, SparesAConnectionThatIsBeingAnswered) {
    const std::vector<open_connection> all{answering(attacker), answering(attacker), idle(sender)};
    EXPECT_EQ(choose_for_eviction(all, attacker), 2U);
    const std::vector<open_connection> none_is_idle{answering(sender),
                                                    answering(attacker),
                                                    answering(attacker),
                                                    answering(attacker)};
    EXPECT_EQ(choose_for_eviction(none_is_idle, sender), 1U);
}

TEST(Eviction, CountsAnsweredConnectionsOfANetwork) {
    const std::vector<open_connection> all{idle(sender),
                                           answering(attacker),
                                           answering(attacker),
                                           idle(attacker)};
    EXPECT_EQ(choose_for_eviction(all, sender), 3U);
}

TEST(Eviction, TakesTheHalfOfAnIpv6AddressAsOneNetwork) {
    EXPECT_EQ(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    EXPECT_NE(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
}

TEST(Eviction, TakesMappedAddressesAsIpv4) {
    EXPECT_EQ(network("::ffff:198.51.100.7"), attacker);
    EXPECT_NE(network("::ffff:198.51.100.7"), network("::ffff:198.51.100.8"));
    EXPECT_NE(network("::1"), network("0.0.0.0"));
}

} // namespace
} // namespace kallglot
