#include "net/client/proxy_answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

using state = proxy_answer::state_type;

const std::string good = "HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n";

TEST(ProxyAnswer, OpensAtTheEndOfTheHeader) {
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(read_proxy_answer(good.substr(0, size)).state, state::incomplete) << size;
    }
    EXPECT_EQ(read_proxy_answer(good).state, state::open);
    EXPECT_EQ(read_proxy_answer("HTTP/1.0 204 x\r\n\r\n").state, state::open);
}

TEST(ProxyAnswer, NamesTheReasonOfARefusal) {
    EXPECT_EQ(read_proxy_answer("HTTP/1.1 407 Auth\r\n\r\n").detail,
              "the proxy requires authentication");
    EXPECT_EQ(read_proxy_answer("HTTP/1.1 502 Bad\r\n\r\n").detail,
              "the proxy rejected the CONNECT request");
    EXPECT_EQ(read_proxy_answer(good + "x").detail,
              "the proxy sent data after its response header");
    for (const std::string bytes :
         {"SSH", "HTTP/2 200\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n"}) {
        EXPECT_EQ(read_proxy_answer(bytes).detail, "the response of the proxy is not HTTP/1")
            << bytes;
    }
    std::string longest = "HTTP/1.1 200 OK\r\nX: ";
    longest.append(max_proxy_header_bytes, 'a');
    EXPECT_EQ(read_proxy_answer(longest).detail, "the response header of the proxy exceeds 8 KiB");
}

} // namespace
} // namespace kallglot
