#include "net/client/connection_demand.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

connection_demand http2(std::size_t in_flight, std::size_t waiting, std::size_t open) {
    connection_demand demand;
    demand.version = http_version::http_2;
    demand.in_flight = in_flight;
    demand.waiting = waiting;
    demand.open = open;
    demand.streams = 100;
    return demand;
}

TEST(ConnectionDemand, AnUnknownVersionNeedsOneConnectionFirst) {
    connection_demand demand;
    EXPECT_EQ(demand.openings(), 0U);
    demand.waiting = 500;
    demand.waiting_for_fresh = 3;
    EXPECT_EQ(demand.openings(), 1U);
}

TEST(ConnectionDemand, Http11NeedsAConnectionForEachRequest) {
    connection_demand demand;
    demand.version = http_version::http_1_1;
    demand.in_flight = 10;
    demand.waiting = 20;
    demand.waiting_for_fresh = 2;
    EXPECT_EQ(demand.openings(), 22U);
    demand.waiting = 500;
    EXPECT_EQ(demand.openings(), 64U);
}

TEST(ConnectionDemand, Http2HasAQuarterInReserve) {
    EXPECT_EQ(http2(0, 0, 0).connections(), 1U);
    EXPECT_EQ(http2(80, 0, 0).connections(), 1U);
    EXPECT_EQ(http2(81, 0, 0).connections(), 2U);
    EXPECT_EQ(http2(1000, 0, 0).connections(), 13U);
    EXPECT_EQ(http2(81, 0, 1).openings(), 1U);
    EXPECT_EQ(http2(81, 0, 2).openings(), 0U);
    EXPECT_EQ(http2(0, 1000, 0).openings(), 4U) << "handshakes at a time";
}

TEST(ConnectionDemand, ConnectionsThatEndedAreNotReplacedWhileIdle) {
    EXPECT_EQ(http2(0, 0, 0).openings(), 0U);
    EXPECT_EQ(http2(1, 0, 0).openings(), 1U);
}

TEST(ConnectionDemand, TwoAddressesAreBothUsedUnderLoad) {
    connection_demand demand = http2(16, 0, 1);
    demand.addresses = 2;
    EXPECT_EQ(demand.openings(), 0U);
    demand.in_flight = 17;
    EXPECT_EQ(demand.openings(), 1U);
}

TEST(ConnectionDemand, NoReserveAfterAFailureToOpen) {
    connection_demand demand = http2(90, 0, 1);
    demand.reserve = false;
    EXPECT_EQ(demand.openings(), 0U);
    demand.waiting = 5;
    EXPECT_EQ(demand.openings(), 1U);
}

TEST(ConnectionDemand, AServerWithoutRoomGetsNoFurtherConnection) {
    connection_demand demand = http2(0, 5, 1);
    demand.starved = true;
    EXPECT_EQ(demand.openings(), 0U);
    demand.waiting_for_fresh = 101;
    EXPECT_EQ(demand.openings(), 2U);
}

} // namespace
} // namespace kallglot
