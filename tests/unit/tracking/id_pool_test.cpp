#include "tracking/id_pool.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

std::string text_of_size(std::size_t size, std::size_t number) {
    std::string text(size, static_cast<char>('A' + number % 26));
    // The number in the last characters, as far as there is room, distinguishes texts of one size.
    for (std::size_t i = 0; i < size && number != 0; ++i, number /= 10) {
        text[size - 1 - i] = static_cast<char>('0' + number % 10);
    }
    return text;
}

TEST(IdPool, KeepsTextsOfEverySize) {
    id_pool pool;
    std::vector<std::pair<std::uint32_t, std::string>> stored;
    for (std::size_t size = 1; size <= 64; ++size) {
        for (std::size_t number = 0; number < 3; ++number) {
            const std::string text = text_of_size(size, number);
            stored.emplace_back(pool.put(text), text);
        }
    }
    for (const auto& [place, text] : stored) {
        EXPECT_EQ(pool.get(place, text.size()), text);
    }
}

TEST(IdPool, GivesAReleasedPlaceToTheNextTextOfItsClass) {
    id_pool pool;
    const std::string first(17, 'x');
    const std::uint32_t place = pool.put(first);
    pool.release(place, first.size());
    const std::string second(32, 'y');
    EXPECT_EQ(pool.put(second), place);
    EXPECT_EQ(pool.get(place, second.size()), second);
}

TEST(IdPool, DoesNotMoveTextsWhileItGrows) {
    id_pool pool;
    const std::string text(31, 'k');
    const std::uint32_t place = pool.put(text);
    const char* const before = pool.get(place, text.size()).data();
    for (std::size_t i = 0; i < 20'000; ++i) {
        (void)pool.put(text_of_size(31, i));
    }
    EXPECT_EQ(pool.get(place, text.size()).data(), before);
    EXPECT_EQ(pool.get(place, text.size()), text);
}

TEST(IdPool, AgreesWithAMapOverRandomOperations) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    id_pool pool;
    std::vector<std::pair<std::uint32_t, std::string>> stored;
    std::set<std::pair<std::size_t, std::uint32_t>> taken;
    for (std::size_t i = 0; i < test::rounds(1'000'000); ++i) {
        if (stored.size() < 10'000 && !chance.of(50)) {
            const std::string text = text_of_size(1 + chance.below(64), i);
            const std::uint32_t place = pool.put(text);
            // No two texts of a class share a place.
            ASSERT_TRUE(taken.emplace((text.size() - 1) / 16, place).second);
            stored.emplace_back(place, text);
        } else if (!stored.empty()) {
            std::swap(stored[chance.below(stored.size())], stored.back());
            const auto& [place, text] = stored.back();
            ASSERT_EQ(pool.get(place, text.size()), text);
            pool.release(place, text.size());
            taken.erase({(text.size() - 1) / 16, place});
            stored.pop_back();
        }
    }
    for (const auto& [place, text] : stored) {
        ASSERT_EQ(pool.get(place, text.size()), text);
    }
}

} // namespace
} // namespace kallglot
