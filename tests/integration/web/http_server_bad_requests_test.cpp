#include "server_fixture.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

using namespace std::string_literals;

struct bad_request {
    std::string name;
    std::string bytes;
    std::string status_line;
};

class HttpServerRefuses : public test::server_fixture,
                          public testing::WithParamInterface<bad_request> {
protected:
    HttpServerRefuses() { start(); }
};

TEST_P(HttpServerRefuses, AndClosesWithoutReadingOn) {
    // A valid request follows the invalid one; it must not be answered.
    const std::string good = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const std::string answer = exchange(GetParam().bytes + good);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + GetParam().status_line + "\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos);
}

const std::string host = "Host: localhost\r\n";

INSTANTIATE_TEST_SUITE_P(
    Requests,
    HttpServerRefuses,
    testing::Values(
        bad_request{"ChunkedWithLength",
                    "POST /keep HTTP/1.1\r\n" + host
                        + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "400 Bad Request"},
        bad_request{"MalformedChunk",
                    "POST /keep HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
                    "400 Bad Request"},
        bad_request{"Trailer",
                    "POST /keep HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
                    "400 Bad Request"},
        bad_request{"UnknownCoding",
                    "POST /keep HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
                    "501 Not Implemented"},
        bad_request{"TwoLengths",
                    "POST /keep HTTP/1.1\r\n" + host
                        + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                    "400 Bad Request"},
        bad_request{"NoHost", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
        bad_request{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request"},
        bad_request{"FoldedLine",
                    "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n",
                    "400 Bad Request"},
        bad_request{"NulByte", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s, "400 Bad Request"},
        bad_request{"TlsHello",
                    "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\n"s,
                    "400 Bad Request"},
        bad_request{"LongHeader",
                    "GET / HTTP/1.1\r\n" + host + "X: " + std::string(17'000, 'x') + "\r\n\r\n",
                    "431 Request Header Fields Too Large"},
        bad_request{"LargeBody",
                    "POST /keep HTTP/1.1\r\n" + host + "Content-Length: 1048577\r\n\r\n"
                        + std::string(100'000, 'b'),
                    "413 Payload Too Large"},
        bad_request{"LargeBodyAnnounced",
                    "POST /keep HTTP/1.1\r\n" + host
                        + "Expect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n",
                    "413 Payload Too Large"}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(HttpServerRefuses, AndServesTheNextClient) {
    static_cast<void>(exchange(GetParam().bytes));
    test::raw_client& client = connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

} // namespace
} // namespace kallglot
