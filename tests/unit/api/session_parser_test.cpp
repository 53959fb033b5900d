#include "kallglot/api/session_parser.hpp"

#include "kallglot/base/time.hpp"
#include "unit/api/session_bodies.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace kallglot {
namespace {

using namespace std::string_literals;
using test::body_with;
using test::id_in;
using test::id_of;
using test::known_id;
using test::parse;
using test::parse_in_all_ways;
using test::read_sample;
using test::same_outcome;

struct sample_file {
    const char* name;
    session_status status;
    session_mode mode;
    session_provider provider;
    end_reason reason;
    const char* created_at;
    const char* started_at;
    const char* ended_at;
};

using enum session_status;
using mode_of = session_mode;
using provider_of = session_provider;

const std::array<sample_file, 6> samples{{
    {"session_created",
     created,
     mode_of::bidirectional_translation,
     provider_of::twilio,
     end_reason::none,
     "2026-04-14T09:30:00Z",
     nullptr,
     nullptr},
    {"session_connecting",
     connecting,
     mode_of::bidirectional_translation,
     provider_of::twilio,
     end_reason::none,
     "2026-04-14T09:30:00Z",
     nullptr,
     nullptr},
    {"session_active",
     active,
     mode_of::assistive_translation,
     provider_of::twilio,
     end_reason::none,
     "2026-04-14T09:41:07Z",
     "2026-04-14T09:41:19Z",
     nullptr},
    {"session_active_new",
     active,
     mode_of::bidirectional_translation,
     provider_of::twilio,
     end_reason::none,
     "2026-04-14T10:02:30Z",
     "2026-04-14T10:02:41Z",
     nullptr},
    {"session_ended",
     ended,
     mode_of::bidirectional_translation,
     provider_of::twilio,
     end_reason::customer_hangup,
     "2026-04-14T09:30:00Z",
     "2026-04-14T09:30:22Z",
     "2026-04-14T09:36:34Z"},
    {"session_ended_new",
     ended,
     mode_of::ai_agent,
     provider_of::sip,
     end_reason::none,
     "2026-04-14T11:15:00Z",
     "2026-04-14T11:15:09Z",
     "2026-04-14T11:19:42Z"},
}};

std::optional<api_time> time_of(const char* text) {
    return text == nullptr ? std::nullopt : parse_timestamp(text);
}

TEST(SessionParser, ReadsEverySampleForEachSplit) {
    for (const auto& sample : samples) {
        SCOPED_TRACE(sample.name);
        const std::string body = read_sample(sample.name);
        const auto parsed = parse_in_all_ways(body, id_in(body));
        ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
        EXPECT_EQ(to_string(parsed->status), to_string(sample.status));
        EXPECT_EQ(to_string(parsed->mode), to_string(sample.mode));
        EXPECT_EQ(to_string(parsed->provider), to_string(sample.provider));
        EXPECT_EQ(to_string(parsed->reason), to_string(sample.reason));
        EXPECT_EQ(parsed->created_at, time_of(sample.created_at));
        EXPECT_EQ(parsed->started_at, time_of(sample.started_at));
        EXPECT_EQ(parsed->ended_at, time_of(sample.ended_at));
    }
}

TEST(SessionParser, EveryStatusIsUnderstood) {
    for (const auto status : {created, connecting, active, ending, ended, unknown}) {
        const std::string word(to_string(status));
        const auto parsed =
            parse_in_all_ways(R"({"status":")" + word + R"(","id":"sess_01JQ7N0C5VXB3HEZ"})");
        ASSERT_TRUE(parsed.has_value()) << word;
        EXPECT_EQ(parsed->status, status);
    }
    EXPECT_EQ(parse(R"({"id":"sess_01JQ7N0C5VXB3HEZ","status":"failed"})")->status, unknown);
    EXPECT_EQ(parse(R"({"id":"sess_01JQ7N0C5VXB3HEZ","status":""})")->status, unknown);
}

TEST(SessionParser, ProviderIsAnObjectOrAText) {
    const auto provider = [](const std::string& value) {
        return parse_in_all_ways(body_with(R"("provider":)" + value))->provider;
    };
    EXPECT_EQ(provider(R"("telnyx")"), provider_of::telnyx);
    EXPECT_EQ(provider(R"({"type":"telnyx"})"), provider_of::telnyx);
    EXPECT_EQ(provider(R"({"a":{"type":"sip"},"type":"telnyx","b":[{"type":"sip"}]})"),
              provider_of::telnyx);
    EXPECT_EQ(provider(R"("skype")"), provider_of::other);
    EXPECT_EQ(provider(R"({"type":"skype"})"), provider_of::other);
    for (const char* value : {"null",
                              "{}",
                              "[]",
                              "7",
                              "true",
                              R"({"type":null})",
                              R"({"type":{"type":"sip"}})",
                              R"({"type":["sip"]})",
                              R"([{"type":"sip"}])",
                              R"({"status":"sip"})",
                              R"({"a":{"type":"sip"}})"}) {
        EXPECT_EQ(provider(value), provider_of::none) << value;
    }
}

TEST(SessionParser, OnlyTheFieldsOfTheSessionItselfCount) {
    const auto parsed = parse_in_all_ways(body_with(
        R"("metadata":{"id":"x","status":"ended","ended_at":"2026-04-14T09:36:34Z","type":"sip",)"
        R"("mode":"ai_agent","provider":{"type":"sip"}},)"
        R"("list":[{"id":1,"status":"ended","object":"x","created_at":"2026-04-14T09:30:00Z"}],)"
        R"("recording":{"id":"rec_01JQ7MDZ4N6KX0VB"},"reason":"explicit_end")"));
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_TRUE(same_outcome(parsed, parse(body_with(""))));
    EXPECT_EQ(parsed->status, active);
    EXPECT_EQ(parsed->reason, end_reason::none);
}

TEST(SessionParser, AnEndMeansEndedWhateverTheStatusSays) {
    const auto late = parse_in_all_ways(body_with(R"("ended_at":"2026-04-14T09:36:34.5Z")"));
    EXPECT_EQ(late->status, ended);
    EXPECT_EQ(late->ended_at, parse_timestamp("2026-04-14T09:36:34.500Z"));

    // A time that cannot be read still says that there was an end.
    const auto unreadable = parse_in_all_ways(body_with(R"("ended_at":"yesterday")"));
    EXPECT_EQ(unreadable->status, ended);
    EXPECT_FALSE(unreadable->ended_at);

    for (const char* nothing : {"null", "0", "1776159394", "false", "{}", "[]"}) {
        const auto parsed = parse_in_all_ways(body_with(R"("ended_at":)"s + nothing));
        EXPECT_EQ(parsed->status, active) << nothing;
        EXPECT_FALSE(parsed->ended_at) << nothing;
    }
}

TEST(SessionParser, TimestampsThatCannotBeReadAreAbsent) {
    const auto parsed = parse_in_all_ways(
        body_with(R"("created_at":"2026-04-31T09:30:00Z","started_at":1776159394)"));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_FALSE(parsed->created_at);
    EXPECT_FALSE(parsed->started_at);
}

TEST(SessionParser, TextsOver64BytesAreUnknownForEachSplit) {
    // 63 and 64 bytes are read, 65 are not, although it is a valid timestamp too.
    for (const std::size_t digits : {42U, 43U, 44U}) {
        const std::string time = "2026-04-14T09:30:00." + std::string(digits, '1') + "Z";
        const auto parsed = parse_in_all_ways(body_with(R"("created_at":")" + time + "\""));
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->created_at.has_value(), time.size() <= 64) << time.size();
    }
    const auto parsed = parse_in_all_ways(body_with(
        R"("mode":")" + std::string(100, 'm') + R"(","end_reason":")" + std::string(65, 'r')
        + R"(","provider":{"type":")" + std::string(64, 'p') + "\"}"));
    EXPECT_EQ(parsed->mode, mode_of::other);
    EXPECT_EQ(parsed->reason, end_reason::other);
    EXPECT_EQ(parsed->provider, provider_of::other);
}

TEST(SessionParser, IdsOfAllLengthsAreComparedWhole) {
    for (std::size_t length = 1; length <= 64; ++length) {
        const std::string id(length, 'k');
        const std::string body = R"({"id":")" + id + R"(","status":"active"})";
        session_parser parser;
        EXPECT_TRUE(parse(parser, id, {body}).has_value()) << length;
        for (std::size_t cut = 0; cut <= body.size(); ++cut) {
            const std::string_view text = body;
            EXPECT_TRUE(parse(parser, id, {text.substr(0, cut), text.substr(cut)})) << length;
        }
        const std::string other = length == 1 ? "kk" : id.substr(1);
        EXPECT_EQ(parse(parser, other, {body}).error(), errc::wrong_session) << length;
    }
    EXPECT_EQ(parse_in_all_ways(R"({"id":")" + std::string(300, 'k') + R"(","status":"active"})",
                                std::string(64, 'k'))
                  .error(),
              errc::wrong_session);
}

TEST(SessionParser, EscapedSpellingMeansTheSame) {
    const auto parsed = parse_in_all_ways(
        R"({"\u0069d":"sess\u005f01JQ7N0C5VXB3HEZ","st\u0061tus":"\u0061ctiv\u0065",)"
        R"("provider":{"t\u0079pe":"tel\u006eyx"},"cre\u0061ted_at":"2026-04-14T09\u003a30:00Z"})");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_EQ(parsed->status, active);
    EXPECT_EQ(parsed->provider, provider_of::telnyx);
    EXPECT_EQ(parsed->created_at, parse_timestamp("2026-04-14T09:30:00Z"));
}

TEST(SessionParser, OneParserReadsManyBodies) {
    session_parser parser;
    for (int round = 0; round < 3; ++round) {
        for (const char* name : test::session_samples) {
            const std::string body = read_sample(name);
            const std::string id = id_in(body);
            EXPECT_TRUE(same_outcome(parse(parser, id, {body}), parse(body, id))) << name;
            EXPECT_EQ(parse(parser, id, {"{\"id\":"}).error(), errc::malformed_json);
            EXPECT_EQ(parse(parser, "sess_other", {body}).error(), errc::wrong_session);
        }
        // Nothing of the last body is left in the next one.
        EXPECT_TRUE(same_outcome(parse(parser, known_id, {body_with("")}), parse(body_with(""))));
    }
}

TEST(SessionParser, ThereIsNoBodyBeforeTheStartAndAfterTheEnd) {
    session_parser parser;
    EXPECT_EQ(parser.write("{}"), errc::malformed_json);
    EXPECT_EQ(parser.finish().error(), errc::malformed_json);
    ASSERT_TRUE(parse(parser, known_id, {body_with("")}).has_value());
    EXPECT_EQ(parser.write("{}"), errc::malformed_json);
    EXPECT_EQ(parser.finish().error(), errc::malformed_json);
}

TEST(SessionParser, AnErrorAppearsAtItsByteAndStays) {
    session_parser parser;
    parser.start(id_of(known_id));
    EXPECT_FALSE(parser.write(R"({"id":"sess_anothe)"));
    EXPECT_EQ(parser.write("r\""), errc::wrong_session);
    EXPECT_EQ(parser.write("]]]]"), errc::wrong_session);
    EXPECT_EQ(parser.finish().error(), errc::wrong_session);
}

} // namespace
} // namespace kallglot
