#include "kallglot/api/session_parser.hpp"
#include "kallglot/base/time.hpp"
#include "unit/api/session_bodies.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

// Hostile JSON, for each way to split it.
namespace kallglot {
namespace {

using namespace std::string_literals;
using test::body_with;
using test::known_id;
using test::parse;
using test::parse_in_all_ways;
using test::same_outcome;

std::string nested_metadata(std::size_t depth, const std::string& open, const std::string& close) {
    return R"("metadata":)" + test::nested(depth, open, close);
}

TEST(SessionParserHostile, SixteenLevelsAreReadAndSeventeenAreNot) {
    EXPECT_TRUE(parse_in_all_ways(body_with(nested_metadata(15, "[", "]"))).has_value());
    EXPECT_TRUE(parse_in_all_ways(body_with(nested_metadata(15, "{\"a\":", "}"))).has_value());
    for (const std::size_t depth : {16U, 17U, 33U, 1000U}) {
        EXPECT_EQ(parse(body_with(nested_metadata(depth, "[", "]"))).error(), errc::malformed_json);
        EXPECT_EQ(parse(body_with(nested_metadata(depth, "{\"a\":", "}"))).error(),
                  errc::malformed_json);
    }
    EXPECT_EQ(parse(std::string(1'000'000, '[')).error(), errc::malformed_json);
}

TEST(SessionParserHostile, NumbersOfAnySizeArePassedOver) {
    for (const char* number : {"1e999",
                               "-1e999",
                               "1e-999",
                               "1e999999999",
                               "-0.5E-999999999",
                               "1e+00000000000000999",
                               "12345678901234567890123e-00012",
                               "123456789012345678901234567890",
                               "-123456789012345678901234567890",
                               "0.000000000000000000000000001",
                               "18446744073709551615",
                               "-9223372036854775808",
                               "0",
                               "-0",
                               "1E+5"}) {
        const auto parsed = parse_in_all_ways(body_with(R"("duration":)"s + number));
        ASSERT_TRUE(parsed.has_value()) << number;
        EXPECT_EQ(parsed->status, session_status::active);
    }
    const std::string long_number(100'000, '7');
    EXPECT_TRUE(parse(body_with(R"("duration":)" + long_number)).has_value());
}

TEST(SessionParserHostile, ABodyThatEndsInAnExponentDoesNotAffectTheNext) {
    session_parser parser;
    const std::string numbers = body_with(R"("a":1.5,"b":123456789012,"c":2e123456789)");
    EXPECT_TRUE(parse(parser, known_id, {R"({"duration":1e12345678)"}).has_error());
    EXPECT_TRUE(parse(parser, known_id, {numbers}).has_value());
    EXPECT_TRUE(parse(parser, known_id, {R"({"duration":1e123456789012)"}).has_error());
    EXPECT_TRUE(parse(parser, known_id, {numbers}).has_value());
}

TEST(SessionParserHostile, TextThatIsNotOneObjectOfStrictJsonIsMalformed) {
    const std::string good = body_with("");
    const std::string table[] = {
        "",
        " ",
        "\n",
        "null",
        "true",
        "42",
        "1e5",
        "-1",
        "\"text\"",
        "[]",
        "[" + good + "]",
        "\xEF\xBB\xBF" + good,
        "\xFF\xFE" + good,
        good + "x",
        good + good,
        good + ",",
        good + "}",
        good + "\0"s,
        good + " \n null",
        "x" + good,
        "\0"s + good,
        "<html><body>502 Bad Gateway</body></html>",
        body_with(R"("duration":NaN)"),
        body_with(R"("duration":Infinity)"),
        body_with(R"("duration":01)"),
        body_with(R"("duration":1.)"),
        body_with(R"("duration":+1)"),
        body_with(R"("duration":.5)"),
        body_with(R"("duration":0x10)"),
        body_with(R"("duration":1e)"),
        body_with(R"("duration":-)"),
        body_with(R"("duration":1e99999999999)"),
        body_with(R"("duration":1e1000000000)"),
        body_with(R"("duration":-0.5E-1000000000)"),
        body_with(R"("duration":12345678901234567890123e+0001000000000)"),
        body_with("\"a\":\"\xC0\xAF\""),
        body_with("\"a\":\"\xE0\x80\xAF\""),
        body_with("\"a\":\"\xED\xA0\x80\""),
        body_with("\"a\":\"\xF5\x80\x80\x80\""),
        body_with("\"a\":\"\xFF\""),
        body_with("\"a\":\"\x80\""),
        body_with("\"\xC3\":1"),
        body_with("\"a\":\"\xE2\x82\""),
        body_with(R"("a":"\uD800")"),
        body_with(R"("a":"\uDC00")"),
        body_with(R"("a":"\uD800\u0041")"),
        body_with(R"("a":"\u12G4")"),
        body_with(R"("a":"\x41")"),
        body_with("\"a\":\"tab\there\""),
        body_with("\"a\":\"line\nbreak\""),
        body_with("\"a\":\"nul\0byte\""s),
        body_with("'a':1"),
        body_with("a:1"),
        body_with("\"a\":1,"),
        body_with("\"a\""),
        body_with("\"a\":"),
        body_with("\"a\":tru"),
        body_with("\"a\":TRUE"),
        body_with("\"a\":1 // x\n"),
        body_with("/* x */\"a\":1"),
        body_with("\"a\":[1,]"),
        body_with("\"a\":[1}"),
        body_with("\"a\":undefined"),
    };
    for (const std::string& body : table) {
        const auto parsed = parse_in_all_ways(body);
        ASSERT_TRUE(parsed.has_error()) << body;
        EXPECT_EQ(parsed.error(), errc::malformed_json) << body;
    }
}

TEST(SessionParserHostile, WhiteSpaceAroundTheObjectIsAllowed) {
    EXPECT_TRUE(parse_in_all_ways(" \t\r\n" + body_with("") + " \t\r\n").has_value());
}

TEST(SessionParserHostile, TextThatIsStrangeButValidIsPassedOver) {
    const std::string table[] = {R"("a":"\u0000")",
                                 R"("\u0000":1)",
                                 R"("a":"\uD83D\uDE00")",
                                 "\"a\":\"\xF0\x9F\x98\x80\"",
                                 R"("":"")",
                                 R"("a":"\"\\\/\b\f\n\r\t")",
                                 R"("a":1,"a":2,"a":{"a":3})",
                                 R"("mode":null,"mode":true)"};
    for (const std::string& fields : table) {
        EXPECT_TRUE(same_outcome(parse_in_all_ways(body_with(fields)), parse(body_with(""))))
            << fields;
    }
    const auto nul = parse_in_all_ways(
        R"({"id":"sess_01JQ7N0C5VXB3HEZ","status":"active\u0000","mode":"ai_agent\u0000"})");
    EXPECT_EQ(nul->status, session_status::unknown);
    EXPECT_EQ(nul->mode, session_mode::other);
    EXPECT_EQ(parse(R"({"id":"sess_01JQ7N0C5VXB3HEZ\u0000","status":"active"})").error(),
              errc::wrong_session);
    EXPECT_TRUE(parse(body_with(R"("a":")" + std::string(200'000, 'a') + "\"")).has_value());
    EXPECT_TRUE(parse(body_with("\"" + std::string(200'000, 'a') + "\":1")).has_value());
}

TEST(SessionParserHostile, IdOrStatusTwiceOrMissingIsInvalid) {
    const std::string id = R"("id":"sess_01JQ7N0C5VXB3HEZ")";
    const std::string status = R"("status":"active")";
    for (const std::string& body :
         {"{" + id + "," + id + "," + status + "}",
          "{" + id + "," + status + "," + status + "}",
          "{" + id + R"(,"status":"active","st\u0061tus":"ended"})",
          "{" + id + "," + status + R"(,"\u0069d":"sess_01JQ7N0C5VXB3HEZ"})",
          "{" + id + "," + status + R"(,"id":null})",
          "{" + id + "}",
          "{" + status + "}",
          "{}"s,
          "{" + id + R"(,"status":null})",
          "{" + id + R"(,"status":{"status":"active"}})",
          R"({"id":null,)" + status + "}",
          R"({"id":["sess_01JQ7N0C5VXB3HEZ"],)" + status + "}",
          R"({"id":7,)" + status + "}",
          "{" + id + "," + status + R"(,"object":"recording"})"}) {
        const auto parsed = parse_in_all_ways(body);
        ASSERT_TRUE(parsed.has_error()) << body;
        EXPECT_EQ(parsed.error(), errc::invalid_session) << body;
    }
    EXPECT_TRUE(parse("{" + id + "," + status + R"(,"object":null})").has_value());
}

TEST(SessionParserHostile, OfOtherRepeatedFieldsTheLastOneCounts) {
    const auto parsed = parse_in_all_ways(body_with(
        R"("mode":"ai_agent","mode":"help_chat_voice","provider":"sip","provider":{"x":1},)"
        R"("created_at":"2026-04-14T09:30:00Z","created_at":"2026-04-14T09:31:00Z",)"
        R"("started_at":"2026-04-14T09:30:00Z","started_at":7,"end_reason":"error",)"
        R"("end_reason":null,"ended_at":"2026-04-14T09:36:34Z","ended_at":null)"));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->status, session_status::active);
    EXPECT_EQ(parsed->mode, session_mode::help_chat_voice);
    EXPECT_EQ(parsed->provider, session_provider::none);
    EXPECT_EQ(parsed->reason, end_reason::none);
    EXPECT_EQ(parsed->created_at, parse_timestamp("2026-04-14T09:31:00Z"));
    EXPECT_FALSE(parsed->started_at || parsed->ended_at);
}

} // namespace
} // namespace kallglot
