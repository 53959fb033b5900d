#include "kallglot/tracking/session_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace kallglot {
namespace {

static_assert(std::is_trivially_copyable_v<session_id>);
static_assert(sizeof(session_id) == 65);

TEST(SessionId, ReturnsTheTextThatItWasMadeOf) {
    for (const std::string& text : {std::string("sess_01JQ7N0C5VXB3HEZ"),
                                    std::string("a"),
                                    std::string("-_-"),
                                    std::string("0123456789"),
                                    std::string(64, 'Z')}) {
        const auto id = session_id::parse(text);
        ASSERT_TRUE(id.has_value()) << text;
        EXPECT_EQ(id->view(), text);
    }
}

TEST(SessionId, RejectsEveryOtherText) {
    using namespace std::string_literals;
    for (const std::string& text : {""s,
                                    std::string(65, 'a'),
                                    std::string(10'000, 'a'),
                                    "sess/01"s,
                                    "../etc/passwd"s,
                                    "sess%2f01"s,
                                    "sess 01"s,
                                    " sess_01"s,
                                    "sess_01\r\nX-Evil: 1"s,
                                    "sess_01\n"s,
                                    "sess_\0"s,
                                    "s\u00e9ss"s,
                                    "sess.01"s,
                                    "sess?x=1"s,
                                    "\x7f"s}) {
        const auto id = session_id::parse(text);
        ASSERT_TRUE(id.has_error()) << text;
        EXPECT_EQ(id.error(), errc::invalid_session_id);
    }
}

TEST(SessionId, AcceptsExactlySixtyFourOfAllBytes) {
    const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const std::string text = std::string("sess_") + c + "tail";
        EXPECT_EQ(session_id::parse(text).has_value(), allowed.find(c) != std::string::npos)
            << byte;
    }
}

TEST(SessionId, RandomBytesNeverGetThroughUnchecked) {
    constexpr unsigned seed = 20'260'414;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::string harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    std::size_t accepted = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        std::array<char, 4> bytes{};
        for (char& c : bytes) {
            c = static_cast<char>(random());
        }
        const std::string_view text(bytes.data(), 1 + random() % bytes.size());
        if (const auto id = session_id::parse(text)) {
            ++accepted;
            ASSERT_EQ(id->view().find_first_not_of(harmless), std::string_view::npos);
        }
    }
    EXPECT_GT(accepted, 10'000U);
}

TEST(SessionId, ComparesByItsText) {
    const auto a = session_id::parse("sess_a").value();
    const auto b = session_id::parse("sess_b").value();
    const auto longer = session_id::parse("sess_aa").value();
    EXPECT_EQ(a, session_id::parse("sess_a").value());
    EXPECT_NE(a, b);
    EXPECT_LT(a, b);
    EXPECT_LT(a, longer);
    EXPECT_LT(longer, b);
}

TEST(SessionId, CopyIsIndependentOfTheTextItCameFrom) {
    std::string text = "sess_01JQ7N0C5VXB3HEZ_and_more_than_32_bytes";
    const auto id = session_id::parse(text).value();
    const session_id copy = id;
    std::ranges::fill(text, '#');
    EXPECT_EQ(copy.view(), "sess_01JQ7N0C5VXB3HEZ_and_more_than_32_bytes");
}

std::vector<std::string> ids_like_the_api_makes() {
    std::vector<std::string> ids;
    for (int i = 0; i < 100'000; ++i) {
        const std::string number = std::to_string(i);
        ids.push_back("sess_01JQ7" + std::string(12 - number.size(), '0') + number);
    }
    return ids;
}

TEST(HashOf, HasNoCollisionAmongConsecutiveIds) {
    std::unordered_set<std::uint64_t> seen;
    for (const std::string& id : ids_like_the_api_makes()) {
        seen.insert(hash_of(id));
    }
    EXPECT_EQ(seen.size(), 100'000U);
}

TEST(HashOf, SpreadsConsecutiveIdsInLowAndHighBits) {
    constexpr std::size_t bucket_count = 1024;
    const auto ids = ids_like_the_api_makes();
    for (const int shift : {0, 27, 54}) {
        std::vector<double> buckets(bucket_count);
        for (const std::string& id : ids) {
            buckets[(hash_of(id) >> shift) % bucket_count] += 1;
        }
        const double expected = static_cast<double>(ids.size()) / bucket_count;
        double chi_squared = 0;
        for (const double found : buckets) {
            chi_squared += (found - expected) * (found - expected) / expected;
        }
        // 1023 degrees of freedom: mean 1023, standard deviation 45. Five of them to each side, so
        // that a clumsy hash and a suspiciously regular one both show.
        EXPECT_GT(chi_squared, 1023 - 5 * 45.2) << "shift " << shift;
        EXPECT_LT(chi_squared, 1023 + 5 * 45.2) << "shift " << shift;
    }
}

TEST(SessionSlot, IndexIsTheNumberItWasMadeOf) {
    EXPECT_EQ(index_of(session_slot{7}), 7U);
    EXPECT_EQ(index_of(no_slot), 0xFFFF'FFFFU);
}

} // namespace
} // namespace kallglot
