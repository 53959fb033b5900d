#include "simulator/session_id.hpp"

#include <gtest/gtest.h>

#include <set>

namespace kallglot::simulator {
namespace {

TEST(SessionIdCodec, WrittenIdsParse) {
    for (const std::size_t length : {session_id_codec::min_id_length,
                                     session_id_codec::usual_id,
                                     session_id_codec::max_id_length}) {
        const session_id_codec codec{42, length};
        for (const std::uint64_t number :
             {0ULL, 1ULL, 1999ULL, 1ULL << 40U, (2ULL << 40U) + 7, ~0ULL}) {
            const std::string id = codec.encode(number);
            EXPECT_EQ(id.size(), length);
            ASSERT_TRUE(codec.decode(id).has_value()) << id;
            EXPECT_EQ(*codec.decode(id), number);
        }
    }
}

TEST(SessionIdCodec, WritesThePrefixAndCrockfordCharactersOnly) {
    const session_id_codec codec{1};
    for (std::uint64_t number = 0; number < 1000; ++number) {
        const std::string id = codec.encode(number);
        EXPECT_EQ(id.substr(0, 5), "sess_");
        EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 5), std::string::npos);
    }
}

TEST(SessionIdCodec, GivesEachNumberAnIdOfItsOwn) {
    const session_id_codec codec{9};
    std::set<std::string> ids;
    for (std::uint64_t number = 0; number < 20'000; ++number) {
        ids.insert(codec.encode(number));
    }
    EXPECT_EQ(ids.size(), 20'000U);
}

TEST(SessionIdCodec, RejectsEveryIdThatDiffersInOneCharacter) {
    const session_id_codec codec{5};
    const std::string id = codec.encode(1234);
    for (std::size_t place = 0; place < id.size(); ++place) {
        for (const char other : {'0', 'Z', 'a', '-', '\0', '\xff'}) {
            std::string changed = id;
            changed[place] = other;
            if (changed != id) {
                EXPECT_FALSE(codec.decode(changed).has_value()) << changed;
            }
        }
    }
}

TEST(SessionIdCodec, RejectsOtherLengthsAndIdsOfAnotherSeed) {
    const session_id_codec codec{5};
    const std::string id = codec.encode(77);
    EXPECT_FALSE(codec.decode("").has_value());
    EXPECT_FALSE(codec.decode("sess_").has_value());
    EXPECT_FALSE(codec.decode(id.substr(0, id.size() - 1)).has_value());
    EXPECT_FALSE(codec.decode(id + "0").has_value());
    EXPECT_FALSE(session_id_codec{6}.decode(id).has_value());
}

} // namespace
} // namespace kallglot::simulator
