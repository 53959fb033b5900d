#include "simulator/http_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot::simulator {
namespace {

const std::string usual =
    "GET /v1/sessions/sess_01HXYZ?limit=3&x HTTP/1.1\r\nHost: localhost:1\r\n"
    "authorization: bearer sk_test_0123456789abcdef\r\nAccept-Encoding: identity\r\n\r\n";

TEST(HttpRequest, ParsesMethodPathKeyAndFraming) {
    const parse_result result = parse_request(usual);
    ASSERT_EQ(result.outcome, parse_outcome::complete);
    EXPECT_EQ(result.size, usual.size());
    EXPECT_EQ(result.request.method, "GET");
    EXPECT_EQ(result.request.path, "/v1/sessions/sess_01HXYZ");
    EXPECT_EQ(result.request.query, "limit=3&x");
    EXPECT_EQ(result.request.key, "sk_test_0123456789abcdef");
    EXPECT_TRUE(result.request.keep_alive);
    EXPECT_EQ(result.request.body, "");
}

TEST(HttpRequest, IsIncompleteAtEveryShorterLength) {
    const std::string text = "POST /_faults HTTP/1.1\r\nContent-Length: 11\r\n\r\n{\"hang\":0.5}";
    const std::string whole = text.substr(0, text.size() - 1);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(parse_request(whole.substr(0, size)).outcome, parse_outcome::incomplete) << size;
    }
    const parse_result result = parse_request(text);
    ASSERT_EQ(result.outcome, parse_outcome::complete);
    EXPECT_EQ(result.size, whole.size()) << "what follows belongs to the next request";
    EXPECT_EQ(result.request.body, "{\"hang\":0.5");
}

TEST(HttpRequest, ParsesXApiKeyAndConnectionClose) {
    const parse_result result =
        parse_request("GET /x HTTP/1.1\r\nX-API-Key:  k1 \r\nConnection: Close\r\n\r\n");
    ASSERT_EQ(result.outcome, parse_outcome::complete);
    EXPECT_EQ(result.request.key, "k1");
    EXPECT_FALSE(result.request.keep_alive);
    EXPECT_FALSE(parse_request("GET /x HTTP/1.0\r\n\r\n").request.keep_alive);
}

TEST(HttpRequest, RejectsUnexpectedRequests) {
    for (const char* text : {"\r\n\r\n",
                             "GET\r\n\r\n",
                             "GET /\r\n\r\n",
                             "GET / HTTP/2.0\r\n\r\n",
                             "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                             "GET / HTTP/1.1\r\n: x\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        EXPECT_EQ(parse_request(text).outcome, parse_outcome::malformed) << text;
    }
    EXPECT_EQ(parse_request(std::string(20'000, 'x')).outcome, parse_outcome::malformed);
}

TEST(HttpRequest, FindsValuesInAQuery) {
    EXPECT_EQ(query_value("a=1&bb=2&c", "bb"), "2");
    EXPECT_EQ(query_value("a=1&bb=2&c", "c"), "");
    EXPECT_FALSE(query_value("a=1&bb=2&c", "b").has_value());
    EXPECT_FALSE(query_value("", "b").has_value());
}

} // namespace
} // namespace kallglot::simulator
