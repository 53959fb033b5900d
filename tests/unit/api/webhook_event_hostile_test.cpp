#include "kallglot/api/webhook_event.hpp"
#include "unit/api/session_bodies.hpp"
#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

// Hostile deliveries: a sender with the right secret may still be broken.
namespace kallglot {
namespace {

using namespace std::string_literals;
using test::nested;
using test::read_sample;

constexpr const char* samples[] = {"webhook_session_created",
                                   "webhook_session_ended",
                                   "webhook_provider_connected"};

std::string event_with(const std::string& data) {
    return R"({"id":"evt_sample","type":"session.started","data":)" + data + "}";
}

TEST(WebhookEventHostile, ABodyCutAtAnyByteIsRejected) {
    for (const char* sample : samples) {
        const std::string body = read_sample(sample);
        for (std::size_t size = 0; size < body.size(); ++size) {
            EXPECT_EQ(parse_webhook_event(std::string_view(body).substr(0, size)).error(),
                      errc::malformed_json)
                << sample << " cut at " << size;
        }
        EXPECT_TRUE(parse_webhook_event(body));
    }
}

TEST(WebhookEventHostile, SixteenLevelsAreReadAndSeventeenAreNot) {
    EXPECT_TRUE(parse_webhook_event(event_with(nested(15, "[", "]"))));
    EXPECT_TRUE(parse_webhook_event(event_with(nested(15, "{\"session\":", "}"))));
    for (const std::size_t depth : {16U, 17U, 33U, 10'000U}) {
        EXPECT_EQ(parse_webhook_event(event_with(nested(depth, "[", "]"))).error(),
                  errc::malformed_json);
        EXPECT_EQ(parse_webhook_event(event_with(nested(depth, "{\"data\":", "}"))).error(),
                  errc::malformed_json);
    }
    EXPECT_EQ(parse_webhook_event(std::string(60'000, '[')).error(), errc::malformed_json);
    EXPECT_EQ(parse_webhook_event(std::string(60'000, '{')).error(), errc::malformed_json);
}

TEST(WebhookEventHostile, OtherTextThanJsonIsRejected) {
    const std::string good = R"({"id":"evt_sample","type":"session.ended"})";
    for (const std::string& bad :
         {""s,
          " "s,
          "\0"s,
          "id=evt_sample&type=session.ended"s,
          "<xml/>"s,
          "null"s,
          "7"s,
          "\"text\""s,
          "[]"s,
          "[" + good + "]",
          good + good,
          good + "x",
          good + "\0"s,
          "\xEF\xBB\xBF" + good,
          R"({"id":"evt_sample","type":"session.ended",})"s,
          R"({'id':'evt_sample','type':'session.ended'})"s,
          R"({"id":"evt_sample"/**/,"type":"session.ended"})"s,
          R"({"id":"evt_sample","type":"session.ended","a":NaN})"s,
          R"({"id":"evt_sample","type":"session.ended","a":01})"s,
          R"({"id":"evt_sample","type":"session.ended","a":1e1000000000})"s,
          R"({"id":"evt_sample","type":"session.ended","a":1e-9999999999})"s,
          "{\"id\":\"evt\nsample\",\"type\":\"session.ended\"}"s,
          "{\"id\":\"evt\",\"type\":\"session.ended\",\"a\":\"\xFF\"}"s,
          "{\"id\":\"evt\",\"type\":\"session.ended\",\"\xC0\xAF\":1}"s,
          R"({"id":"evt","type":"session.ended","a":"\uD800"})"s,
          R"({"id":"evt","type":"session.ended","a":"\x"})"s}) {
        EXPECT_EQ(parse_webhook_event(bad).error(), errc::malformed_json) << bad;
    }
    EXPECT_TRUE(parse_webhook_event(" \r\n\t" + good + " \r\n\t"));
}

TEST(WebhookEventHostile, RepeatedMembersNeverMixTwoSessions) {
    const auto event = parse_webhook_event(
        R"({"id":"evt_first","type":"session.created","data":{"id":"sess_first"},)"
        R"("data":{"id":"sess_second","id":"sess_third"},"id":"evt_last","type":"session.ended"})");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, webhook_type::session_ended);
    ASSERT_TRUE(event->session);
    EXPECT_EQ(event->session->view(), "sess_first");
}

TEST(WebhookEventHostile, LongTextsAndManyMembersArePassedOver) {
    std::string many;
    for (int i = 0; i < 2000; ++i) {
        many += "\"m" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    }
    const std::string id = R"("id":"sess_01JQ7M4T9K2WD8RA")";
    for (const std::string& data : {"{\"" + std::string(50'000, 'k') + "\":1," + id + "}",
                                    "{\"text\":\"" + std::string(50'000, 'v') + "\"," + id + "}",
                                    "{" + many + id + "}",
                                    "{\"number\":" + std::string(50'000, '9') + "," + id + "}",
                                    "{\"number\":-1e999999," + id + "}",
                                    "{\"\":\"\"," + id + "}"}) {
        const auto event = parse_webhook_event(event_with(data));
        ASSERT_TRUE(event);
        ASSERT_TRUE(event->session);
        EXPECT_EQ(event->session->view(), "sess_01JQ7M4T9K2WD8RA");
    }
}

TEST(WebhookEventHostile, AnyChangeLeavesAValidIdOrNone) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    std::size_t read = 0;
    for (std::size_t round = 0; round < test::rounds(200'000); ++round) {
        std::string body = read_sample(samples[round % 3]);
        for (std::size_t changes = 1 + chance.below(4); changes > 0; --changes) {
            const std::size_t at = chance.below(body.size());
            switch (chance.below(3)) {
                case 0:
                    body[at] = static_cast<char>(chance.below(256));
                    break;
                case 1:
                    body.erase(at, 1 + chance.below(20));
                    break;
                default:
                    body.insert(at, body.substr(chance.below(body.size()), 1 + chance.below(20)));
                    break;
            }
        }
        const auto event = parse_webhook_event(body);
        if (!event) {
            ASSERT_TRUE(event.error() == errc::malformed_json
                        || event.error() == errc::invalid_event)
                << body;
            continue;
        }
        ++read;
        if (event->session) {
            ASSERT_TRUE(session_id::parse(event->session->view())) << body;
            ASSERT_TRUE(event->session->view().starts_with("sess_")) << body;
        }
    }
    EXPECT_GT(read, 0U);
}

} // namespace
} // namespace kallglot
