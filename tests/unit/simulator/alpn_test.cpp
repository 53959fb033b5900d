#include "simulator/alpn.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

// An offer as it is on the wire: "h2" is "\x02h2".
const std::string h2 = "\x02h2";
const std::string http1 = "\x08http/1.1";
const std::string http10 = "\x08http/1.0";

TEST(Alpn, SelectsTheFirstAcceptedProtocolOfTheOffer) {
    EXPECT_EQ(select_protocol("h2,http/1.1", "", http1 + h2), "h2");
    EXPECT_EQ(select_protocol("http/1.1,h2", "", h2 + http1), "http/1.1");
    EXPECT_EQ(select_protocol("h2,http/1.1", "", http1), "http/1.1");
    EXPECT_EQ(select_protocol("h2", "", http1 + h2), "h2");
}

TEST(Alpn, OfferWithoutAnAcceptedProtocol) {
    EXPECT_EQ(select_protocol("h2", "", http1), std::nullopt) << "refused";
    EXPECT_EQ(select_protocol("h2,http/1.1", "", http10), "") << "HTTP/1.1 without ALPN";
    EXPECT_EQ(select_protocol("none", "", h2 + http1), "");
}

TEST(Alpn, ForcedProtocolIsSelectedWhateverIsOffered) {
    EXPECT_EQ(select_protocol("http/1.1", "h2", http1), "h2");
    EXPECT_EQ(select_protocol("none", "spdy/3", h2), "spdy/3");
}

TEST(Alpn, CutOffersAreRead) {
    for (const char* const offered : {"", "\x08http", "\x02h", "\xff"}) {
        EXPECT_EQ(select_protocol("h2", "", offered), std::nullopt);
    }
}

} // namespace
} // namespace kallglot::simulator
