#include "net/client/proxy_answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

using state = proxy_answer::state_type;

const std::string good = "HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n";

TEST(ProxyAnswer, OpensAtTheEndOfTheHeaderAndNotBefore) {
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(read_proxy_answer(good.substr(0, size)).state, state::incomplete) << size;
    }
    EXPECT_EQ(read_proxy_answer(good).state, state::open);
    EXPECT_EQ(read_proxy_answer("HTTP/1.0 204 x\r\n\r\n").state, state::open);
}

TEST(ProxyAnswer, SaysWhyItIsRefused) {
    EXPECT_EQ(read_proxy_answer("HTTP/1.1 407 Auth\r\n\r\n").detail, "the proxy wants credentials");
    EXPECT_EQ(read_proxy_answer("HTTP/1.1 502 Bad\r\n\r\n").detail, "the proxy refused the tunnel");
    EXPECT_EQ(read_proxy_answer(good + "x").detail, "the proxy sent more than its answer");
    for (const std::string bytes :
         {"SSH", "HTTP/2 200\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n"}) {
        EXPECT_EQ(read_proxy_answer(bytes).detail, "the proxy does not speak HTTP") << bytes;
    }
    std::string longest = "HTTP/1.1 200 OK\r\nX: ";
    longest.append(most_proxy_bytes, 'a');
    EXPECT_EQ(read_proxy_answer(longest).detail, "the proxy's header is too long");
}

} // namespace
} // namespace kallglot
