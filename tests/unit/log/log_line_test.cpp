#include "log/log_line.hpp"

#include "kallglot/base/text.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

// 2026-04-14T09:03:14.007Z
constexpr log_time some_time{1776157394007ms};

constexpr log_style logfmt{log_format::logfmt, false};
constexpr log_style json{log_format::json, false};

std::string formatted(std::string_view message,
                      const std::vector<log_field>& fields,
                      log_style style,
                      log_level level = log_level::info) {
    log_line line;
    return std::string(line.format({some_time, level, message, fields}, style));
}

TEST(LogLine, LogfmtHasThePublishedForm) {
    EXPECT_EQ(formatted("listening",
                        {{"listener", "private"},
                         {"address", "127.0.0.1:10455"},
                         {"port", 10455},
                         {"offset", -3},
                         {"bytes", std::uint64_t{18446744073709551615U}},
                         {"ratio", 0.5},
                         {"tls", true},
                         {"reason", "two words"},
                         {"empty", ""},
                         {"sum", "a=b"}},
                        logfmt),
              "ts=2026-04-14T09:03:14.007Z level=info msg=listening listener=private "
              "address=127.0.0.1:10455 port=10455 offset=-3 bytes=18446744073709551615 ratio=0.5 "
              "tls=true reason=\"two words\" empty=\"\" sum=\"a=b\"\n");
    EXPECT_EQ(formatted("poll failed", {}, logfmt, log_level::warn),
              "ts=2026-04-14T09:03:14.007Z level=warn msg=\"poll failed\"\n");
}

TEST(LogLine, JsonHasThePublishedForm) {
    EXPECT_EQ(
        formatted("poll failed",
                  {{"session", "cs_4f9b"}, {"status", 503}, {"retry", false}, {"delay", 1.25}},
                  json,
                  log_level::error),
        R"({"ts":"2026-04-14T09:03:14.007Z","level":"error","msg":"poll failed","session":"cs_4f9b",)"
        R"("status":503,"retry":false,"delay":1.25})"
        "\n");
}

TEST(LogLine, JournalLinesHaveAPriorityAndNoTime) {
    EXPECT_EQ(formatted("x", {}, {log_format::logfmt, true}, log_level::debug),
              "<7>level=debug msg=x\n");
    EXPECT_EQ(formatted("x", {}, {log_format::logfmt, true}, log_level::info),
              "<6>level=info msg=x\n");
    EXPECT_EQ(formatted("x", {}, {log_format::logfmt, true}, log_level::warn),
              "<4>level=warn msg=x\n");
    EXPECT_EQ(formatted("x", {{"a", 1}}, {log_format::json, true}, log_level::error),
              "<3>{\"level\":\"error\",\"msg\":\"x\",\"a\":1}\n");
}

TEST(LogLine, HostileTextsAreEscapedInBothFormats) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"a\r\nts=2026 level=error msg=forged", "a\\r\\nts=2026 level=error msg=forged"},
        {"\x1B[31mred\x1B[0m", "\\u001b[31mred\\u001b[0m"},
        {"say \"hi\" \\ bye", "say \\\"hi\\\" \\\\ bye"},
        {std::string("nul\0byte", 8), "nul\\u0000byte"},
        {"del\x7F", "del\\u007f"},
        {"csi\xC2\x9B"
         "31m",
         "csi\\u009b31m"},
        {"bidi\xE2\x80\xAE", "bidi\\u202e"},
        {"line\xE2\x80\xA8", "line\\u2028"},
        {"bad\xFFutf\xC0\xAF", "bad\xEF\xBF\xBDutf\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"cut\xE2\x82", "cut\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"},
        {"tab\there", "tab\\there"},
    };
    for (const auto& [text, shown] : cases) {
        EXPECT_EQ(formatted("m", {{"k", text}}, logfmt),
                  "ts=2026-04-14T09:03:14.007Z level=info msg=m k=\"" + shown + "\"\n");
        EXPECT_EQ(
            formatted("m", {{"k", text}}, json),
            R"({"ts":"2026-04-14T09:03:14.007Z","level":"info","msg":"m","k":")" + shown + "\"}\n");
    }
}

TEST(LogLine, ALongTextIsCutAtAWholeCharacter) {
    const std::string euro = "\xE2\x82\xAC";
    for (const std::string& unit :
         {std::string("x"), euro, std::string("\n"), std::string("\xF0\x9F\x98\x80")}) {
        std::string text;
        while (text.size() < 1024 * 1024) {
            text += unit;
        }
        const std::string line = formatted("m", {{"k", text}}, logfmt);
        const auto begin = line.find("k=\"") + 3;
        const auto value = line.substr(begin, line.size() - begin - 2);
        EXPECT_LE(value.size(), max_log_text_bytes);
        EXPECT_GE(value.size(), max_log_text_bytes - 8);
        EXPECT_TRUE(value.ends_with("..."));
        for (std::string_view rest = value; !rest.empty();) {
            const auto character = decode_utf8(rest);
            ASSERT_NE(character.length, 0U);
            rest.remove_prefix(character.length);
        }
    }
}

TEST(LogLine, AnyEventIsOneBoundedLineOfValidJson) {
    std::string noise;
    for (int i = 0; i < 2000; ++i) {
        noise += static_cast<char>(i * 37 % 256);
    }
    std::vector<log_field> fields;
    for (int i = 0; i < 40; ++i) {
        fields.emplace_back("key", std::string_view(noise).substr(static_cast<std::size_t>(i)));
    }
    for (const log_style style : {json, logfmt, log_style{log_format::json, true}}) {
        std::string line = formatted(noise, fields, style);
        EXPECT_LE(line.size(), max_log_line_bytes);
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
        EXPECT_EQ(line.back(), '\n');
        EXPECT_NE(line.find("truncated"), std::string::npos);
        if (style.format == log_format::json) {
            line.erase(0, line.find('{'));
            EXPECT_NO_THROW(static_cast<void>(boost::json::parse(line))) << line;
        }
    }
}

TEST(LogLine, NonFiniteNumbersAreStringsInJson) {
    using limits = std::numeric_limits<double>;
    EXPECT_NE(
        formatted(
            "m",
            {{"a", limits::infinity()}, {"b", -limits::infinity()}, {"c", limits::quiet_NaN()}},
            json)
            .find(R"("a":"+Inf","b":"-Inf","c":"NaN")"),
        std::string::npos);
    EXPECT_NE(formatted("m", {{"a", limits::infinity()}}, logfmt).find("a=+Inf"),
              std::string::npos);
}

TEST(LogLine, SuppressedEventsAreReported) {
    log_line line;
    const log_event event{some_time, log_level::warn, "m", {}, 17};
    EXPECT_EQ(line.format(event, logfmt),
              "ts=2026-04-14T09:03:14.007Z level=warn msg=m suppressed=17\n");
}

} // namespace
} // namespace kallglot
