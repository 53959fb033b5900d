#include "web/session_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most = 1000;

TEST(SessionQuery, EmptyQueryGivesTheFirstHundred) {
    for (const char* text : {"", "status=&older_than=&limit=&after="}) {
        const auto query = parse_query(text, most);
        ASSERT_TRUE(query) << text;
        EXPECT_EQ(query->status, std::nullopt);
        EXPECT_EQ(query->older_than, 0s);
        EXPECT_EQ(query->limit, 100U);
        EXPECT_EQ(query->after, "");
    }
}

TEST(SessionQuery, EveryStatusIsKnownByItsName) {
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const auto status = static_cast<session_status>(i);
        const auto query = parse_query("status=" + std::string(to_string(status)), most);
        ASSERT_TRUE(query) << to_string(status);
        EXPECT_EQ(query->status, status);
    }
}

TEST(SessionQuery, AgesAreSeconds) {
    EXPECT_EQ(parse_query("older_than=90", most)->older_than, 90s);
    EXPECT_EQ(parse_query("older_than=90s", most)->older_than, 90s);
    EXPECT_EQ(parse_query("older_than=0.25", most)->older_than, 250ms);
    EXPECT_EQ(parse_query("older_than=0", most)->older_than, 0s);
    EXPECT_EQ(parse_query("older_than=31622400", most)->older_than, 366 * 24h);
}

TEST(SessionQuery, LimitsAreOneToTheMost) {
    EXPECT_EQ(parse_query("limit=1", most)->limit, 1U);
    EXPECT_EQ(parse_query("limit=1000", most)->limit, 1000U);
    EXPECT_FALSE(parse_query("limit=1000", 999));
}

TEST(SessionQuery, InvalidParametersAreRejected) {
    for (const char* text : {"status",
                             "status=Active",
                             "status=active ",
                             "status=%61ctive",
                             "older_than=-1",
                             "older_than=1m",
                             "older_than=s",
                             "older_than=ss",
                             "older_than=1s s",
                             "older_than=nan",
                             "older_than=inf",
                             "older_than=31622401",
                             "older_than=1e400",
                             "older_than= 1",
                             "limit=0",
                             "limit=1001",
                             "limit=-1",
                             "limit=+1",
                             "limit=10.0",
                             "limit=99999999999999999999999",
                             "limit=ten",
                             "Limit=10",
                             "=",
                             "=1",
                             "more=1",
                             "more=",
                             "more",
                             "limit=1&limit=1",
                             "limit=1&limit=",
                             "limit=&limit=1",
                             "status=active;limit=1"}) {
        EXPECT_FALSE(parse_query(text, most)) << text;
    }
    EXPECT_TRUE(parse_query("after=" + std::string(64, '0'), most));
    EXPECT_FALSE(parse_query("after=" + std::string(65, '0'), most));
}

TEST(SessionJson, APageShowsItsSessionsAndACursor) {
    session_page page;
    EXPECT_EQ(make_page_answer(page).body_text(), "{\"sessions\":[],\"next\":null}\n");
    for (const char* id : {"sess_first_of_the_page_of_some_length", "sess_second"}) {
        page.sessions.emplace_back(session_id::parse(id).value());
    }
    page.next = "1f.2e.3d";
    const http_response answer = make_page_answer(page);
    const std::string_view text = answer.body_text();
    const auto value = boost::json::parse({text.data(), text.size()});
    ASSERT_EQ(value.at("sessions").as_array().size(), 2U);
    EXPECT_EQ(value.at("sessions").at(1).at("id").as_string(), "sess_second");
    EXPECT_EQ(value.at("sessions").at(1).at("since_not_before"), nullptr);
    EXPECT_EQ(value.at("next").as_string(), "1f.2e.3d");
}

TEST(SessionJson, RejectedIdIsCutAndValidJson) {
    // Cut where a character would be split, that would be no JSON any more.
    for (std::size_t before = 120; before <= 130; ++before) {
        for (const char* character :
             {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\\\"", "\\u0000"}) {
            const std::string body =
                R"({"ids":[")" + std::string(before, 'x') + character + character + "\"]}";
            const auto bulk = parse_bulk(body, 10);
            ASSERT_TRUE(bulk) << body;
            ASSERT_EQ(bulk->rejected.size(), 1U);
            EXPECT_LE(bulk->rejected[0].id.size(), 128U);
            EXPECT_GE(bulk->rejected[0].id.size(), std::min<std::size_t>(before, 125U));
            const http_response answer = make_bulk_answer(0, 0, bulk->rejected);
            const std::string_view text = answer.body_text();
            boost::system::error_code problem;
            const auto value = boost::json::parse({text.data(), text.size()}, problem);
            ASSERT_FALSE(problem) << text;
            EXPECT_EQ(value.at("rejected").at(0).at("id").as_string(), bulk->rejected[0].id);
        }
    }
}

TEST(SessionJson, ErrorsHaveOneForm) {
    const http_response answer = make_error_answer(400, "invalid_id", "an \"id\" is\n1 to 64");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body_text(),
              R"({"error":{"code":"invalid_id","message":"an \"id\" is\n1 to 64"}})"
              "\n");
}

} // namespace
} // namespace kallglot
