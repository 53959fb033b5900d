#include "simulator/webhook_calendar.hpp"
#include "simulator/webhook_message.hpp"

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kallglot::simulator {
namespace {

using namespace std::chrono_literals;

constexpr system_time t0{std::chrono::milliseconds{1'776'159'394'000}};

session_life life_of(std::uint64_t number, system_time born) {
    session_life life;
    life.number = number;
    life.created_at = born;
    life.connecting_at = born + 1s;
    life.started_at = born + 2s;
    life.ending_at = born + 9s;
    life.ended_at = born + 10s;
    return life;
}

std::vector<std::string> due(webhook_calendar& calendar, system_time now) {
    std::vector<std::string> found;
    while (const auto event = calendar.take_due(now)) {
        found.push_back(std::to_string(event->life.number) + std::string(to_text(event->kind)));
    }
    return found;
}

using texts = std::vector<std::string>;

TEST(SimulatorWebhookCalendar, CreatedStartedEndedComeOnceInOrder) {
    webhook_calendar calendar;
    calendar.add(life_of(1, t0), t0 - 1ms);
    calendar.add(life_of(2, t0 + 1s), t0);
    EXPECT_EQ(due(calendar, t0 - 1ms), texts{});
    EXPECT_EQ(due(calendar, t0 + 2s),
              (texts{"1session.created", "2session.created", "1session.started"}));
    EXPECT_EQ(due(calendar, t0 + 1h),
              (texts{"2session.started", "1session.ended", "2session.ended"}));
    EXPECT_EQ(due(calendar, t0 + 9h), texts{});
}

TEST(SimulatorWebhookCalendar, PastAndImpossibleEventsAreOmitted) {
    webhook_calendar calendar;
    session_life stuck = life_of(1, t0);
    stuck.started_at = stuck.ending_at = stuck.ended_at = never;
    calendar.add(stuck, t0);
    session_life abandoned = life_of(2, t0);
    abandoned.started_at = never;
    calendar.add(abandoned, t0 + 5s);
    EXPECT_EQ(due(calendar, t0 + 9h), texts{"2session.ended"});
}

TEST(SimulatorWebhookMessage, SignsAsDocumented) {
    EXPECT_EQ(sign_webhook("sample-signing-secret",
                           R"({"id":"evt_sample","type":"session.ended"})",
                           t0 + 999ms),
              "t=1776159394,v1=1707c20409ea84faf1985a570408d9d04ac9116fdd402bff31baa959e16209f6");
}

TEST(SimulatorWebhookMessage, BodyIsTheDocumentedEnvelopeWithTheSession) {
    const webhook_event event{t0 + 10s, webhook_kind::ended, life_of(7, t0)};
    const std::string body = webhook_body(event, "sess_abcdefghijklmnopqrst");
    const auto object = boost::json::parse(body).as_object();
    EXPECT_EQ(object.at("type"), "session.ended");
    EXPECT_EQ(object.at("api_version"), "v1");
    EXPECT_TRUE(object.at("id").as_string().starts_with("evt_"));
    EXPECT_EQ(object.at("created_at"), "2026-04-14T09:36:44Z");
    EXPECT_EQ(object.at("data").as_object().at("id"), "sess_abcdefghijklmnopqrst");
    EXPECT_EQ(object.at("data").as_object().at("status"), "ended");
    EXPECT_EQ(webhook_body(event, "sess_abcdefghijklmnopqrst"), body)
        << "a second delivery has the same id";
    EXPECT_NE(body.find("CANARY"), std::string::npos);
}

TEST(SimulatorWebhookMessage, ReadsUrls) {
    const webhook_target target = parse_webhook_url("http://127.0.0.1:9465/webhooks/kallglot");
    EXPECT_EQ(target.host, "127.0.0.1");
    EXPECT_EQ(target.port, "9465");
    EXPECT_EQ(target.path, "/webhooks/kallglot");
    EXPECT_EQ(parse_webhook_url("http://hooks.example:80").path, "/");
    for (const char* const bad :
         {"", "https://a:1/", "http://", "http://a/", "http://:1/", "http://a:/"}) {
        EXPECT_EQ(parse_webhook_url(bad).host, "") << bad;
    }
}

TEST(SimulatorWebhookMessage, RetriesOnTheDocumentedSchedule) {
    EXPECT_EQ(webhook_retry_delay(1, 1min), 1min);
    EXPECT_EQ(webhook_retry_delay(2, 1min), 5min);
    EXPECT_EQ(webhook_retry_delay(7, 1min), 24h);
    EXPECT_EQ(webhook_retry_delay(8, 1min), 0min);
    EXPECT_EQ(webhook_retry_delay(3, 10ms), 300ms);
}

} // namespace
} // namespace kallglot::simulator
