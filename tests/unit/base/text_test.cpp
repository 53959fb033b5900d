#include "kallglot/base/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace kallglot {
namespace {

TEST(Ascii, ComparesWithoutCase) {
    EXPECT_TRUE(ascii_iequals("Content-Length", "content-LENGTH"));
    EXPECT_TRUE(ascii_iequals("", ""));
    EXPECT_FALSE(ascii_iequals("chunked", "chunke"));
    EXPECT_FALSE(ascii_iequals("chunke", "chunked"));
    EXPECT_FALSE(ascii_iequals("chunked", "chunkes"));
}

TEST(Ascii, OnlyLettersHaveCase) {
    EXPECT_FALSE(ascii_iequals("@", "`"));
    EXPECT_FALSE(ascii_iequals("[", "{"));
    EXPECT_FALSE(ascii_iequals("\xC4", "\xE4"));
    EXPECT_EQ(ascii_lower('Z'), 'z');
    EXPECT_EQ(ascii_lower('\xC4'), '\xC4');
}

// Beast's comparison reads one byte more; a sanitizer sees it where nothing is behind the text.
TEST(Ascii, ReadsNothingBehindTheText) {
    const auto text = std::make_unique<char[]>(7);
    constexpr std::string_view scheme = "hTtp://";
    std::copy(scheme.begin(), scheme.end(), text.get());
    EXPECT_TRUE(ascii_iequals({text.get(), scheme.size()}, "http://"));
}

} // namespace
} // namespace kallglot
