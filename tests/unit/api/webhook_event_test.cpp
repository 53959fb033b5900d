#include "kallglot/api/webhook_event.hpp"

#include "kallglot/base/time.hpp"
#include "unit/api/allocations.hpp"
#include "unit/api/session_bodies.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// What is read out of a delivery, where it is looked for, and that nothing else stays.
namespace kallglot {
namespace {

using test::read_sample;

constexpr std::string_view event_id = "evt_01JQ7M4TAA0001_longer_than_32_characters";
constexpr std::string_view first_id = "sess_01JQ7M4T9K2WD8RA_the_first_of_the_three";
constexpr std::string_view second_id = "sess_01JQ7M4T9K2WD8RA_the_second_of_the_three";
constexpr std::string_view third_id = "sess_01JQ7M4T9K2WD8RA_the_third_of_the_three";

/// An event of that type with these members in `data`.
std::string delivery(std::string_view type, const std::string& data) {
    return R"({"id":")" + std::string(event_id) + R"(","type":")" + std::string(type)
           + R"(","api_version":"v1","created_at":"2026-04-14T09:30:00Z","data":{)" + data + "}}";
}

std::string member(std::string_view name, std::string_view text) {
    return '"' + std::string(name) + R"(":")" + std::string(text) + '"';
}

std::string id_read_from(const std::string& data) {
    const auto event = parse_webhook_event(delivery("session.started", data));
    EXPECT_TRUE(event) << data;
    return event && event->session ? std::string(event->session->view()) : std::string();
}

TEST(WebhookEvent, SamplesAreRead) {
    struct expected {
        const char* sample;
        const char* id;
        webhook_type type;
        const char* made_at;
    };

    for (const expected& each : {expected{"webhook_session_created",
                                          "evt_01JQ7M4TAA0001",
                                          webhook_type::session_created,
                                          "2026-04-14T09:30:00Z"},
                                 expected{"webhook_session_ended",
                                          "evt_01JQ7MDZAA0009",
                                          webhook_type::session_ended,
                                          "2026-04-14T09:36:34Z"},
                                 expected{"webhook_provider_connected",
                                          "evt_01JQ7M5AAA0003",
                                          webhook_type::session_provider_connected,
                                          "2026-04-14T09:30:21Z"}}) {
        const auto event = parse_webhook_event(read_sample(each.sample));
        ASSERT_TRUE(event) << each.sample;
        EXPECT_EQ(event->id.view(), each.id);
        EXPECT_EQ(event->type, each.type);
        EXPECT_EQ(event->made_at, parse_timestamp(each.made_at));
        ASSERT_TRUE(event->session);
        EXPECT_EQ(event->session->view(), "sess_01JQ7M4T9K2WD8RA");
    }
}

TEST(WebhookEvent, EveryDocumentedTypeIsParsed) {
    for (const auto& word : webhook_type_words) {
        const auto event = parse_webhook_event(delivery(word.text, member("id", first_id)));
        ASSERT_TRUE(event) << word.text;
        EXPECT_EQ(event->type, word.value) << word.text;
    }
}

TEST(WebhookEvent, OtherTypesAreOtherAndNoError) {
    for (const char* type : {"session.paused",
                             "session.create",
                             "session.createds",
                             "Session.Created",
                             "session.created ",
                             "session",
                             "x"}) {
        const auto event = parse_webhook_event(delivery(type, member("id", first_id)));
        ASSERT_TRUE(event) << type;
        EXPECT_EQ(event->type, webhook_type::other) << type;
        EXPECT_EQ(session_event_of(event->type), std::nullopt);
        EXPECT_EQ(event->of_session, std::string_view(type).starts_with("session.")) << type;
    }
}

TEST(WebhookEvent, OnlySessionEventsMeanSomethingForASession) {
    EXPECT_EQ(session_event_of(webhook_type::session_created), session_event::created);
    EXPECT_EQ(session_event_of(webhook_type::session_started), session_event::started);
    EXPECT_EQ(session_event_of(webhook_type::session_ended), session_event::ended);
    EXPECT_EQ(session_event_of(webhook_type::session_provider_connected), session_event::touched);
    EXPECT_EQ(session_event_of(webhook_type::session_provider_disconnected),
              session_event::touched);
    for (const auto& word : webhook_type_words) {
        if (word.value > webhook_type::session_provider_disconnected) {
            EXPECT_EQ(session_event_of(word.value), std::nullopt) << word.text;
        }
    }
}

TEST(WebhookEvent, TheIdIsTheFirstOfThreePlacesInAnyOrderOfTheMembers) {
    const std::string by_id = member("id", first_id);
    const std::string by_session_id = member("session_id", second_id);
    const std::string by_session = R"("session":{)" + member("id", third_id) + "}";
    const std::vector<std::string> all = {by_id, by_session_id, by_session};
    const std::string_view ids[] = {first_id, second_id, third_id};
    for (std::size_t a = 0; a < all.size(); ++a) {
        EXPECT_EQ(id_read_from(all[a]), ids[a]);
        for (std::size_t b = 0; b < all.size(); ++b) {
            if (a == b) {
                continue;
            }
            EXPECT_EQ(id_read_from(all[a] + "," + all[b]), ids[std::min(a, b)]) << a << b;
            const std::size_t c = 3 - a - b;
            EXPECT_EQ(id_read_from(all[a] + "," + all[b] + "," + all[c]), first_id) << a << b << c;
        }
    }
}

TEST(WebhookEvent, IdsOfOtherResourcesAreNoSessions) {
    for (const char* other : {"trn_sess_01JQ7M4T9K2WD8RA",
                              "rec_01JQ7M4T9K2WD8RA",
                              "ana_01JQ7M4T9K2WD8RA",
                              "anl_01JQ7M4T9K2WD8RA",
                              "agt_01JQ7M4T9K2WD8RA",
                              "SESS_01JQ7M4T9K2WD8RA",
                              "sess",
                              ""}) {
        EXPECT_EQ(id_read_from(member("id", other)), "") << other;
        EXPECT_EQ(id_read_from(member("id", other) + "," + member("session_id", second_id)),
                  second_id)
            << other;
        EXPECT_EQ(id_read_from(member("session_id", second_id) + "," + member("id", other)),
                  second_id)
            << other;
    }
}

TEST(WebhookEvent, IdsThatCannotBeOnesAreNotTaken) {
    for (const std::string& bad : {std::string("sess_a/../b"),
                                   std::string("sess_a b"),
                                   std::string("sess_\\u0000"),
                                   std::string("sess_\\n"),
                                   std::string("sess_\xC3\xA4"),
                                   "sess_" + std::string(60, 'x')}) {
        EXPECT_EQ(id_read_from(member("id", bad)), "") << bad;
    }
    EXPECT_EQ(id_read_from(member("id", "sess_" + std::string(59, 'x'))),
              "sess_" + std::string(59, 'x'));
    EXPECT_EQ(id_read_from(member("id", "sess\\u005fescaped")), "sess_escaped");
}

TEST(WebhookEvent, IdsInOtherPlacesAreNotTaken) {
    const std::string text = member("id", first_id);
    for (const std::string& data : {R"("metadata":{)" + text + "}",
                                    R"("metadata":{"session":{)" + text + "}}",
                                    R"("session":{"session":{)" + text + "}}",
                                    R"("session":{"metadata":{)" + text + "}}",
                                    R"("session":[{)" + text + "}]",
                                    R"("session":{"session_id":")" + std::string(first_id) + "\"}",
                                    R"("id":[")" + std::string(first_id) + "\"]",
                                    R"("id":{"id":")" + std::string(first_id) + "\"}",
                                    R"("sessions":[{)" + text + "}]",
                                    R"("data":{)" + text + "}"}) {
        EXPECT_EQ(id_read_from(data), "") << data;
    }
    // And none outside `data`.
    const auto event = parse_webhook_event(R"({"id":"sess_as_event","type":"session.ended",)"
                                           R"("session_id":"sess_x","session":{"id":"sess_y"},)"
                                           R"("object":{"data":{"id":"sess_z"}}})");
    ASSERT_TRUE(event);
    EXPECT_FALSE(event->session);
}

TEST(WebhookEvent, AnEnvelopeNeedsIdAndTypeAndNothingElse) {
    const auto least = parse_webhook_event(R"({"type":"session.ended","id":"evt_sample"})");
    ASSERT_TRUE(least);
    EXPECT_EQ(least->type, webhook_type::session_ended);
    EXPECT_EQ(least->id.view(), "evt_sample");
    EXPECT_FALSE(least->made_at);
    EXPECT_FALSE(least->session);
    for (const std::string& bad : {std::string(R"({"id":"evt_sample"})"),
                                   std::string(R"({"type":"session.ended"})"),
                                   std::string(R"({"id":"","type":"session.ended"})"),
                                   std::string(R"({"id":"evt_sample","type":""})"),
                                   std::string(R"({"id":7,"type":"session.ended"})"),
                                   std::string(R"({"id":null,"type":"session.ended"})"),
                                   std::string(R"({"id":["evt"],"type":"session.ended"})"),
                                   std::string(R"({"id":{"id":"evt"},"type":"session.ended"})"),
                                   std::string(R"({"id":"evt_sample","type":true})"),
                                   std::string(R"({"ID":"evt_sample","Type":"session.ended"})"),
                                   std::string(R"({"data":{"id":"evt","type":"session.ended"}})"),
                                   std::string("{}"),
                                   R"({"type":"x","id":")" + std::string(65, 'e') + "\"}",
                                   R"({"id":"evt","type":")" + std::string(65, 't') + "\"}"}) {
        EXPECT_EQ(parse_webhook_event(bad).error(), errc::invalid_event) << bad;
    }
    EXPECT_TRUE(parse_webhook_event(R"({"type":"x","id":")" + std::string(64, 'e') + "\"}"));
}

TEST(WebhookEvent, OddFieldsAreAsGoodAsMissing) {
    for (const char* odd : {R"("created_at":7)",
                            R"("created_at":null)",
                            R"("created_at":"yesterday")",
                            R"("created_at":"2026-02-30T00:00:00Z")",
                            R"("created_at":{"a":"2026-04-14T09:30:00Z"})",
                            R"("data":null)",
                            R"("data":7)",
                            R"("data":"sess_01JQ7M4T9K2WD8RA")",
                            R"("data":["sess_01JQ7M4T9K2WD8RA"])",
                            R"("data":[{"id":"sess_01JQ7M4T9K2WD8RA"}])",
                            R"("data":{"id":7,"session_id":null,"session":"sess_01JQ7M4T9K"})",
                            R"("api_version":["v2"])"}) {
        const auto event = parse_webhook_event(R"({"id":"evt_sample","type":"session.ended",)"
                                               + std::string(odd) + "}");
        ASSERT_TRUE(event) << odd;
        EXPECT_FALSE(event->made_at) << odd;
        EXPECT_FALSE(event->session) << odd;
        EXPECT_EQ(event->type, webhook_type::session_ended);
    }
}

TEST(WebhookEvent, EventsAreDistinguishedByTheirIdOnly) {
    const auto id_of = [](const std::string& id) {
        const auto event = parse_webhook_event(R"({"id":")" + id + R"(","type":"session.ended"})");
        return std::string(event->id.view());
    };
    EXPECT_EQ(id_of("evt_01JQ7M4TAA0001"), id_of("evt_01JQ7M4TAA000\\u0031"));
    EXPECT_NE(id_of("evt_01JQ7M4TAA0001"), id_of("evt_01JQ7M4TAA0002"));
    EXPECT_NE(id_of("evt_01JQ7M4TAA0001"), id_of("EVT_01JQ7M4TAA0001"));
}

TEST(WebhookEvent, OnlyTheListedFieldsAreStored) {
    static_assert(std::is_trivially_copyable_v<webhook_event>, "it owns no text of the body");
    const std::string body =
        R"({"canary_key_of_the_envelope":"canary_value_of_the_envelope","id":"evt_sample",)"
        R"("type":"session.provider.connected","created_at":"2026-04-14T09:30:21Z",)"
        R"("data":{"stream":{"token":"canary_kst_live_token"},"phone_number":"+canary12025550143",)"
        R"("metadata":{"canary_from":["canary_word",{"canary":"canary_deep"}]},)"
        R"("status":"canary_status","id":"sess_01JQ7M4T9K2WD8RA","session_id":"canary_other_id",)"
        R"("canary_last":"canary_tail"}})";
    test::block_recorder memory;
    const auto event = parse_webhook_event(body);
    memory.stop();
    ASSERT_TRUE(event);
    EXPECT_EQ(memory.bytes(), 0U) << "something of the parser is still there";
    std::string bytes(sizeof *event, '\0');
    std::memcpy(bytes.data(), &*event, bytes.size());
    EXPECT_EQ(bytes.find("canary"), std::string::npos);
    EXPECT_EQ(bytes.find("2025550143"), std::string::npos);
    // That the search finds what is there.
    EXPECT_NE(bytes.find("sess_01JQ7M4T9K2WD8RA"), std::string::npos);
}

} // namespace
} // namespace kallglot
