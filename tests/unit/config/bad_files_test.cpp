#include "unit/config/bad_file.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot::config {
namespace {

class BadFile : public ::testing::TestWithParam<bad_file> {};

TEST_P(BadFile, IsRefusedWithLineKeyAndReason) {
    expect_its_fault_alone(GetParam());
}

const bad_file grammar_files[] = {
    {"Empty", "", 1, "", "empty; at least api.key_file is required"},
    {"OnlyComments", "# nothing\n", 1, "", "empty"},
    {"OnlyAWord", "api\n", 1, "", "must consist of sections"},
    {"AList", "- api\n", 1, "", "must consist of sections"},
    {"TabIndentation", "api:\n\tkey_file: k\n", 2, "", "a tab in the indentation"},
    {"NotUtf8", good + "# caf\xE9\n", 3, "", "not UTF-8"},
    {"Utf16",
     std::string("\xFF\xFE"
                 "a\0p\0i\0",
                 8),
     1,
     "",
     "not UTF-8"},
    {"ControlCharacter", good + "# \x1B[31m\n", 3, "", "a control character"},
    {"LineBreakInKey",
     good + "\"a\\nconfig.yml: forged\": 1\n",
     3,
     "",
     "a line break or control character"},
    {"EscapedNulInPath",
     "api:\n  key_file: \"k\\0x\"\n",
     2,
     "",
     "a line break or control character"},
    {"EscapedTerminalCode", good + "\"\\e[31m\": 1\n", 3, "", "a line break or control character"},
    {"BlockOfLines",
     "api:\n  key_file: |\n    one\n    two\n",
     2,
     "",
     "a line break or control character"},
    {"NulByte", good + std::string("x\0: 1\n", 6), 3, "", "a control character"},
    {"Anchor", "api: &a\n  key_file: k\n", 1, "", "anchors (&) are not supported"},
    {"Alias", "api:\n  key_file: *a\n", 2, "", "not valid YAML"},
    {"AliasBomb",
     "a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n",
     1,
     "",
     "anchors (&) are not supported"},
    {"MergeKey", good + "<<: {x: y}\n", 3, "<<", "unknown key"},
    {"Tag", good + "shutdown_grace: !!str 10s\n", 3, "", "tags (!) are not supported"},
    {"TwoDocuments", good + "---\nstore: {path: x}\n", 3, "", "a second document"},
    {"UnclosedList", good + "thresholds: {created: [1m, 5m\n", 3, "", "not valid YAML"},
    {"UnclosedQuote", "api:\n  key_file: \"k\n", 2, "", "not valid YAML"},
    {"WrongIndentation", "api:\n  key_file: k\n   ca_file: c\n", 3, "", "not valid YAML"},
    {"ColonInValue", "api:\n  key_file: k: x\n", 2, "", "not valid YAML"},
    {"MissingSpaceBehindColon", "api:\n  key_file:k\n", 2, "api", "must be a section"},
    {"ComplexKey", good + "? [a, b]\n: c\n", 3, "", "a key must be a plain word"},
    {"EmptyKey", good + ": c\n", 3, "", "a key must be a plain word"},
    {"DeepNesting",
     good + "a: " + std::string(60, '[') + std::string(60, ']') + "\n",
     3,
     "",
     "nested deeper than 16"},
    {"TooLarge", good + std::string(1024 * 1024, '#'), 0, "", "larger than 1MiB"},
};

const bad_file key_files[] = {
    {"MissingKeyFile", "api:\n  ca_file: ca.pem\n", 1, "api.key_file", "required"},
    {"MissingSection", "shutdown_grace: 5s\n", 1, "api.key_file", "required"},
    {"KeyFileWithoutValue", "api:\n  key_file:\n", 2, "api.key_file", "required"},
    {"KeyFileEmpty", "api:\n  key_file: \"\"\n", 2, "api.key_file", "required"},
    {"KeyFileIsAList",
     "api:\n  key_file: [k]\n",
     2,
     "api.key_file",
     "must be a secret file, not a list"},
    {"KeyInsteadOfItsFile",
     "api:\n  key_file: sk_live_4f9b2c7d1e8a\n",
     2,
     "api.key_file",
     "looks like the secret itself"},
    {"SlipInKey",
     in_api("  ca_fil: c\n"),
     3,
     "api.ca_fil",
     "unknown key, did you mean \"api.ca_file\"?"},
    {"SlipInSection", good + "webhok:\n  path: /x\n", 3, "webhok", "did you mean \"webhook\"?"},
    {"SlipDeepInside",
     good + "poll: {intervals: {conecting: 1s}}\n",
     3,
     "poll.intervals.conecting",
     "did you mean \"poll.intervals.connecting\"?"},
    {"KeyInTheWrongPlace",
     good + "max_rate: 1/1s\n",
     3,
     "max_rate",
     "did you mean \"api.max_rate\"?"},
    {"UpperCase", good + "Store:\n  path: x\n", 3, "Store", "did you mean \"store\"?"},
    {"HyphenForUnderscore",
     in_api("  max-rate: 1/1s\n"),
     3,
     "api.max-rate",
     "did you mean \"api.max_rate\"?"},
    {"KeyOfAnotherWorld",
     good + "scrape_configs: []\n",
     3,
     "scrape_configs",
     "unknown key; the nearest known key is"},
    {"ValueInsteadOfFile", in_api("  key: abc\n"), 3, "api.key", "unknown key"},
    {"RepeatedKey",
     in_api("  key_file: other\n"),
     3,
     "api.key_file",
     "repeated key, first on line 2"},
    {"RepeatedSection", good + "api:\n  ca_file: c\n", 3, "api", "repeated key, first on line 1"},
    {"RepeatedInQuotes", in_api("  \"key_file\": other\n"), 3, "api.key_file", "repeated key"},
    {"SectionIsAList", good + "poll: [1s]\n", 3, "poll", "must be a section"},
    {"SectionIsAText", good + "poll: fast\n", 3, "poll", "must be a section"},
};

INSTANTIATE_TEST_SUITE_P(Grammar, BadFile, ::testing::ValuesIn(grammar_files), case_name);
INSTANTIATE_TEST_SUITE_P(Keys, BadFile, ::testing::ValuesIn(key_files), case_name);

} // namespace
} // namespace kallglot::config
