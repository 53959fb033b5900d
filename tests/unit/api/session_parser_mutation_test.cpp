#include "kallglot/api/session_parser.hpp"
#include "kallglot/base/time.hpp"
#include "unit/api/session_bodies.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Changed and cut samples, against an independent reading of the same text.
namespace kallglot {
namespace {

namespace json = boost::json;
using test::id_in;
using test::parse;
using test::read_sample;
using test::same_outcome;

std::string_view text_of(const json::value& value) {
    return value.as_string();
}

std::optional<api_time> time_of(const json::value& value) {
    return value.is_string() ? parse_timestamp(text_of(value)) : std::nullopt;
}

// What is wrong with a required member, or errc{}.
errc problem_of(const json::key_value_pair& member, std::string_view id) {
    const json::value& value = member.value();
    if (member.key() == "id") {
        if (!value.is_string()) {
            return errc::invalid_session;
        }
        return text_of(value) == id ? errc{} : errc::wrong_session;
    }
    if (member.key() == "status" && !value.is_string()) {
        return errc::invalid_session;
    }
    if (member.key() == "object" && value.is_string() && text_of(value) != "session") {
        return errc::invalid_session;
    }
    return errc{};
}

session_provider provider_of(const json::value& value) {
    const json::value* type = &value;
    if (value.is_object()) {
        type = value.as_object().if_contains("type");
    }
    return type != nullptr && type->is_string() ? parse_session_provider(text_of(*type))
                                                : session_provider::none;
}

// The rules of the parser, written again in the plainest way over a tree.
result<session_snapshot> read_tree(const json::object& session, std::string_view id) {
    for (const auto& member : session) {
        if (const errc problem = problem_of(member, id); problem != errc{}) {
            return problem;
        }
    }
    if (!session.contains("id") || !session.contains("status")) {
        return errc::invalid_session;
    }
    const auto get = [&session](std::string_view name) {
        const json::value* const found = session.if_contains(name);
        return found == nullptr ? json::value() : *found;
    };
    session_snapshot snapshot;
    snapshot.status = parse_session_status(text_of(session.at("status")));
    if (get("ended_at").is_string()) {
        snapshot.status = session_status::ended;
    }
    if (get("mode").is_string()) {
        snapshot.mode = parse_session_mode(text_of(session.at("mode")));
    }
    if (get("end_reason").is_string()) {
        snapshot.reason = parse_end_reason(text_of(session.at("end_reason")));
    }
    snapshot.provider = provider_of(get("provider"));
    snapshot.created_at = time_of(get("created_at"));
    snapshot.started_at = time_of(get("started_at"));
    snapshot.ended_at = time_of(get("ended_at"));
    return snapshot;
}

// What stands in place of a field: of every type, and of every kind of content.
const json::array& replacements() {
    static const json::array values{
        nullptr,
        true,
        0,
        -42,
        1776159394,
        88.4,
        std::numeric_limits<double>::infinity(),
        "",
        "x",
        "ended",
        "session",
        "sess_01JQ7M4T9K2WD8RA",
        "2026-04-14T10:00:00+02:00",
        std::string(300, 'y'),
        json::array{},
        json::array{"ended", json::object{{"id", 1}}},
        json::object{},
        json::object{{"type", "sip"}, {"id", "x"}, {"status", "ended"}}};
    return values;
}

// Checks the sample with each member of `inside`, which is a part of `root`, removed and replaced.
std::size_t mutate(const json::object& root, const std::vector<std::string>& path) {
    const auto follow = [&path](json::object& from) {
        json::object* part = &from;
        for (const std::string& key : path) {
            part = &part->at(key).as_object();
        }
        return part;
    };
    const std::string id(text_of(root.at("id")));
    std::size_t cases = 0;
    const auto check = [&](const json::object& changed, const std::string& what) {
        std::string body = json::serialize(changed);
        // The library prints what JSON has no word for.
        if (const auto at = body.find("Infinity"); at != std::string::npos) {
            body.replace(at, 8, "1e999");
        }
        const auto parsed = parse(body, id);
        EXPECT_TRUE(same_outcome(parsed, read_tree(changed, id))) << what << ": " << body;
        const std::size_t half = body.size() / 2;
        session_parser parser;
        EXPECT_TRUE(same_outcome(
            parsed,
            parse(parser,
                  id,
                  {std::string_view(body).substr(0, half), std::string_view(body).substr(half)})));
        ++cases;
    };
    json::object original = root;
    for (const auto& member : *follow(original)) {
        const std::string key(member.key());
        json::object changed = root;
        follow(changed)->erase(key);
        check(changed, key + " removed");
        for (const json::value& value : replacements()) {
            changed = root;
            (*follow(changed))[key] = value;
            check(changed, key + " replaced");
        }
        if (member.value().is_object()) {
            auto deeper = path;
            deeper.push_back(key);
            cases += mutate(root, deeper);
        }
    }
    return cases;
}

TEST(SessionParserMutation, EachFieldRemovedNulledOrRetypedGivesTheRightResult) {
    std::size_t cases = 0;
    for (const char* name : test::session_samples) {
        SCOPED_TRACE(name);
        cases += mutate(json::parse(read_sample(name)).as_object(), {});
    }
    RecordProperty("cases", static_cast<int>(cases));
    EXPECT_GE(cases, 500U);
}

TEST(SessionParserMutation, EachSampleCutAnywhereIsAnError) {
    for (const char* name : test::session_samples) {
        const std::string body = read_sample(name);
        const std::string id = id_in(body);
        for (std::size_t length = 0; length < body.size(); ++length) {
            const auto parsed = parse(body.substr(0, length), id);
            ASSERT_TRUE(parsed.has_error()) << name << " cut at " << length;
            EXPECT_EQ(parsed.error(), errc::malformed_json);
        }
        EXPECT_TRUE(parse(body, id).has_value());
    }
}

TEST(SessionParserMutation, OneChangedByteGivesTheSameResultForEachSplit) {
    for (const char* name : {"session_active", "session_ended_new"}) {
        const std::string body = read_sample(name);
        const std::string id = id_in(body);
        session_parser parser;
        for (std::size_t at = 0; at < body.size(); ++at) {
            for (const char byte : {'\0', '"', '\\', '{', '}', '[', ',', '0', '\xff'}) {
                std::string changed = body;
                changed[at] = byte;
                const std::string_view text = changed;
                const auto whole = parse(parser, id, {text});
                const auto split =
                    parse(parser,
                          id,
                          {text.substr(0, at), text.substr(at, 1), text.substr(at + 1)});
                ASSERT_TRUE(same_outcome(whole, split)) << changed;
            }
        }
    }
}

} // namespace
} // namespace kallglot
