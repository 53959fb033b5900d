#ifndef KALLGLOT_TESTS_UNIT_API_SESSION_BODIES_HPP
#define KALLGLOT_TESTS_UNIT_API_SESSION_BODIES_HPP

#include "kallglot/api/session_parser.hpp"

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>

// Bodies of sessions for the tests of the parser, and the ways to feed them to it.
namespace kallglot::test {

inline constexpr std::string_view known_id = "sess_01JQ7N0C5VXB3HEZ";

inline constexpr std::array<const char*, 6> session_samples{"session_created",
                                                            "session_connecting",
                                                            "session_active",
                                                            "session_active_new",
                                                            "session_ended",
                                                            "session_ended_new"};

/// The text of a sample, without the line end behind it.
inline std::string read_sample(const std::string& name) {
    std::ifstream file(KALLGLOT_SOURCE_DIR "/tests/samples/" + name + ".json", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(text.empty()) << name;
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

inline std::string id_in(const std::string& body) {
    return std::string(boost::json::parse(body).at("id").as_string());
}

inline session_id id_of(std::string_view text) {
    return session_id::parse(text).value();
}

/// A session with nothing but an id and a status, and `fields` behind them.
inline std::string body_with(const std::string& fields) {
    return R"({"id":")" + std::string(known_id) + R"(","status":"active")"
           + (fields.empty() ? "" : ",") + fields + "}";
}

/// `null` inside `depth` objects or arrays, each begun by `open` and ended by `close`.
inline std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) {
        text += open;
    }
    text += "null";
    for (std::size_t i = 0; i < depth; ++i) {
        text += close;
    }
    return text;
}

inline result<session_snapshot> parse(session_parser& parser,
                                      std::string_view id,
                                      std::initializer_list<std::string_view> parts) {
    parser.start(id_of(id));
    for (const std::string_view part : parts) {
        parser.write(part);
    }
    return parser.finish();
}

inline result<session_snapshot> parse(std::string_view body, std::string_view id = known_id) {
    session_parser parser;
    return parse(parser, id, {body});
}

inline bool same_outcome(const result<session_snapshot>& a, const result<session_snapshot>& b) {
    if (a.has_error() || b.has_error()) {
        return a.has_error() && b.has_error() && a.error() == b.error();
    }
    return a->status == b->status && a->mode == b->mode && a->provider == b->provider
           && a->reason == b->reason && a->created_at == b->created_at
           && a->started_at == b->started_at && a->ended_at == b->ended_at;
}

/// Whole, in two parts cut at each byte, and byte by byte: the outcome must be the same.
inline result<session_snapshot> parse_in_all_ways(std::string_view body,
                                                  std::string_view id = known_id) {
    session_parser parser;
    const auto whole = parse(parser, id, {body});
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        const auto split = parse(parser, id, {body.substr(0, cut), body.substr(cut)});
        EXPECT_TRUE(same_outcome(whole, split)) << "cut at " << cut << " of " << body;
    }
    parser.start(id_of(id));
    for (std::size_t i = 0; i < body.size(); ++i) {
        parser.write(body.substr(i, 1));
    }
    EXPECT_TRUE(same_outcome(whole, parser.finish())) << "byte by byte: " << body;
    return whole;
}

} // namespace kallglot::test

#endif
