#include "kallglot/base/time.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace kallglot {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year;

constexpr api_time
at(int y, unsigned m, unsigned d, int hh = 0, int mm = 0, int ss = 0, int ms = 0) {
    return api_time{sys_days{year{y} / static_cast<int>(m) / static_cast<int>(d)}} + hours{hh}
           + minutes{mm} + seconds{ss} + milliseconds{ms};
}

struct readable {
    const char* text;
    api_time time;
};

TEST(Timestamp, ReadsEveryFormThatTheApiMayUse) {
    const readable table[] = {
        {"2026-04-14T09:30:00Z", at(2026, 4, 14, 9, 30)},
        {"2026-04-14t09:30:00z", at(2026, 4, 14, 9, 30)},
        {"2026-04-14 09:30:00Z", at(2026, 4, 14, 9, 30)},
        {"2026-04-14 09:30:00+02:00", at(2026, 4, 14, 7, 30)},
        {"2026-04-14T09:30:00-05:30", at(2026, 4, 14, 15)},
        {"2026-04-14T09:30:00+14:00", at(2026, 4, 13, 19, 30)},
        {"2026-04-14T09:30:00-14:00", at(2026, 4, 14, 23, 30)},
        {"2026-04-14T09:30:00-00:00", at(2026, 4, 14, 9, 30)},
        {"2026-04-14T09:30:00.5Z", at(2026, 4, 14, 9, 30, 0, 500)},
        {"2026-04-14T09:30:00.05Z", at(2026, 4, 14, 9, 30, 0, 50)},
        {"2026-04-14T09:30:00.123Z", at(2026, 4, 14, 9, 30, 0, 123)},
        {"2026-04-14T09:30:00.123999Z", at(2026, 4, 14, 9, 30, 0, 123)},
        {"2026-04-14T09:30:00.123456789012345678901234+01:00", at(2026, 4, 14, 8, 30, 0, 123)},
        {"2026-04-14T09:30:00.0000000000000000000001Z", at(2026, 4, 14, 9, 30)},
        {"2026-06-30T23:59:60Z", at(2026, 7, 1)},
        {"2026-06-30T23:59:60.25Z", at(2026, 7, 1, 0, 0, 0, 250)},
        {"2024-02-29T00:00:00Z", at(2024, 2, 29)},
        {"2000-02-29T00:00:00Z", at(2000, 2, 29)},
        {"1970-01-01T00:00:00Z", at(1970, 1, 1)},
        {"1970-01-01T02:00:00+02:00", at(1970, 1, 1)},
        {"1969-12-31T23:00:00-01:00", at(1970, 1, 1)},
        {"9999-12-31T23:59:59.999Z", at(9999, 12, 31, 23, 59, 59, 999)},
    };
    for (const auto& [text, time] : table) {
        const auto parsed = parse_timestamp(text);
        ASSERT_TRUE(parsed.has_value()) << text;
        EXPECT_EQ(*parsed, time) << text;
    }
}

TEST(Timestamp, RejectsEverythingElse) {
    using namespace std::string_literals;
    const std::string table[] = {
        "",
        "2026",
        "2026-04-14",
        "2026-04-14T09:30:00",
        "2026-04-14T09:30Z",
        "20260414T093000Z",
        "2026-04-14T09:30:00ZZ",
        "2026-04-14T09:30:00Z ",
        " 2026-04-14T09:30:00Z",
        "2026-04-14X09:30:00Z",
        "2026-04-14  09:30:00Z",
        "2026-4-14T09:30:00Z",
        "2026-04-14T9:30:00Z",
        "+2026-04-14T09:30:00Z",
        "2026-00-14T09:30:00Z",
        "2026-13-14T09:30:00Z",
        "2026-04-00T09:30:00Z",
        "2026-04-31T09:30:00Z",
        "2026-02-29T09:30:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-14T24:00:00Z",
        "2026-04-14T09:60:00Z",
        "2026-04-14T09:30:61Z",
        "2026-04-14T09:30:00.Z",
        "2026-04-14T09:30:00,5Z",
        "2026-04-14T09:30:00.5",
        "2026-04-14T09:30:00.5.5Z",
        "2026-04-14T09:30:00+14:01",
        "2026-04-14T09:30:00+15:00",
        "2026-04-14T09:30:00+99:99",
        "2026-04-14T09:30:00+01:60",
        "2026-04-14T09:30:00+0200",
        "2026-04-14T09:30:00+02",
        "2026-04-14T09:30:00+02:0",
        "2026-04-14T09:30:00 +02:00",
        "2026-04-14T09:30:00GMT",
        "2026-04-14T-9:30:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "1776159394",
        "now",
        "2026-04-14T09:30:00Z\0"s,
        "2026-04-14T09:30:0\0Z"s,
        "\u0662026-04-14T09:30:00Z",
    };
    for (const std::string& text : table) {
        EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
    }
}

TEST(Timestamp, EveryCutOfAGoodOneIsRejected) {
    const std::string text = "2026-04-14T09:30:00.123456+02:00";
    ASSERT_TRUE(parse_timestamp(text));
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_FALSE(parse_timestamp(text.substr(0, length))) << length;
    }
}

// A time and its civil parts, as the formats below write them.
struct written {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<milliseconds> clock;
    unsigned weekday = 0;
};

written parts_of(api_time time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    return {std::chrono::year_month_day{days},
            std::chrono::hh_mm_ss<milliseconds>{time - days},
            std::chrono::weekday{days}.c_encoding()};
}

template <class... Args>
std::string print(const char* format, Args... args) {
    std::array<char, 80> buffer{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int length = std::snprintf(buffer.data(), buffer.size(), format, args...);
#pragma GCC diagnostic pop
    return {buffer.data(), static_cast<std::size_t>(length)};
}

TEST(Timestamp, WhatIsWrittenIsReadBackForRandomTimesAndOffsets) {
    constexpr unsigned seed = 1'776'159'394;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto last = at(9999, 12, 31).time_since_epoch().count();
    for (int i = 0; i < 100'000; ++i) {
        // A day away from the first moment, so that no offset leads to 1969.
        const api_time time{milliseconds{
            86'400'000
            + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(last - 86'400'000))}};
        const minutes offset{static_cast<int>(random() % 1681) - 840};
        const auto [date, clock, weekday] = parts_of(time + offset);
        const auto size = std::chrono::abs(offset);
        const std::string text = print("%04d-%02u-%02uT%02d:%02d:%02d.%03d%c%02d:%02d",
                                       static_cast<int>(date.year()),
                                       static_cast<unsigned>(date.month()),
                                       static_cast<unsigned>(date.day()),
                                       static_cast<int>(clock.hours().count()),
                                       static_cast<int>(clock.minutes().count()),
                                       static_cast<int>(clock.seconds().count()),
                                       static_cast<int>(clock.subseconds().count()),
                                       offset < minutes{0} ? '-' : '+',
                                       static_cast<int>(size.count() / 60),
                                       static_cast<int>(size.count() % 60));
        const auto parsed = parse_timestamp(text);
        ASSERT_TRUE(parsed.has_value()) << text;
        ASSERT_EQ(*parsed, time) << text;
    }
}

TEST(Timestamp, IsWrittenInUtcWithMilliseconds) {
    using namespace std::chrono_literals;
    EXPECT_EQ(format_timestamp(api_time(1'776'159'394'007ms)), "2026-04-14T09:36:34.007Z");
    EXPECT_EQ(format_timestamp(api_time(0ms)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_timestamp(api_time(-1ms)), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(format_timestamp(api_time(1'709'164'800s)), "2024-02-29T00:00:00.000Z");
    EXPECT_EQ(format_timestamp(api_time(253'402'300'799'999ms)), "9999-12-31T23:59:59.999Z");
}

TEST(HttpDate, ReadsTheThreeForms) {
    const readable table[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)},
        {"Sunday, 06-Nov-94 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)},
        {"Sun Nov  6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)},
        {"Wed Nov 16 08:49:37 1994", at(1994, 11, 16, 8, 49, 37)},
        {"Wed Nov 06 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)},
        {"Tue, 14 Apr 2026 09:36:34 GMT", at(2026, 4, 14, 9, 36, 34)},
        {"Tuesday, 14-Apr-26 09:36:34 GMT", at(2026, 4, 14, 9, 36, 34)},
        {"Thu, 29 Feb 2024 23:59:59 GMT", at(2024, 2, 29, 23, 59, 59)},
        {"Sat, 31 Dec 2016 23:59:60 GMT", at(2017, 1, 1)},
        {"Thursday, 01-Jan-70 00:00:00 GMT", at(1970, 1, 1)},
        {"Friday, 31-Dec-99 00:00:00 GMT", at(1999, 12, 31)},
        {"Tuesday, 31-Dec-69 00:00:00 GMT", at(2069, 12, 31)},
        {"Fri, 31 Dec 9999 23:59:59 GMT", at(9999, 12, 31, 23, 59, 59)},
        // The weekday must be one; whether it fits is not our concern.
        {"Mon, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)},
    };
    for (const auto& [text, time] : table) {
        const auto parsed = parse_http_date(text);
        ASSERT_TRUE(parsed.has_value()) << text;
        EXPECT_EQ(*parsed, time) << text;
    }
}

TEST(HttpDate, RejectsEverythingElse) {
    for (const char* text : {"",
                             "0",
                             "30",
                             "Sun",
                             "Sun,",
                             "Sunday",
                             "06 Nov 1994 08:49:37 GMT",
                             "Xyz, 06 Nov 1994 08:49:37 GMT",
                             "sun, 06 nov 1994 08:49:37 gmt",
                             "Sun, 6 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nov 94 08:49:37 GMT",
                             "Sun, 06 Nov 1994 08:49:37",
                             "Sun, 06 Nov 1994 08:49:37 UTC",
                             "Sun, 06 Nov 1994 08:49:37 +0000",
                             "Sun, 06 Nov 1994 08:49:37 GMT ",
                             "Sun,06 Nov 1994 08:49:37 GMT",
                             "Sun, 06-Nov-94 08:49:37 GMT",
                             "Sun, 06 Nov 1994  8:49:37 GMT",
                             "Sun, 00 Nov 1994 08:49:37 GMT",
                             "Sun, 31 Nov 1994 08:49:37 GMT",
                             "Wed, 29 Feb 2023 08:49:37 GMT",
                             "Sun, 06 Nvo 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:00:00 GMT",
                             "Sun, 06 Nov 1994 08:60:37 GMT",
                             "Sun, 06 Nov 1994 08:49:61 GMT",
                             "Sun, 06 Nov 1969 08:49:37 GMT",
                             "Sunday, 06-Nov-1994 08:49:37 GMT",
                             "Sunday, 06 Nov 1994 08:49:37 GMT",
                             "Sunday 06-Nov-94 08:49:37 GMT",
                             "Sun Nov 6 08:49:37 1994",
                             "Sun Nov   6 08:49:37 1994",
                             "Sun Nov  6 08:49:37 1994 GMT",
                             "Sun Nov  6 08:49:37 94",
                             "Sunday Nov  6 08:49:37 1994",
                             "2026-04-14T09:30:00Z"}) {
        EXPECT_FALSE(parse_http_date(text).has_value()) << text;
    }
}

TEST(HttpDate, WhatIsWrittenIsReadBackForRandomTimesInAllForms) {
    constexpr unsigned seed = 784'111'777;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const char* const months[] =
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const char* const weekdays[] =
        {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    std::mt19937_64 random(seed);
    // The hundred years that two digits can distinguish.
    const auto range = static_cast<std::uint64_t>(at(2070, 1, 1).time_since_epoch().count()) / 1000;
    for (int i = 0; i < 50'000; ++i) {
        const api_time time{seconds{static_cast<std::int64_t>(random() % range)}};
        const auto [date, clock, weekday] = parts_of(time);
        const int year_number = static_cast<int>(date.year());
        const char* const month = months[static_cast<unsigned>(date.month()) - 1];
        const auto day = static_cast<unsigned>(date.day());
        const std::string hms = print("%02d:%02d:%02d",
                                      static_cast<int>(clock.hours().count()),
                                      static_cast<int>(clock.minutes().count()),
                                      static_cast<int>(clock.seconds().count()));
        const std::string name = weekdays[weekday];
        const std::string imf =
            print("%.3s, %02u %s %04d %s GMT", name.c_str(), day, month, year_number, hms.c_str());
        const std::string rfc850 = print("%s, %02u-%s-%02d %s GMT",
                                         name.c_str(),
                                         day,
                                         month,
                                         year_number % 100,
                                         hms.c_str());
        const std::string asctime =
            print("%.3s %s %2u %s %04d", name.c_str(), month, day, hms.c_str(), year_number);
        for (const std::string& text : {imf, rfc850, asctime}) {
            const auto parsed = parse_http_date(text);
            ASSERT_TRUE(parsed.has_value()) << text;
            ASSERT_EQ(*parsed, time) << text;
        }
    }
}

} // namespace
} // namespace kallglot
