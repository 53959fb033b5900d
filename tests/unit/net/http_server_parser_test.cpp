#include "net/server/http_server_parser.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

using namespace std::string_literals;
using state = http_server_parser::state;

http_limits small_limits() {
    http_limits limits;
    limits.header_bytes = 2048;
    limits.body_bytes = 1000;
    return limits;
}

struct bad_request {
    std::string name;
    std::string bytes;
    int status;
};

TEST(HttpServerParser, DropsThePrefixOfAProxy) {
    for (const auto& [sent, path] : std::to_array<std::pair<std::string, std::string>>({
             {"/kallglot/metrics", "/metrics"},
             {"/kallglot/", "/"},
             {"/kallglot", "/"},
             {"/kallglot?a=b", "/"},
             {"http://a/kallglot/metrics", "/metrics"},
             {"/metrics", "/metrics"},
             {"/", "/"},
             {"/kallglots", "/kallglots"},
             {"/kallglot/kallglot/metrics", "/kallglot/metrics"},
         })) {
        http_server_parser parser(small_limits());
        parser.use_prefix("/kallglot");
        ASSERT_EQ(parser.put("GET " + sent + " HTTP/1.1\r\nHost: a\r\n\r\n"), state::complete)
            << sent;
        EXPECT_EQ(parser.take().path, path) << sent;
    }
}

TEST(HttpServerParser, KnowsThePathOfARefusedRequest) {
    http_server_parser parser(small_limits());
    parser.put("POST /api/v1/sessions?x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
    EXPECT_EQ(parser.refusal(), 413);
    EXPECT_EQ(parser.path(), "/api/v1/sessions");
    http_server_parser not_parsed(small_limits());
    not_parsed.put(
        "GET /api/v1/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(not_parsed.refusal(), 400);
    EXPECT_EQ(not_parsed.path(), "/api/v1/x");
    http_server_parser too_long(small_limits());
    too_long.put("GET /api/v1/x HTTP/1.1\r\nX: " + std::string(5000, 'y'));
    EXPECT_EQ(too_long.refusal(), 431);
    EXPECT_EQ(too_long.path(), "/api/v1/x");
    http_server_parser without_path(small_limits());
    without_path.put("nonsense\r\n\r\n");
    EXPECT_EQ(without_path.path(), "");
}

class RefusedRequest : public testing::TestWithParam<bad_request> {};

TEST_P(RefusedRequest, IsAnsweredWithItsStatus) {
    http_server_parser parser(small_limits());
    ASSERT_EQ(parser.put(GetParam().bytes), state::refused);
    EXPECT_EQ(parser.refusal(), GetParam().status);
}

TEST_P(RefusedRequest, IsRefusedByteByByte) {
    http_server_parser parser(small_limits());
    for (const char c : GetParam().bytes) {
        if (parser.put(std::string_view(&c, 1)) == state::refused) {
            break;
        }
    }
    ASSERT_EQ(parser.now(), state::refused);
    EXPECT_EQ(parser.refusal(), GetParam().status);
}

TEST_P(RefusedRequest, IsNotFollowedByAnother) {
    http_server_parser parser(small_limits());
    parser.put(GetParam().bytes);
    EXPECT_EQ(parser.put("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), state::refused);
}

const std::string host = "Host: localhost\r\n";

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(
    Requests,
    RefusedRequest,
    testing::Values(
        bad_request{"ChunkedWithLength",
                    "POST / HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
                    400},
        bad_request{"LengthWithChunked",
                    "POST / HTTP/1.1\r\n" + host
                        + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                    400},
        bad_request{
            "GzipCodingWithLength",
            "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
            400},
        bad_request{"ChunkedTwice",
                    "POST / HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                    400},
        bad_request{"ChunkedInAList",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n",
                    501},
        bad_request{"QuotedChunked",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n",
                    501},
        bad_request{"EmptyCoding",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n",
                    501},
        bad_request{
            "ChunkedBesideAnEmptyLength",
            "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length:\r\n\r\n",
            400},
        bad_request{"MalformedChunk",
                    "POST / HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
                    400},
        bad_request{"Trailer",
                    "POST / HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
                    400},
        bad_request{"ChunksOverTheLimit",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
                    413},
        bad_request{"ManyFields",
                    "GET / HTTP/1.1\r\n" + host + repeated("a:\r\n", 100) + "\r\n",
                    431},
        bad_request{"OtherFirstByte", "{\"id\": 1}", 400},
        bad_request{"TlsHelloWithoutALine", "\x16\x03\x01\x02"s, 400},
        bad_request{"GzipCoding",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
                    501},
        bad_request{"ChunkedThenGzip",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n",
                    501},
        bad_request{"UnknownCoding",
                    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n",
                    501},
        bad_request{"TwoCodings",
                    "POST / HTTP/1.1\r\n" + host
                        + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
                    400},
        bad_request{"ChunkedInHttp10",
                    "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n",
                    400},
        bad_request{"TwoLengths",
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
                    400},
        bad_request{"TwoEqualLengths",
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
                    400},
        bad_request{"ListOfLengths",
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\n",
                    400},
        bad_request{"SignedLength",
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\n",
                    400},
        bad_request{"HexLength", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x5\r\n\r\n", 400},
        bad_request{"EmptyLength", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400},
        bad_request{"LengthOverTheLimit",
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: 1001\r\n\r\n",
                    413},
        bad_request{"TenGibibytesExpected",
                    "POST / HTTP/1.1\r\n" + host
                        + "Expect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n",
                    413},
        bad_request{"UnknownExpectation",
                    "POST / HTTP/1.1\r\n" + host + "Expect: a-miracle\r\nContent-Length: 5\r\n\r\n",
                    417},
        bad_request{"NoHost", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400},
        bad_request{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        bad_request{"FoldedLine", "GET / HTTP/1.1\r\n" + host + "X-Long: one\r\n two\r\n\r\n", 400},
        bad_request{"FoldedLineWithTab",
                    "GET / HTTP/1.1\r\n" + host + "X-Long: one\r\n\ttwo\r\n\r\n",
                    400},
        bad_request{"FoldedFirstLine", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400},
        bad_request{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
        bad_request{"BareLineFeed", "GET / HTTP/1.1\nHost: localhost\r\n\r\n", 400},
        bad_request{"BareLineFeedInField", "GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400},
        bad_request{"NulInField", "GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n"s, 400},
        bad_request{"NulInTarget", "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"s, 400},
        bad_request{"SpaceInTarget", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
        bad_request{"NoVersion", "GET /\r\n" + host + "\r\n", 400},
        bad_request{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        bad_request{"AuthorityForm", "CONNECT example.test:443 HTTP/1.1\r\n" + host + "\r\n", 400},
        bad_request{"AsteriskFormOfPost", "POST * HTTP/1.1\r\n" + host + "\r\n", 400},
        bad_request{"AsteriskFormOfLowerCase", "options * HTTP/1.1\r\n" + host + "\r\n", 400},
        bad_request{"OtherScheme", "GET ftp://example.test/ HTTP/1.1\r\n" + host + "\r\n", 400},
        bad_request{"TlsHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n"s, 400},
        bad_request{"HeaderOverTheLimit",
                    "GET / HTTP/1.1\r\n" + host + "X: " + std::string(2048, 'x') + "\r\n\r\n",
                    431},
        bad_request{"EndlessTarget", "GET /" + std::string(4000, 'a'), 431}),
    [](const auto& tested) { return tested.param.name; });

http_request parse(std::string_view bytes) {
    http_server_parser parser(small_limits());
    EXPECT_EQ(parser.put(bytes), state::complete);
    return parser.take();
}

TEST(HttpServerParser, ReadsARequest) {
    const http_request request = parse(
        "GET /metrics?x=1&y=%2F HTTP/1.1\r\nHost: localhost:10455\r\nACCEPT-encoding: "
        "gzip\r\n\r\n");
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/metrics");
    EXPECT_EQ(request.query, "x=1&y=%2F");
    EXPECT_EQ(request.field("Accept-Encoding"), "gzip");
    EXPECT_EQ(request.field("Authorization"), "");
    EXPECT_TRUE(request.keep_alive);
}

TEST(HttpServerParser, ReadsThePathOfAbsoluteForm) {
    EXPECT_EQ(
        parse("GET http://localhost:10455/-/ready?now HTTP/1.1\r\nHost: localhost\r\n\r\n").path,
        "/-/ready");
    EXPECT_EQ(parse("GET HTTP://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n").path, "/");
    EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").path, "*");
}

TEST(HttpServerParser, ReadsKeepAlive) {
    EXPECT_FALSE(
        parse("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").keep_alive);
    EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
    EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(HttpServerParser, IgnoresEmptyLinesBeforeARequest) {
    EXPECT_EQ(parse("\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").path,
              "/-/healthy");
}

TEST(HttpServerParser, ReadsABodyOfTheGivenLength) {
    const std::string body(1000, 'b');
    const http_request request =
        parse("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + body);
    EXPECT_EQ(request.body, body);
}

TEST(HttpServerParser, ReadsAHundredFields) {
    EXPECT_EQ(parse("GET / HTTP/1.1\r\n" + host + repeated("a:\r\n", 99) + "\r\n").fields.size(),
              100U);
}

TEST(HttpServerParser, ReadsAChunkedBodyInPiecesOfAnySize) {
    const std::string first =
        "POST /first HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "6;x=y\r\na body\r\n1F\r\n of more than thirty-two bytes.\r\n0\r\n\r\n";
    const std::string both = first + "GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (std::size_t piece = 1; piece <= both.size(); ++piece) {
        http_server_parser parser(small_limits());
        std::vector<std::string> paths;
        std::vector<std::string> bodies;
        for (std::size_t at = 0; at < both.size(); at += piece) {
            parser.put(std::string_view(both).substr(at, piece));
            while (parser.now() == state::complete) {
                const http_request request = parser.take();
                paths.push_back(request.path);
                bodies.push_back(request.body);
            }
        }
        ASSERT_EQ(paths, (std::vector<std::string>{"/first", "/second"})) << piece;
        ASSERT_EQ(bodies, (std::vector<std::string>{"a body of more than thirty-two bytes.", ""}));
    }
}

TEST(HttpServerParser, CountsTheBytesOfTheBody) {
    http_server_parser parser(small_limits());
    parser.put("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n");
    EXPECT_EQ(parser.body_bytes(), 0U);
    parser.put(std::string(300, 'b'));
    EXPECT_EQ(parser.body_bytes(), 300U);
    parser.put(std::string(200, 'b'));
    EXPECT_EQ(parser.body_bytes(), 500U);
    static_cast<void>(parser.take());
    EXPECT_EQ(parser.body_bytes(), 0U);
}

TEST(HttpServerParser, TakesARequestWithoutItsBody) {
    http_server_parser parser(small_limits());
    parser.put("GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nsome of it");
    ASSERT_NE(parser.head(), nullptr);
    const http_request request = parser.take_head();
    EXPECT_EQ(request.path, "/metrics");
    EXPECT_EQ(request.body, "");
    EXPECT_FALSE(request.keep_alive);
    EXPECT_EQ(parser.put("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), state::refused);
}

TEST(HttpServerParser, IsIdleOnlyBetweenRequests) {
    http_server_parser parser(small_limits());
    EXPECT_EQ(parser.now(), state::idle);
    EXPECT_EQ(parser.put("\r\n"), state::idle);
    EXPECT_EQ(parser.put("G"), state::reading);
    EXPECT_EQ(parser.put("ET / HTTP/1.1\r\nHost: localhost\r\n\r"), state::reading);
    EXPECT_EQ(parser.put("\n"), state::complete);
    static_cast<void>(parser.take());
    EXPECT_EQ(parser.now(), state::idle);
}

TEST(HttpServerParser, ParsesOneRequestAtATime) {
    http_server_parser parser(small_limits());
    parser.put(
        "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /second "
        "HTTP/1.1\r\nHost: a\r\n\r\nGET /thi");
    ASSERT_EQ(parser.now(), state::complete);
    EXPECT_EQ(parser.take().body, "one");
    ASSERT_EQ(parser.now(), state::complete);
    EXPECT_EQ(parser.take().path, "/second");
    EXPECT_EQ(parser.now(), state::reading);
    EXPECT_EQ(parser.put("rd HTTP/1.1\r\nHost: a\r\n\r\n"), state::complete);
    EXPECT_EQ(parser.take().path, "/third");
}

TEST(HttpServerParser, RequestsABodyThatWaitsForContinue) {
    http_server_parser parser(small_limits());
    EXPECT_EQ(parser.put(
                  "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n"),
              state::expect_continue);
    parser.note_continue_sent();
    EXPECT_EQ(parser.put("bo"), state::reading);
    EXPECT_EQ(parser.put("dy"), state::complete);
    EXPECT_EQ(parser.take().body, "body");
}

TEST(HttpServerParser, RequestsNoBodyThatIsThereOrEmpty) {
    http_server_parser parser(small_limits());
    EXPECT_EQ(
        parser.put(
            "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody"),
        state::complete);
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").path, "/");
    EXPECT_EQ(parse("GET / HTTP/1.0\r\nExpect: anything\r\n\r\n").path, "/");
}

TEST(HttpServerParser, ParsesAnySplitOfTheBytes) {
    std::mt19937 random(99);
    const std::string_view pieces[] = {"GET / HTTP/1.1\r\n",
                                       "Host: a\r\n",
                                       "\r\n",
                                       "Content-Length: 7\r\n",
                                       "\n",
                                       " ",
                                       ":",
                                       "Transfer-Encoding: chunked\r\n",
                                       "POST /x HTTP/1.1\r\n",
                                       "\xFF\xFE",
                                       "Expect: 100-continue\r\n"};
    std::size_t completed = 0;
    for (int run = 0; run < 20'000; ++run) {
        http_server_parser parser(small_limits());
        for (int i = 0; i < 12; ++i) {
            const state now = parser.put(pieces[random() % std::size(pieces)]);
            if (now == state::complete) {
                const http_request request = parser.take();
                ASSERT_TRUE(request.path.starts_with('/'));
                ++completed;
            } else if (now == state::expect_continue) {
                parser.note_continue_sent();
            } else if (now == state::refused) {
                ASSERT_GE(parser.refusal(), 400);
                break;
            }
        }
    }
    EXPECT_GT(completed, 20U);
}

TEST(HttpServerParser, IdleParserFreesALargeBody) {
    constexpr std::size_t large = std::size_t{1} << 20;
    http_limits limits;
    limits.body_bytes = large;
    std::list<http_server_parser> parsers;
    const auto held = [] {
        const struct mallinfo2 heap = ::mallinfo2();
        return heap.uordblks + heap.hblkhd;
    };
    const std::size_t before = held();
    for (int i = 0; i < 50; ++i) {
        http_server_parser& parser = parsers.emplace_back(limits);
        parser.put("POST / HTTP/1.1\r\n" + host + "Content-Length: 1048576\r\n\r\n");
        ASSERT_EQ(parser.put(std::string(large, 'b') + "GET / "), state::complete);
        EXPECT_EQ(parser.take().body.size(), large);
        EXPECT_EQ(parser.put("HTTP/1.1\r\n" + host + "\r\n"), state::complete);
        EXPECT_EQ(parser.take().method, "GET");
    }
    EXPECT_LT(held(), before + large);
}

TEST(HttpServerParser, ReturnsTheHeadBeforeTheBodyIsComplete) {
    http_server_parser parser(small_limits());
    EXPECT_EQ(parser.head(), nullptr);
    parser.put("POST /a HTTP/1.1\r\n");
    EXPECT_EQ(parser.head(), nullptr);
    parser.put(host + "Content-Length: 2\r\n\r\n");
    ASSERT_NE(parser.head(), nullptr);
    EXPECT_EQ(parser.head()->path, "/a");
    parser.put("b");
    ASSERT_NE(parser.head(), nullptr);
    parser.put("b");
    EXPECT_EQ(parser.head(), nullptr);
}

TEST(HttpServerParser, AcceptsAbsoluteFormWithEitherScheme) {
    for (const std::string target : {"http://a/x?y", "https://a/x?y", "HTTPS://a:1/x?y"}) {
        http_server_parser parser(small_limits());
        ASSERT_EQ(parser.put("GET " + target + " HTTP/1.1\r\n" + host + "\r\n"), state::complete);
        const http_request taken = parser.take();
        EXPECT_EQ(taken.path, "/x");
        EXPECT_EQ(taken.query, "y");
    }
}

} // namespace
} // namespace kallglot
