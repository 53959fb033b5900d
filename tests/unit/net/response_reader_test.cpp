// Which responses are accepted: each row of the tables is one rule of framing or content.

#include "net/client/response_reader.hpp"

#include "response_samples.hpp"

#include <gtest/gtest.h>

#include <span>

namespace kallglot::test {

namespace {

using progress = response_reader::progress;

constexpr std::size_t body_limit = 256 * 1024;

progress feed(response_reader& reader, std::string_view bytes) {
    return reader.feed({bytes.data(), bytes.size()});
}

std::string many(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";

std::vector<sample> believed() {
    return {
        {"Length", ok(), 200, {}},
        {"Chunked", chunked(), 200, {}},
        {"ChunkedInCapitals", chunked("\r\n", "CHUNKED"), 200, {}},
        {"ChunkExtension",
         [] {
             std::string text = chunked();
             return text.insert(text.find("\r\n\r\n") + 5, ";name=value");
         }(),
         200,
         {}},
        {"Http10", "HTTP/1.0" + ok().substr(8), 200, {}, false},
        {"Http10KeepAlive", "HTTP/1.0" + ok("Connection: keep-alive\r\n").substr(8), 200, {}},
        {"ConnectionClose", ok("Connection: close\r\n"), 200, {}, false},
        {"IdentityEncoding", ok("Content-Encoding: identity\r\n"), 200, {}},
        {"OneInterim", interim + ok(), 200, {}},
        {"EarlyHints", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + ok(), 200, {}},
        {"TenInterims", many(interim, 10) + ok(), 200, {}},
        {"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", 204, {}},
        {"NotModified", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, {}},
        {"NotModifiedWithTheLengthOfTheOther",
         "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n",
         304,
         {}},
        {"TooManyRequests",
         "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}",
         429,
         {}},
        {"EmptyBodyOfAnError",
         "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
         503,
         {}},
        {"Redirect",
         "HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n",
         302,
         {}},
        {"ContentTypeWithParameters",
         ok("Content-Type: Application/JSON ; charset=utf-8\r\n"),
         200,
         {}},
        {"ContentTypeOfAProblem", ok("Content-Type: application/problem+json\r\n"), 200, {}},
        {"ContentTypeOfAnInterim",
         "HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n" + ok(),
         200,
         {}},
        {"HtmlError",
         "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 19\r\n\r\n<html>502</html>\r\n\n",
         502,
         {}},
        {"LargeErrorBody",
         "HTTP/1.1 500 Oops\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'x'),
         500,
         {}},
        {"StatusLineWithoutItsSpace", "HTTP/1.1 200" + ok().substr(15), 200, {}},
        {"InterimWithoutItsSpace", "HTTP/1.1 103\r\n\r\n" + ok(), 200, {}},
        {"ErrorWithoutItsSpace", "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, {}},
        {"CookiesAndPolicies",
         ok(many("Set-Cookie: " + std::string(4000, 'c') + "\r\n", 10)
            + "Content-Security-Policy: " + std::string(8000, 'p') + "\r\n"),
         200,
         {}},
        {"Trailers", chunked("X-Checksum: 1\r\nServer-Timing: db;dur=53\r\n\r\n"), 200, {}},
        {"TrailerDate", chunked("Date: Tue, 14 Apr 2026 09:36:34 GMT\r\n\r\n"), 200, {}},
        {"TextJson", ok("Content-Type: text/json\r\n"), 200, {}},
        {"LowestAndHighestStatus", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", 599, {}},
    };
}

std::vector<sample> refused() {
    const auto bad = errc::malformed_response;
    const std::string body = session_body();
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const auto with = [&](const std::string& headers) {
        return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
    };
    return {
        {"NeitherLengthNorChunks", with(""), 0, bad},
        {"TwoEqualLengths", with(length + length), 0, bad},
        {"TwoLengths", with(length + "Content-Length: 1\r\n"), 0, bad},
        {"AListOfLengths", with("Content-Length: 5, 5\r\n"), 0, bad},
        {"LengthWithPlus", with("Content-Length: +5\r\n"), 0, bad},
        {"LengthInHex", with("Content-Length: 0x5\r\n"), 0, bad},
        {"NegativeLength", with("Content-Length: -1\r\n"), 0, bad},
        {"LengthBeyondAllNumbers", with("Content-Length: 99999999999999999999999\r\n"), 0, bad},
        {"EmptyLength", with("Content-Length:\r\n"), 0, bad},
        {"LengthAndChunked", with(length + "Transfer-Encoding: chunked\r\n"), 0, bad},
        {"ChunkedAndLength", with("Transfer-Encoding: chunked\r\n" + length), 0, bad},
        {"GzipCodingAndLength", with("Transfer-Encoding: gzip\r\n" + length), 0, bad},
        {"ChunkedThenGzip", chunked("\r\n", "chunked, gzip"), 0, bad},
        {"GzipThenChunked", chunked("\r\n", "gzip, chunked"), 0, bad},
        {"XChunked", chunked("\r\n", "xchunked"), 0, bad},
        {"TwoCodings",
         with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         0,
         bad},
        {"ChunkedInHttp10", chunked("\r\n", "chunked", "1.0"), 0, bad},
        {"TrailerConnection", chunked("Connection: close\r\n\r\n"), 0, bad},
        {"TrailerContentType", chunked("Content-Type: text/html\r\n\r\n"), 0, bad},
        {"TrailersOverTheirLimit", chunked(many("X-Late: value\r\n", 800) + "\r\n"), 0, bad},
        {"StatusLineWithTwoDigits", "HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n", 0, bad},
        {"TrailerLength", chunked("Content-Length: 3\r\n\r\n"), 0, bad},
        {"HugeTrailer", chunked("X-Huge: " + std::string(65536, 'h') + "\r\n\r\n"), 0, bad},
        {"HugeChunkExtension",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(1 << 20, 'e'),
         0,
         bad},
        {"ChunkSizeBeyondAllNumbers",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
         0,
         bad},
        {"ChunkSizeIsNoNumber",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
         0,
         bad},
        {"ChunkWithoutItsEnd",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
         0,
         bad},
        {"Status000", "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n", 0, bad},
        {"Status099", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", 0, bad},
        {"Status600", "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n", 0, bad},
        {"Status999", "HTTP/1.1 999 Higher\r\nContent-Length: 0\r\n\r\n", 0, bad},
        {"SwitchingProtocols", "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", 0, bad},
        {"Http09", body, 0, bad},
        {"Http20", "HTTP/2.0" + ok().substr(8), 0, bad},
        {"NotHttp", "SSH-2.0-OpenSSH_9.2\r\n", 0, bad},
        {"LineFeedAlone", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0, bad, true, true},
        {"NulInAHeader", with(length + std::string("X-Nul: a\0b\r\n", 12)), 0, bad},
        {"SpaceBeforeTheColon", with("Content-Length : 5\r\n"), 0, bad},
        {"FoldedCoding", with("Transfer-Encoding: chun\r\n ked\r\n"), 0, bad},
        {"LongHeader",
         with("X-Long: " + std::string(66'000, 'l') + "\r\n" + length),
         0,
         errc::header_too_large},
        {"ManyHeaders", with(many("X-Field: value\r\n", 5000) + length), 0, errc::header_too_large},
        {"LongBodyByItsLength", with("Content-Length: 262145\r\n"), 0, errc::response_too_large},
        {"LongBodyInChunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             + many(chunk(std::string(32768, ' ')), 9),
         0,
         errc::response_too_large},
        {"Gzip", ok("Content-Encoding: gzip\r\n"), 0, errc::encoded_response},
        {"Brotli", ok("Content-Encoding: br\r\n"), 0, errc::encoded_response},
        {"IdentityThenGzip", ok("Content-Encoding: identity, gzip\r\n"), 0, errc::encoded_response},
        {"HtmlThatReadsLikeASession", ok("Content-Type: text/html\r\n"), 0, errc::foreign_content},
        {"JsonInAParameter",
         ok("Content-Type: text/plain; charset=application/json\r\n"),
         0,
         errc::foreign_content},
        {"ElevenInterims", many(interim, 11) + ok(), 0, bad},
        {"SecondResponse", ok() + ok(), 0, errc::unsolicited_data},
        {"LineEndAfterTheBody", ok() + "\r\n", 0, errc::unsolicited_data},
        {"LineEndAfterTheChunks", chunked() + "\r\n", 0, errc::unsolicited_data},
        {"NoContentWithABody", "HTTP/1.1 204 No Content\r\n\r\n{}", 0, errc::unsolicited_data},
        {"NotModifiedWithABody", "HTTP/1.1 304 Not Modified\r\n\r\n{}", 0, errc::unsolicited_data},
        {"LengthTooShort",
         "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + body,
         0,
         errc::unsolicited_data},
    };
}

} // namespace

class ResponseReader : public ::testing::TestWithParam<sample> {
protected:
    response_reader reader_;
};

class Believed : public ResponseReader {};

class Refused : public ResponseReader {};

const auto name_of = [](const auto& each) {
    return each.param.name;
};
INSTANTIATE_TEST_SUITE_P(Responses, Believed, ::testing::ValuesIn(believed()), name_of);
INSTANTIATE_TEST_SUITE_P(Responses, Refused, ::testing::ValuesIn(refused()), name_of);

TEST_P(Believed, InOnePiece) {
    reader_.start(asked(), body_limit);
    EXPECT_EQ(feed(reader_, GetParam().bytes), progress::complete);
    EXPECT_FALSE(reader_.answer().error) << reader_.answer().error.message();
    EXPECT_EQ(reader_.answer().http_status, GetParam().status);
    EXPECT_EQ(reader_.reusable(), GetParam().reusable);
}

TEST_P(Believed, ByteByByte) {
    reader_.start(asked(), body_limit);
    const std::string& bytes = GetParam().bytes;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        ASSERT_EQ(feed(reader_, bytes.substr(i, 1)), progress::more) << i;
    }
    EXPECT_EQ(feed(reader_, bytes.substr(bytes.size() - 1)), progress::complete);
    EXPECT_EQ(reader_.answer().http_status, GetParam().status);
    EXPECT_EQ(reader_.reusable(), GetParam().reusable);
}

TEST_P(Believed, WithUnsolicitedBytesLater) {
    reader_.start(asked(), body_limit);
    ASSERT_EQ(feed(reader_, GetParam().bytes), progress::complete);
    EXPECT_EQ(feed(reader_, ""), progress::complete);
    EXPECT_EQ(feed(reader_, "H"), progress::failed);
    EXPECT_EQ(reader_.answer().error, errc::unsolicited_data);
    EXPECT_EQ(reader_.answer().http_status, 0);
}

TEST_P(Refused, InOnePiece) {
    reader_.start(asked(), body_limit);
    EXPECT_EQ(feed(reader_, GetParam().bytes), progress::failed);
    EXPECT_EQ(reader_.answer().error, *GetParam().error) << reader_.answer().error.message();
    EXPECT_EQ(reader_.answer().http_status, 0);
    EXPECT_FALSE(reader_.answer().snapshot.created_at.has_value());
}

TEST_P(Refused, InSmallPieces) {
    for (const std::size_t size : {1U, 7U, 1000U}) {
        reader_.start(asked(), body_limit);
        const std::string& bytes = GetParam().bytes;
        bool failed = false;
        for (std::size_t at = 0; at < bytes.size() && !failed; at += size) {
            failed = feed(reader_, bytes.substr(at, size)) == progress::failed;
        }
        if (GetParam().may_wait) {
            EXPECT_EQ(reader_.answer().http_status, 0);
            continue;
        }
        EXPECT_TRUE(failed) << "pieces of " << size;
        EXPECT_EQ(reader_.answer().error, *GetParam().error) << reader_.answer().error.message();
    }
}

TEST(ResponseReaderContent, ReadsSnapshotAndHeaders) {
    response_reader reader;
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader,
                   ok("X-RateLimit-Limit: 600\r\nx-ratelimit-remaining: 599\r\nKeep-Alive: "
                      "timeout=5, max=100\r\n")),
              progress::complete);
    EXPECT_EQ(reader.answer().snapshot.status, session_status::connecting);
    EXPECT_EQ(reader.answer().snapshot.provider, session_provider::twilio);
    EXPECT_TRUE(reader.answer().headers.date.has_value());
    EXPECT_EQ(reader.answer().headers.rate_limit, 600U);
    EXPECT_EQ(reader.answer().headers.rate_remaining, 599U);
    EXPECT_EQ(reader.keep_alive_timeout(), seconds(5));
}

TEST(ResponseReaderContent, IgnoresTheHeadersOfAnInterimResponse) {
    response_reader reader;
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader, "HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n" + ok()),
              progress::complete);
    EXPECT_FALSE(reader.answer().headers.retry_after.has_value());
}

TEST(ResponseReaderContent, ReadsTheErrorOfTheApi) {
    response_reader reader;
    reader.start(asked(), body_limit);
    const std::string body =
        R"({"error":{"type":"permission_error","code":"organization_suspended","message":"m"}})";
    ASSERT_EQ(feed(reader,
                   "HTTP/1.1 403 Forbidden\r\nContent-Length: " + std::to_string(body.size())
                       + "\r\n\r\n" + body),
              progress::complete);
    EXPECT_EQ(reader.answer().http_status, 403);
    EXPECT_EQ(reader.answer().problem.kind, api_error_kind::key);
}

TEST(ResponseReaderContent, KeepsTheConnectionAfterAnInvalidBody) {
    response_reader reader;
    for (const std::string body :
         {"<html>200 OK, said the proxy</html>", R"({"object":"session"})", "{}"}) {
        reader.start(asked(), body_limit);
        ASSERT_EQ(feed(reader, ok({}, body)), progress::complete);
        EXPECT_TRUE(reader.answer().error);
        EXPECT_EQ(reader.answer().http_status, 0);
        EXPECT_TRUE(reader.answer().headers.date.has_value());
        EXPECT_TRUE(reader.reusable());
    }
}

TEST(ResponseReaderContent, EndsTheConnectionAfterAWrongSession) {
    response_reader reader;
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader, ok({}, session_body("sess_of_somebody_else_0123456789abcdef"))),
              progress::complete);
    EXPECT_EQ(reader.answer().error, errc::wrong_session);
    EXPECT_FALSE(reader.reusable());
}

TEST(ResponseReaderContent, StartsWithoutThePreviousResponse) {
    response_reader reader;
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader, ok("Retry-After: 5\r\nKeep-Alive: timeout=7\r\n")), progress::complete);
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader, "HTTP/1.1 200 OK\r\nConte"), progress::more);
    reader.start(asked(), body_limit);
    ASSERT_EQ(feed(reader, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
              progress::complete);
    EXPECT_EQ(reader.answer().http_status, 404);
    EXPECT_FALSE(reader.answer().headers.retry_after.has_value());
    EXPECT_FALSE(reader.keep_alive_timeout().has_value());
    EXPECT_FALSE(reader.answer().snapshot.created_at.has_value());
}

} // namespace kallglot::test
