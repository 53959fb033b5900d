#include "config/units.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAreReadInThePrometheusForm) {
    const std::vector<std::pair<std::string, std::chrono::milliseconds>> cases = {
        {"0", 0ms},
        {"0s", 0ms},
        {"500ms", 500ms},
        {"90s", 90s},
        {"1m30s", 90s},
        {"1h30m", 90min},
        {"1d", 24h},
        {"1w", 7 * 24h},
        {"1y", 365 * 24h},
        {"1y2w3d4h5m6s7ms", (365 + 14 + 3) * 24h + 4h + 5min + 6s + 7ms},
        {"007s", 7s},
        {"200y", 200 * 365 * 24h},
    };
    for (const auto& [text, expected] : cases) {
        const auto value = parse_duration(text);
        ASSERT_TRUE(value) << text << ": " << value.error();
        EXPECT_EQ(*value, expected) << text;
    }
}

TEST(Units, InvalidDurationsAreRejectedWithAReason) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "must be a duration"},
        {"5", "must have a unit, for example 5s"},
        {"-5s", "must not be negative"},
        {"1.5s", "must have no fraction"},
        {"5 s", "must be a duration"},
        {"5sec", "must be a duration"},
        {"1s1m", "must be a duration"},
        {"1m1m", "must be a duration"},
        {"s", "must be a duration"},
        {"5s ", "must be a duration"},
        {"201y", "must be at most 200 years"},
        {"200y1ms", "must be at most 200 years"},
        {"18446744073709551615s", "must be at most 200 years"},
        {"18446744073709551616ms", "must be a duration"},
        {"+5s", "must be a duration"},
        {"1e3s", "must be a duration"},
    };
    for (const auto& [text, part] : cases) {
        const auto value = parse_duration(text);
        ASSERT_FALSE(value) << text;
        EXPECT_NE(value.error().find(part), std::string::npos) << text << ": " << value.error();
    }
}

TEST(Units, PrintedDurationsParseAsTheSame) {
    for (const auto value :
         {0ms, 1ms, 999ms, 1000ms, 90000ms, 86400000ms, 86399999ms, 2592000000ms}) {
        const auto again = parse_duration(print_duration(value));
        ASSERT_TRUE(again) << print_duration(value);
        EXPECT_EQ(*again, value);
    }
    EXPECT_EQ(print_duration(90s), "1m30s");
    EXPECT_EQ(print_duration(30 * 24h), "30d");
    EXPECT_EQ(print_duration(0ms), "0s");
}

TEST(Units, RatesAreReadExactly) {
    const std::vector<std::pair<std::string, double>> cases = {{"600/1m", 10},
                                                               {"50/1s", 50},
                                                               {"0.5/1s", 0.5},
                                                               {"1/500ms", 2},
                                                               {"100/1h", 100.0 / 3600},
                                                               {"60/1m30s", 60.0 / 90}};
    for (const auto& [text, expected] : cases) {
        const auto value = parse_rate(text);
        ASSERT_TRUE(value) << text << ": " << value.error();
        EXPECT_DOUBLE_EQ(value->per_second, expected) << text;
        EXPECT_FALSE(value->is_unlimited());
    }
    EXPECT_TRUE(parse_rate("unlimited")->is_unlimited());
}

TEST(Units, InvalidRatesAreRejectedWithAReason) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"600", "must be a rate"},
        {"", "must be a rate"},
        {"600/m", "must be a duration"},
        {"600/60", "must have a unit"},
        {"600/0s", "after the slash must be above 0"},
        {"0/1s", "must be above 0"},
        {"-1/1s", "must be a rate"},
        {"inf/1s", "must be a rate"},
        {"nan/1s", "must be a rate"},
        {"1e5/1s", "must be a rate"},
        {".5/1s", "must be a rate"},
        {"5./1s", "must be a rate"},
        {"1.2.3/1s", "must be a rate"},
        {"10000000000/1s", "at most 1000000000/1s, or unlimited"},
        {"1/1s/1s", "must be a duration"},
        {"Unlimited", "must be a rate"},
    };
    for (const auto& [text, part] : cases) {
        const auto value = parse_rate(text);
        ASSERT_FALSE(value) << text;
        EXPECT_NE(value.error().find(part), std::string::npos) << text << ": " << value.error();
    }
}

TEST(Units, PrintedRatesParseAsTheSame) {
    for (const std::string text :
         {"200/1s", "100/1m", "1/1h", "0.5/1s", "17/1d", "unlimited", "333/7s"}) {
        const auto value = parse_rate(text);
        ASSERT_TRUE(value) << text;
        const auto again = parse_rate(print_rate(*value));
        ASSERT_TRUE(again) << print_rate(*value);
        EXPECT_EQ(*again, *value) << print_rate(*value);
    }
    EXPECT_EQ(print_rate(*parse_rate("100/1m")), "100/1m");
    EXPECT_EQ(print_rate(*parse_rate("600/1m")), "10/1s");
}

TEST(Units, SizesAreReadAndPrinted) {
    EXPECT_EQ(*parse_size("64KiB"), 65536U);
    EXPECT_EQ(*parse_size("1MiB"), 1048576U);
    EXPECT_EQ(*parse_size("2GiB"), 2147483648U);
    EXPECT_EQ(*parse_size("1000"), 1000U);
    EXPECT_EQ(print_size(65536), "64KiB");
    EXPECT_EQ(print_size(1048576), "1MiB");
    EXPECT_EQ(print_size(1000), "1000");
    EXPECT_EQ(print_size(0), "0");
    for (const std::string text : {"",
                                   "64kb",
                                   "64KB",
                                   "1.5MiB",
                                   "-1",
                                   "64 KiB",
                                   "KiB",
                                   "99999999999999999999",
                                   "99999999999GiB"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(Units, PercentagesAreReadAndPrinted) {
    EXPECT_DOUBLE_EQ(*parse_percent("50%"), 0.5);
    EXPECT_DOUBLE_EQ(*parse_percent("0.5%"), 0.005);
    EXPECT_DOUBLE_EQ(*parse_percent("100%"), 1.0);
    for (int percent = 0; percent <= 100; ++percent) {
        const std::string text = std::to_string(percent) + '%';
        EXPECT_EQ(print_percent(*parse_percent(text)), text);
    }
    EXPECT_EQ(print_percent(*parse_percent("33.3%")), "33.3%");
    for (const std::string text : {"", "%", "50", "101%", "-5%", "50 %", "0.5", "1e1%"}) {
        EXPECT_FALSE(parse_percent(text)) << text;
    }
}

TEST(Units, GoDurationsAreRead) {
    using std::chrono::nanoseconds;
    const std::vector<std::pair<std::string, std::int64_t>> cases = {
        {"0", 0},
        {"0s", 0},
        {"0.1s", 100'000'000},
        {"+1.5h", 5'400'000'000'000},
        {"1h2m3.5s", 3'723'500'000'000},
        {".5s", 500'000'000},
        {"5.s", 5'000'000'000},
        {"1s1s", 2'000'000'000},
        {"300us", 300'000},
        {"300\xC2\xB5s", 300'000},
        {"300\xCE\xBCs", 300'000},
        {"7ns", 7}};
    for (const auto& [text, expected] : cases) {
        const auto value = parse_go_duration(text);
        ASSERT_TRUE(value) << text << ": " << value.error();
        EXPECT_EQ(*value, nanoseconds(expected)) << text;
    }
    for (const std::string text :
         {"", "-1s", "1", "s", ".s", "1.2.3s", "1d", "1 s", "1e3s", "inf", "9000h", "+"}) {
        EXPECT_FALSE(parse_go_duration(text)) << text;
    }
}

TEST(Units, FlagsAreReadInTheWordsOfTheirYaml) {
    for (const std::string text : {"true", "True", "TRUE"}) {
        EXPECT_TRUE(*parse_flag(text, flag_words::yaml_1_2)) << text;
        EXPECT_TRUE(*parse_flag(text, flag_words::yaml_1_1)) << text;
    }
    for (const std::string text : {"false", "False", "FALSE"}) {
        EXPECT_FALSE(*parse_flag(text, flag_words::yaml_1_2)) << text;
    }
    for (const std::string text : {"y", "Yes", "ON"}) {
        EXPECT_TRUE(*parse_flag(text, flag_words::yaml_1_1)) << text;
        EXPECT_FALSE(parse_flag(text, flag_words::yaml_1_2)) << text;
    }
    for (const std::string text : {"n", "No", "OFF"}) {
        EXPECT_FALSE(*parse_flag(text, flag_words::yaml_1_1)) << text;
    }
    for (const std::string text : {"", "tRUE", "yEs", "1", "0", "t"}) {
        EXPECT_FALSE(parse_flag(text, flag_words::yaml_1_1)) << text;
    }
}

TEST(Units, CountsAreWholeNumbersWithoutSign) {
    EXPECT_EQ(*parse_count("0"), 0U);
    EXPECT_EQ(*parse_count("1000000"), 1000000U);
    for (const std::string text :
         {"", "-1", "+1", "1.0", "1e3", "0x10", "1_000", "99999999999999999999999"}) {
        EXPECT_FALSE(parse_count(text)) << text;
    }
}

} // namespace
} // namespace kallglot::config
