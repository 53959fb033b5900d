// What the compiler checks in a vocabulary, as far as a test can see it: a table with a fault does not compile.

#include "kallglot/tracking/session.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

namespace kallglot {
namespace {

enum class colour : std::uint8_t { red, green, blue };

constexpr auto colour_words = make_vocabulary<colour>({
    {colour::red, "red", 4},
    {colour::green, "green", 2},
    {colour::blue, "blue", 9},
});

TEST(Vocabulary, SizeIsTheNumberOfRows) {
    EXPECT_EQ(colour_words.size(), 3U);
}

TEST(Vocabulary, EnumeratorsAreDistinguishedFromOtherNumbers) {
    EXPECT_TRUE(is_enumerator<colour::blue>());
    EXPECT_FALSE(is_enumerator<static_cast<colour>(3)>());
    // So a status that is added without a row does not compile.
    EXPECT_FALSE(is_enumerator<static_cast<session_status>(session_status_count)>());
}

TEST(Vocabulary, StoredNumberIsThatOfTheRowNotOfTheOrder) {
    EXPECT_EQ(colour_words.stored_number(colour::green), 2);
    EXPECT_EQ(colour_words.from_stored(9), colour::blue);
    EXPECT_EQ(colour_words.from_stored(0), std::nullopt);
    EXPECT_EQ(colour_words.from_stored(not_stored), std::nullopt);
}

TEST(Vocabulary, WordsFromTheFallbackOnAreNeverParsed) {
    EXPECT_EQ(colour_words.find("blue", colour::red), colour::blue);
    EXPECT_EQ(colour_words.find_before("red", colour::blue), colour::red);
    EXPECT_EQ(colour_words.find_before("blue", colour::green), colour::green);
    EXPECT_EQ(colour_words.find("pink", colour::green), colour::green);
}

TEST(StatusRules, EveryStatusHasItsOwnRule) {
    for (const auto& word : session_status_words) {
        EXPECT_EQ(rules_of(word.value).status, word.value) << word.text;
    }
}

TEST(StatusRules, ConfirmsOfConnectingGoFirstAndNotStartedNext) {
    EXPECT_EQ(rules_of(session_status::connecting).confirm_rank, 0);
    EXPECT_EQ(not_started_confirm_rank, 1);
    EXPECT_EQ(rules_of(session_status::ending).confirm_rank, 2);
    EXPECT_EQ(rules_of(session_status::active).confirm_rank, 3);
    EXPECT_EQ(rules_of(session_status::created).confirm_rank, 4);
    EXPECT_EQ(confirm_rank_count, 5U);
}

} // namespace
} // namespace kallglot
