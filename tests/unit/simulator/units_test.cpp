#include "simulator/units.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator {
namespace {

using std::chrono::milliseconds;

TEST(SimulatorUnits, ReadsDurations) {
    EXPECT_EQ(parse_duration("300ms"), milliseconds{300});
    EXPECT_EQ(parse_duration("1m30s"), milliseconds{90'000});
    EXPECT_EQ(parse_duration("2h"), milliseconds{7'200'000});
    EXPECT_EQ(parse_duration("0"), milliseconds{0});
    for (const char* text : {"", "5", "s", "1x", "-1s", "1.5s", "1s ", "999999999999d", "400d"}) {
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
    }
}

TEST(SimulatorUnits, ReadsRangesAndRates) {
    const auto range = parse_duration_range("1s-3m");
    ASSERT_TRUE(range.has_value());
    EXPECT_EQ(range->shortest, milliseconds{1000});
    EXPECT_EQ(range->longest, milliseconds{180'000});
    EXPECT_EQ(parse_duration_range("2s")->longest, milliseconds{2000});
    EXPECT_FALSE(parse_duration_range("3s-1s").has_value());
    EXPECT_FALSE(parse_duration_range("1s-").has_value());
    EXPECT_DOUBLE_EQ(parse_rate("600/1m")->per_second(), 10.0);
    EXPECT_DOUBLE_EQ(parse_rate("0.5/1s")->per_second(), 0.5);
    for (const char* text : {"", "5", "5/", "/1s", "x/1s", "5/0s", "-1/1s", "nan/1s", "inf/1s"}) {
        EXPECT_FALSE(parse_rate(text).has_value()) << text;
    }
}

TEST(SimulatorUnits, WritesTimesInBothForms) {
    const system_time time{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}
                           + milliseconds{34'867'999}};
    std::string text;
    append_timestamp(text, time);
    EXPECT_EQ(text, "2026-04-14T09:41:07Z");
    text.clear();
    append_http_date(text, time);
    EXPECT_EQ(text, "Tue, 14 Apr 2026 09:41:07 GMT");
}

} // namespace
} // namespace kallglot::simulator
