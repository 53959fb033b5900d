#include "kallglot/api/response_headers.hpp"

#include "kallglot/base/time.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace kallglot {
namespace {

using header_list = std::initializer_list<std::pair<std::string_view, std::string_view>>;

response_headers note(header_list list) {
    response_headers headers;
    for (const auto& [name, value] : list) {
        note_header(headers, name, value);
    }
    return headers;
}

bool is_empty(const response_headers& headers) {
    return !headers.date && !headers.retry_after && !headers.retry_at && !headers.rate_limit
           && !headers.rate_remaining && !headers.rate_reset && !headers.credits_remaining
           && !headers.credits_used;
}

constexpr seconds ten_years{10LL * 366 * 86400};

TEST(ResponseHeaders, ReadsEveryFieldOfInterest) {
    const auto headers = note({{"Date", "Tue, 14 Apr 2026 09:36:34 GMT"},
                               {"Content-Type", "application/json"},
                               {"Retry-After", "30"},
                               {"X-RateLimit-Limit", "120"},
                               {"X-RateLimit-Remaining", "117"},
                               {"X-RateLimit-Reset", "1776159394"},
                               {"X-API-Credits-Remaining", "98765432109"},
                               {"X-API-Credits-Used", "12"},
                               {"X-Request-ID", "req_01JQ7RSAMPLE0002"}});
    EXPECT_EQ(headers.date, parse_timestamp("2026-04-14T09:36:34Z"));
    EXPECT_EQ(headers.retry_after, seconds{30});
    EXPECT_FALSE(headers.retry_at);
    EXPECT_EQ(headers.rate_limit, 120U);
    EXPECT_EQ(headers.rate_remaining, 117U);
    EXPECT_EQ(headers.rate_reset, parse_timestamp("2026-04-14T09:36:34Z"));
    EXPECT_EQ(headers.credits_remaining, 98'765'432'109U);
    EXPECT_EQ(headers.credits_used, 12U);
}

TEST(ResponseHeaders, AgeIsTheFirstNumber) {
    EXPECT_EQ(note({{"Age", "25"}}).age, seconds{25});
    EXPECT_EQ(note({{"AGE", "0"}, {"Age", "9"}}).age, seconds{0});
    EXPECT_EQ(note({{"Age", "99999999999999999999"}}).age, ten_years);
    for (const std::string_view bad : {"", "old", "-1", "1, 2", "1.5"}) {
        const auto headers = note({{"Age", bad}});
        EXPECT_FALSE(headers.age) << bad;
        EXPECT_EQ(headers.stored_by, "Age") << bad;
    }
}

TEST(ResponseHeaders, FieldsOfCachesSayWhetherTheAnswerWasStored) {
    for (const auto& [name, value] :
         header_list{{"Cache-Status", "front; hit; ttl=30"},
                     {"Cache-Status", "a; fwd=miss, b; hit"},
                     {"X-Cache", "HIT"},
                     {"X-Cache", "HIT from proxy.example:3128"},
                     {"x-cache", "Hit from cloudfront"},
                     {"X-Cache", "TCP_MEM_HIT from a1 (AkamaiGHost/1)"},
                     {"X-Cache", "MISS, HIT"},
                     {"X-Cache", "TCP_REFRESH_FAIL_HIT from a1"},
                     {"X-Cache-Status", "STALE"},
                     {"X-Cache-Status", "UPDATING"},
                     {"X-Proxy-Cache", "HIT"},
                     {"CF-Cache-Status", "HIT"},
                     {"Warning", "110 - \"Response is Stale\""},
                     {"Warning", "111 proxy \"Revalidation Failed\""}}) {
        EXPECT_FALSE(note({{name, value}}).stored_by.empty()) << name << ": " << value;
    }
    for (const auto& [name, value] :
         header_list{{"Cache-Status", "front; fwd=uri-miss"},
                     {"Cache-Status", "front; fwd=stale; fwd-status=304"},
                     {"Cache-Status", "front; hit=?0"},
                     {"X-Cache", "MISS from proxy.example"},
                     {"X-Cache", "RefreshHit from cloudfront"},
                     {"X-Cache", "TCP_REFRESH_HIT from a1"},
                     {"X-Cache", ""},
                     {"X-Cache-Status", "REVALIDATED"},
                     {"X-Cache-Status", "EXPIRED"},
                     {"CF-Cache-Status", "DYNAMIC"},
                     {"Warning", "199 - \"something\""},
                     {"Warning", "11"},
                     {"Via", "1.1 varnish"}}) {
        EXPECT_TRUE(note({{name, value}}).stored_by.empty()) << name << ": " << value;
    }
}

TEST(ResponseHeaders, RequestIdsDifferAsTheirTextsDo) {
    const auto id = note({{"X-Request-ID", "req_01JQ7RSAMPLE0002"}}).request_id;
    EXPECT_NE(id, 0U);
    EXPECT_EQ(note({{"x-request-id", "req_01JQ7RSAMPLE0002"}}).request_id, id);
    EXPECT_NE(note({{"X-Request-ID", "req_01JQ7RSAMPLE0003"}}).request_id, id);
}

TEST(ResponseHeaders, NamesCompareWithoutCase) {
    const auto headers = note({{"DATE", "Tue, 14 Apr 2026 09:36:34 GMT"},
                               {"retry-after", "1"},
                               {"x-ratelimit-limit", "2"},
                               {"X-RATELIMIT-REMAINING", "3"},
                               {"x-RateLimit-reset", "1776159394"},
                               {"x-api-credits-remaining", "4"},
                               {"X-Api-Credits-Used", "5"}});
    EXPECT_TRUE(headers.date && headers.rate_reset);
    EXPECT_EQ(headers.retry_after, seconds{1});
    EXPECT_EQ(headers.rate_limit, 2U);
    EXPECT_EQ(headers.rate_remaining, 3U);
    EXPECT_EQ(headers.credits_remaining, 4U);
    EXPECT_EQ(headers.credits_used, 5U);
}

TEST(ResponseHeaders, IgnoresNamesThatAreNotOurs) {
    // Same lengths as our names, one letter off, or with bytes that differ from ours by the case bit.
    const auto headers = note({{"Data", "Tue, 14 Apr 2026 09:36:34 GMT"},
                               {"Retry-Aftes", "1"},
                               {"Retry\rafter", "1"},
                               {"X-RateLimit-Limix", "2"},
                               {"X-RateLimitXReset", "1776159394"},
                               {"X-API-Credits-Usex", "5"},
                               {"X-RateLimit-Remaininx", "3"},
                               {"X-API-Credits-Remaininx", "4"},
                               {"", "4"},
                               {"X-RateLimit-Remaining-Requests", "4"}});
    EXPECT_TRUE(is_empty(headers));
}

TEST(ResponseHeaders, NumbersAreDigitsAndNothingElse) {
    for (const std::string_view text : {"",
                                        " ",
                                        "+1",
                                        "-1",
                                        "1.0",
                                        "7.5",
                                        "1e3",
                                        "0x10",
                                        "1 ",
                                        " 1",
                                        "1,2",
                                        "1;w=60",
                                        "NaN",
                                        "infinity",
                                        "99999999999999999999999999999999",
                                        "\xd9\xa1"}) {
        const auto headers = note({{"X-RateLimit-Limit", text},
                                   {"X-RateLimit-Remaining", text},
                                   {"X-RateLimit-Reset", text},
                                   {"X-API-Credits-Remaining", text},
                                   {"X-API-Credits-Used", text}});
        EXPECT_TRUE(is_empty(headers)) << text;
    }
}

TEST(ResponseHeaders, NumbersAreReadUpToTheLimitOfTheirType) {
    auto headers = note({{"X-RateLimit-Limit", "4294967295"},
                         {"X-RateLimit-Remaining", "0"},
                         {"X-API-Credits-Used", "18446744073709551615"}});
    EXPECT_EQ(headers.rate_limit, 4'294'967'295U);
    EXPECT_EQ(headers.rate_remaining, 0U);
    EXPECT_EQ(headers.credits_used, 18'446'744'073'709'551'615U);
    headers =
        note({{"X-RateLimit-Limit", "4294967296"}, {"X-API-Credits-Used", "18446744073709551616"}});
    EXPECT_TRUE(is_empty(headers));
}

TEST(ResponseHeaders, RetryAfterIsSecondsOrADate) {
    EXPECT_EQ(note({{"Retry-After", "0"}}).retry_after, seconds{0});
    EXPECT_EQ(note({{"Retry-After", "007"}}).retry_after, seconds{7});
    const auto imf = note({{"Retry-After", "Tue, 14 Apr 2026 09:36:34 GMT"}});
    EXPECT_EQ(imf.retry_at, parse_timestamp("2026-04-14T09:36:34Z"));
    EXPECT_FALSE(imf.retry_after);
    EXPECT_TRUE(note({{"Retry-After", "Tuesday, 14-Apr-26 09:36:34 GMT"}}).retry_at);
    EXPECT_TRUE(note({{"Retry-After", "Tue Apr 14 09:36:34 2026"}}).retry_at);
    for (const std::string_view text : {"", "7.5", "-1", "soon", "1 s", "2026-04-14T09:30:00Z"}) {
        EXPECT_TRUE(is_empty(note({{"Retry-After", text}}))) << text;
    }
}

TEST(ResponseHeaders, RetryAfterIsCutAtTenYears) {
    EXPECT_EQ(note({{"Retry-After", "316224000"}}).retry_after, ten_years);
    EXPECT_EQ(note({{"Retry-After", "316223999"}}).retry_after, ten_years - seconds{1});
    EXPECT_EQ(note({{"Retry-After", "316224001"}}).retry_after, ten_years);
    EXPECT_EQ(note({{"Retry-After", "18446744073709551615"}}).retry_after, ten_years);
    EXPECT_EQ(note({{"Retry-After", "123456789012345678901234567890"}}).retry_after, ten_years);
}

TEST(ResponseHeaders, RateResetIsAUnixTimeBetween2001And9999) {
    EXPECT_EQ(note({{"X-RateLimit-Reset", "978307200"}}).rate_reset,
              parse_timestamp("2001-01-01T00:00:00Z"));
    EXPECT_EQ(note({{"X-RateLimit-Reset", "253402300799"}}).rate_reset,
              parse_timestamp("9999-12-31T23:59:59Z"));
    for (const std::string_view text :
         {"0", "60", "978307199", "253402300800", "1776159394000", "18446744073709551615"}) {
        EXPECT_TRUE(is_empty(note({{"X-RateLimit-Reset", text}}))) << text;
    }
}

TEST(ResponseHeaders, FirstWellFormedValueOfARepeatedFieldCounts) {
    auto headers = note({{"Date", "nonsense"},
                         {"Date", "Tue, 14 Apr 2026 09:36:34 GMT"},
                         {"Date", "Tue, 14 Apr 2026 10:00:00 GMT"},
                         {"X-RateLimit-Remaining", "3"},
                         {"X-RateLimit-Remaining", "900"},
                         {"Retry-After", "30"},
                         {"Retry-After", "1"},
                         {"Retry-After", "Tue, 14 Apr 2026 10:00:00 GMT"}});
    EXPECT_EQ(headers.date, parse_timestamp("2026-04-14T09:36:34Z"));
    EXPECT_EQ(headers.rate_remaining, 3U);
    EXPECT_EQ(headers.retry_after, seconds{30});
    EXPECT_FALSE(headers.retry_at);
    headers = note({{"Retry-After", "Tue, 14 Apr 2026 10:00:00 GMT"}, {"Retry-After", "1"}});
    EXPECT_TRUE(headers.retry_at);
    EXPECT_FALSE(headers.retry_after);
}

} // namespace
} // namespace kallglot
