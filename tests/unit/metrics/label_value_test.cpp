#include "exposition_reader.hpp"
#include "kallglot/metrics/exposition_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

using namespace std::string_literals;

struct value_case {
    std::string name;
    std::string given;
    std::string expected;
};

class SanitiseLabelValue : public testing::TestWithParam<value_case> {};

TEST_P(SanitiseLabelValue, GivesTheValueThatPrometheusReads) {
    EXPECT_EQ(sanitise_label_value(GetParam().given), GetParam().expected);
}

const std::string long_ascii(1000, 'x');
const std::string full(128, 'x');
const std::string nearly_full(127, 'x');
const std::string nearly_full_and_a_letter = std::string(nearly_full).append("\xC3\xA4");

INSTANTIATE_TEST_SUITE_P(
    Values,
    SanitiseLabelValue,
    testing::Values(value_case{"Empty", "", ""},
                    value_case{"PlainTextIsKept",
                               "sess_01HXYZ-of-more-than-thirty-two-bytes",
                               "sess_01HXYZ-of-more-than-thirty-two-bytes"},
                    value_case{"QuotesBackslashesAndLineFeedsAreKept", "a\"b\\c\nd", "a\"b\\c\nd"},
                    value_case{"LettersOfAllSizesAreKept",
                               "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80",
                               "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
                    value_case{"ControlBytesAreReplaced",
                               "a\0\t\r\x1B\x7F"s,
                               "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
                    value_case{"LoneContinuationByte", "a\x80z", "a\xEF\xBF\xBDz"},
                    value_case{"CutCharacter", "a\xE2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
                    value_case{"OverlongSlash", "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
                    value_case{"Surrogate", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
                    value_case{"BeyondUnicode",
                               "\xF4\x90\x80\x80z",
                               "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"},
                    value_case{"LongTextIsCut", long_ascii, full},
                    value_case{"CutBetweenCharacters", nearly_full_and_a_letter, nearly_full}),
    [](const auto& tested) { return tested.param.name; });

// Bytes of the kinds that break things, more often than chance would have them.
std::string random_hostile(std::mt19937& random) {
    static constexpr std::string_view pieces[] = {"\"",
                                                  "\\",
                                                  "\n",
                                                  "\\n",
                                                  "\r\n",
                                                  "{",
                                                  "}",
                                                  ",",
                                                  "=",
                                                  "# EOF\n",
                                                  "\xC3\xA4",
                                                  "\xF0\x9F\x98\x80",
                                                  "\xED\xA0\x80",
                                                  "\xC0\xAF",
                                                  "\xFF",
                                                  "kallglot_up 0\n"};
    std::string text;
    const std::size_t parts = random() % 24;
    for (std::size_t i = 0; i < parts; ++i) {
        if (random() % 2 == 0) {
            text += pieces[random() % std::size(pieces)];
        } else {
            text += static_cast<char>(random() % 256);
        }
    }
    return text;
}

bool is_harmless(std::string_view text) {
    const auto is_control = [](char c) {
        return (c >= 0 && c < 0x20 && c != '\n') || c == 0x7F;
    };
    return text.size() <= max_label_value_bytes && test::is_utf8(text)
           && std::none_of(text.begin(), text.end(), is_control);
}

TEST(LabelValues, AHundredThousandHostileOnesAreReadBackExactly) {
    std::mt19937 random(20261123);
    std::size_t kept = 0;
    for (int batch = 0; batch < 100; ++batch) {
        std::string text;
        std::vector<std::string> given;
        exposition_writer out(text, exposition_format::text);
        out.family(metric::sessions);
        for (int i = 0; i < 1000; ++i) {
            given.push_back(random_hostile(random));
            out.sample({{"status", given.back()}, {"number", std::to_string(i)}}, i);
        }
        const test::read_exposition read = test::read_text_format(text);
        ASSERT_EQ(read.samples.size(), given.size());
        for (std::size_t i = 0; i < given.size(); ++i) {
            const std::string& value = read.samples[i].labels.at("status");
            const std::string& original = given[i];
            ASSERT_TRUE(is_harmless(value));
            ASSERT_EQ(value, sanitise_label_value(original));
            ASSERT_EQ(read.samples[i].value, static_cast<double>(i));
            if (is_harmless(original)) {
                ASSERT_EQ(value, original);
                ++kept;
            }
        }
    }
    EXPECT_GT(kept, 5'000U);
}

} // namespace
} // namespace kallglot
