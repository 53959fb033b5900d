#include "kallglot/api/session_parser.hpp"
#include "unit/api/allocations.hpp"
#include "unit/api/session_bodies.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

// What the parser keeps in its memory, and that it asks for no more of it.
namespace kallglot {
namespace {

using test::body_with;
using test::id_of;
using test::known_id;
using test::parse;
using test::read_sample;

TEST(SessionParserSecrets, OtherFieldsAreNeverInTheParsersMemory) {
    const std::string body = read_sample("session_active");
    test::block_recorder memory;
    session_parser parser;
    memory.stop();
    ASSERT_GT(memory.bytes(), 0U);
    const auto expect_clean = [&memory](std::size_t at) {
        for (const char* secret : {"kst_live",
                                   "NOT_A_REAL",
                                   "+1202555",
                                   "CA0000",
                                   "returns",
                                   "caller_id",
                                   "wss://",
                                   "queue"}) {
            ASSERT_FALSE(memory.holds(secret)) << secret << " after byte " << at;
        }
    };
    parser.start(id_of(known_id));
    for (std::size_t at = 0; at < body.size(); ++at) {
        ASSERT_FALSE(parser.write(std::string_view(body).substr(at, 1)));
        expect_clean(at);
    }
    EXPECT_TRUE(parser.finish().has_value());
    expect_clean(body.size());
}

TEST(SessionParserSecrets, ComparedTextIsWipedAtOnce) {
    test::block_recorder memory;
    session_parser parser;
    memory.stop();
    parser.start(id_of(known_id));
    parser.write(R"({"mode":"canary_of_fif)");
    // Half a value must be somewhere: this shows that the search finds what is there.
    EXPECT_TRUE(memory.holds("canary_of_fif"));
    parser.write(R"(teen","status":"canary_st)");
    EXPECT_FALSE(memory.holds("canary_of"));
    EXPECT_TRUE(memory.holds("canary_st"));
    EXPECT_EQ(parser.finish().error(), errc::malformed_json);
    EXPECT_FALSE(memory.holds("canary"));
    EXPECT_EQ(parse(parser, known_id, {R"({"id":"canary_of_an_id)", R"(","status":"x"})"}).error(),
              errc::wrong_session);
    EXPECT_FALSE(memory.holds("canary"));
}

TEST(SessionParserCost, NothingIsAllocatedAfterConstruction) {
    // The greatest depth, an array where an object should be, and an id that is a number.
    std::string deepest = R"("metadata":)";
    for (int i = 0; i < 15; ++i) {
        deepest += "{\"a\":";
    }
    deepest += "null" + std::string(15, '}');
    std::vector<std::string> bodies{body_with(deepest), "[[[[", "{\"id\":7"};
    for (const char* name : test::session_samples) {
        bodies.push_back(read_sample(name));
    }
    const auto id = id_of(known_id);
    session_parser parser;
    const std::size_t before = test::allocation_count();
    for (const std::string& body : bodies) {
        const std::string_view text = body;
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            parser.start(id);
            parser.write(text.substr(0, cut));
            parser.write(text.substr(cut));
            static_cast<void>(parser.finish());
        }
    }
    EXPECT_EQ(test::allocation_count(), before);
}

} // namespace
} // namespace kallglot
