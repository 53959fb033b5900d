#include "kallglot/web/webhook_route.hpp"

#include "route_fixture.hpp"
#include "signed_delivery.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::secrets_of;
using test::signature_header;

constexpr std::string_view path = "/webhooks/kallglot";
constexpr std::string_view key = "sample-signing-secret-of-some-length";

std::string event_body(std::string_view type, std::string_view id = "evt_01JQ7M4TAA0001") {
    return R"({"id":")" + std::string(id) + R"(","type":")" + std::string(type)
           + R"(","api_version":"v1","created_at":"2026-04-14T08:59:58Z",)"
             R"("data":{"id":"sess_01JQ7M4T9K2WD8RA_of_some_length","phone_number":"+12025550143"}})";
}

class WebhookRoute : public test::RouteFixture {
protected:
    WebhookRoute() { route_.install(routes_, std::string(path)); }

    [[nodiscard]] std::string now() const {
        return std::to_string(
            std::chrono::floor<seconds>(clock_.wall_now()).time_since_epoch().count());
    }

    /// A delivery as the sender makes it.
    http_response deliver(const std::string& body, field_list more = {}) {
        more.emplace_back("Kallglot-Signature", signature_header(key, now(), body));
        return call("POST", std::string(path), std::move(more), body);
    }

    http_response deliver_with(const std::string& signature, const std::string& body) {
        return call("POST", std::string(path), {{"Kallglot-Signature", signature}}, body);
    }

    double requests(std::string_view with_result) const {
        return metric("kallglot_exporter_webhook_requests_total", with_result);
    }

    double events(std::string_view of_type) const {
        return metric("kallglot_exporter_webhook_events_total", of_type);
    }

    double all_requests() const {
        double sum = 0;
        for (const auto& each : webhook_result_words) {
            sum += requests(each.text);
        }
        return sum;
    }

    webhook_metrics counts_{metrics_.instruments()};
    webhook_route route_{intake_, counts_, clock_, secrets_of({"", "an-older-secret", key}), 5min};
};

TEST_F(WebhookRoute, ASignedEventReachesTheIntake) {
    const http_response response = deliver(event_body("session.started"));
    EXPECT_EQ(response.status, 200);
    ASSERT_EQ(intake_.events.size(), 1U);
    EXPECT_EQ(intake_.events[0].type, webhook_type::session_started);
    ASSERT_TRUE(intake_.events[0].session);
    EXPECT_EQ(intake_.events[0].session->view(), "sess_01JQ7M4T9K2WD8RA_of_some_length");
    EXPECT_EQ(requests("accepted"), 1);
    EXPECT_EQ(all_requests(), 1);
    EXPECT_EQ(events("session.started"), 1);
    EXPECT_EQ(counts_.last_event(), clock_.wall_now());
}

TEST_F(WebhookRoute, AnswerWaitsForTheIntake) {
    intake_.hold();
    const std::string body = event_body("session.created");
    http_response response;
    begin("POST",
          std::string(path),
          {{"Kallglot-Signature", signature_header(key, now(), body)}},
          body,
          response);
    ASSERT_EQ(intake_.events.size(), 1U);
    EXPECT_EQ(response.status, 0);
    EXPECT_EQ(requests("accepted"), 0);
    EXPECT_EQ(counts_.last_event(), std::nullopt);
    intake_.release();
    ASSERT_TRUE(loop_.run_until([&] { return group_.size() == 0; }));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(requests("accepted"), 1);
}

TEST_F(WebhookRoute, DuplicateAndOutdatedEventsAreAcceptedAndCounted) {
    const std::string body = event_body("session.started");
    EXPECT_EQ(deliver(body).status, 200);
    EXPECT_EQ(deliver(body).status, 200);
    EXPECT_EQ(requests("accepted"), 1);
    EXPECT_EQ(requests("duplicate"), 1);
    EXPECT_EQ(events("session.started"), 1) << "of accepted events only";
    const auto last = counts_.last_event();
    clock_.advance(1s);
    intake_.next = event_outcome::outdated;
    EXPECT_EQ(deliver(event_body("session.created", "evt_late")).status, 200);
    EXPECT_EQ(requests("outdated"), 1);
    EXPECT_EQ(events("session.created"), 0);
    EXPECT_EQ(counts_.last_event(), last);
}

TEST_F(WebhookRoute, UnwritableStoreAnswers503ForARetry) {
    intake_.accepts = false;
    http_response response = deliver(event_body("session.created"));
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(field(response, "Retry-After"), "10");
    EXPECT_TRUE(intake_.events.empty());
    EXPECT_EQ(requests("overload"), 1);

    intake_.accepts = true;
    for (const errc why : {errc::store_unavailable, errc::session_limit, errc::cancelled}) {
        intake_.failure = why;
        response = deliver(event_body("session.created"));
        EXPECT_EQ(response.status, 503);
        EXPECT_NE(field(response, "Retry-After"), "");
    }
    EXPECT_EQ(requests("overload"), 4);
    EXPECT_EQ(requests("accepted"), 0);
    EXPECT_EQ(counts_.last_event(), std::nullopt);
    intake_.failure = {};
    EXPECT_EQ(deliver(event_body("session.created")).status, 200);
    EXPECT_EQ(requests("accepted"), 1);
}

TEST_F(WebhookRoute, RejectionDoesNotRevealTheReason) {
    const std::string body = event_body("session.started");
    const std::string good = signature_header(key, now(), body);
    const http_response unsigned_one = call("POST", std::string(path), {}, body);
    EXPECT_EQ(unsigned_one.status, 401);
    for (const std::string& signature : {std::string(),
                                         std::string("t=1,v1=x"),
                                         good.substr(0, good.size() - 1),
                                         good + "0",
                                         signature_header("another-secret", now(), body),
                                         signature_header("", now(), body),
                                         signature_header(key, now(), body + " "),
                                         signature_header(key, "1", body)}) {
        const http_response response = deliver_with(signature, body);
        EXPECT_EQ(response.status, 401) << signature;
        EXPECT_EQ(response.body_text(), unsigned_one.body_text()) << signature;
        EXPECT_EQ(response.fields, unsigned_one.fields) << signature;
    }
    // A body that is no event is not looked at before that.
    EXPECT_EQ(deliver_with(good, "not an event").status, 401);
    intake_.accepts = false;
    EXPECT_EQ(deliver_with("", body).status, 401);
    EXPECT_TRUE(intake_.events.empty());
    EXPECT_EQ(requests("signature"), 10);
    EXPECT_EQ(requests("timestamp"), 1);
    EXPECT_EQ(all_requests(), 11);
}

TEST_F(WebhookRoute, TheToleranceIsMeasuredByTheWallClock) {
    const std::string body = event_body("session.started");
    const std::string signature = signature_header(key, now(), body);
    clock_.advance(5min);
    EXPECT_EQ(deliver_with(signature, body).status, 200);
    clock_.advance(1ms);
    EXPECT_EQ(deliver_with(signature, body).status, 401);
    clock_.jump_wall(-10min - 1ms);
    EXPECT_EQ(deliver_with(signature, body).status, 200);
    clock_.jump_wall(-1ms);
    EXPECT_EQ(deliver_with(signature, body).status, 401);
    EXPECT_EQ(requests("timestamp"), 2);
}

TEST_F(WebhookRoute, SignedInvalidBodyIsMalformed) {
    for (const char* body :
         {"", "[]", "null", "{}", R"({"id":"evt_1"})", R"({"id":"evt_1","type":)"}) {
        EXPECT_EQ(deliver(body).status, 400) << body;
    }
    EXPECT_EQ(requests("malformed"), 6);
    EXPECT_TRUE(intake_.events.empty());
    // Also while the store is not writable: a retry of this body would not help.
    intake_.accepts = false;
    EXPECT_EQ(deliver("{}").status, 400);
}

TEST_F(WebhookRoute, UnknownTypesAreAcceptedAndCounted) {
    EXPECT_EQ(deliver(event_body("session.teleported", "evt_1")).status, 200);
    EXPECT_EQ(deliver(event_body("billing.paid", "evt_2")).status, 200);
    EXPECT_EQ(deliver(event_body("transcript.ready", "evt_3")).status, 200);
    EXPECT_EQ(requests("accepted"), 3);
    EXPECT_EQ(events("other"), 2);
    EXPECT_EQ(events("transcript.ready"), 1);
    EXPECT_EQ(metric("kallglot_exporter_webhook_events_total", "session.teleported"), -1);
}

TEST_F(WebhookRoute, EveryResultAndTypeExistsFromTheStart) {
    for (const auto& each : webhook_result_words) {
        EXPECT_EQ(requests(each.text), 0) << each.text;
    }
    for (const auto& each : webhook_type_words) {
        EXPECT_EQ(events(each.text), 0) << each.text;
    }
}

TEST_F(WebhookRoute, DelayIsFromOriginalTimestampToReceipt) {
    const auto with_original = [&](const std::string& text, const char* id) {
        return deliver(event_body("session.started", id), {{"Kallglot-Original-Timestamp", text}});
    };
    const auto count = [&] {
        return metric("kallglot_exporter_webhook_delivery_delay_seconds");
    };
    EXPECT_EQ(with_original(std::to_string(std::stoll(now()) - 400), "evt_1").status, 200);
    EXPECT_EQ(count(), 1);
    // Ahead of our clock: no delay, but one that was measured.
    EXPECT_EQ(with_original(std::to_string(std::stoll(now()) + 400), "evt_2").status, 200);
    EXPECT_EQ(count(), 2);
    int number = 3;
    for (const char* bad : {"", "-1", "yesterday", "1e9", "1776159394 ", "99999999999999999999"}) {
        EXPECT_EQ(with_original(bad, ("evt_" + std::to_string(number++)).c_str()).status, 200);
    }
    EXPECT_EQ(count(), 2);
    // No delivery comes after 72 hours: the header is not signed, and its value would spoil the sum.
    EXPECT_EQ(with_original(std::to_string(std::stoll(now()) - 72 * 3600 - 1), "evt_late").status,
              200);
    EXPECT_EQ(with_original("0", "evt_of_1970").status, 200);
    EXPECT_EQ(count(), 2);
    const prometheus::Histogram& delay =
        metrics_.instruments().histogram(metric::webhook_delivery_delay, {});
    EXPECT_DOUBLE_EQ(delay.Collect().histogram.sample_sum, 400);
}

TEST_F(WebhookRoute, ReloadReplacesSecretsAndTolerance) {
    const std::string body = event_body("session.started");
    const std::string old_signature = signature_header(key, now(), body);
    route_.use_secrets(secrets_of({"the-secret-after-this-one"}), 1s);
    EXPECT_EQ(deliver_with(old_signature, body).status, 401);
    const std::string signature = signature_header("the-secret-after-this-one", now(), body);
    EXPECT_EQ(deliver_with(signature, body).status, 200);
    clock_.advance(1001ms);
    EXPECT_EQ(deliver_with(signature, body).status, 401);
    route_.use_secrets({}, 1s);
    EXPECT_EQ(deliver_with(signature_header("", now(), body), body).status, 401);
}

TEST_F(WebhookRoute, OnlyPostOnItsPathIsKnown) {
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
        const http_response response = call(method, std::string(path), {}, "");
        EXPECT_EQ(response.status, 405) << method;
        EXPECT_EQ(field(response, "Allow"), "OPTIONS, POST") << method;
    }
    EXPECT_EQ(call("POST", "/webhooks", {}, "").status, 404);
    EXPECT_EQ(call("POST", "/webhooks/kallglot/", {}, "").status, 404);
    EXPECT_EQ(call("POST", "/metrics", {}, "").status, 404);
}

} // namespace
} // namespace kallglot
