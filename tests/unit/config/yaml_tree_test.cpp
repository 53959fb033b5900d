#include "config/yaml_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot::config {
namespace {

using node_kind = yaml_node::kind_type;

std::string repeat(const std::string& text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

yaml_fault first_fault(const std::string& text) {
    const auto tree = parse_yaml(text);
    const auto* faults = std::get_if<std::vector<yaml_fault>>(&tree);
    return faults == nullptr || faults->empty() ? yaml_fault{0, "no fault"} : faults->front();
}

TEST(YamlTree, KeepsOrderLinesAndRepeatedKeys) {
    const auto tree = parse_yaml("a: 1\nb: [x, \"2\"]\n# comment\na:\n  c: ~\n");
    const auto* root = std::get_if<yaml_node>(&tree);
    ASSERT_NE(root, nullptr);
    ASSERT_EQ(root->kind, node_kind::map);
    ASSERT_EQ(root->entries.size(), 3U);
    EXPECT_EQ(root->entries[0].key.text, "a");
    EXPECT_EQ(root->entries[0].value.text, "1");
    ASSERT_EQ(root->entries[1].value.items.size(), 2U);
    EXPECT_FALSE(root->entries[1].value.items[0].quoted);
    EXPECT_TRUE(root->entries[1].value.items[1].quoted);
    EXPECT_EQ(root->entries[2].key.text, "a");
    EXPECT_EQ(root->entries[2].key.line, 4U);
    ASSERT_EQ(root->entries[2].value.entries.size(), 1U);
    EXPECT_EQ(root->entries[2].value.entries[0].value.kind, node_kind::null);
}

TEST(YamlTree, EmptyTextsAreNull) {
    for (const std::string text : {"", "\n\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
        const auto tree = parse_yaml(text);
        const auto* root = std::get_if<yaml_node>(&tree);
        ASSERT_NE(root, nullptr) << text;
        EXPECT_EQ(root->kind, node_kind::null) << text;
    }
}

TEST(YamlTree, UnneededYamlFeaturesAreRejected) {
    EXPECT_TRUE(first_fault("a: &x 1\n").message.starts_with("anchors (&) are not supported"));
    EXPECT_TRUE(first_fault("a: &x [1]\n").message.starts_with("anchors (&) are not supported"));
    EXPECT_TRUE(first_fault("a: !!int 1\n").message.starts_with("tags (!) are not supported"));
    EXPECT_TRUE(first_fault("a: !own {b: 1}\n").message.starts_with("tags (!) are not supported"));
    const auto second = first_fault("a: 1\n---\nb: 2\n");
    EXPECT_EQ(second.message, "a second YAML document: only one is allowed");
    EXPECT_EQ(second.line, 2U);
}

TEST(YamlTree, UnquotedGlobSaysThatItNeedsQuotes) {
    for (const std::string text : {"files: [*.txt]\n", "files:\n  - *.txt\n", "files: [?.txt]\n"}) {
        EXPECT_NE(first_fault(text).message.find("quotes"), std::string::npos) << text;
    }
}

TEST(YamlTree, InvalidBytesAreReportedWithTheirLines) {
    const auto tree = parse_yaml("a: 1\n\tb: 2\nc: \xFF\nd: \x01\n");
    const auto* faults = std::get_if<std::vector<yaml_fault>>(&tree);
    ASSERT_NE(faults, nullptr);
    ASSERT_EQ(faults->size(), 3U);
    EXPECT_EQ((*faults)[0].line, 2U);
    EXPECT_EQ((*faults)[0].message, "a tab in the indentation: YAML allows only spaces");
    EXPECT_EQ((*faults)[1].line, 3U);
    EXPECT_EQ((*faults)[1].message, "contains bytes that are not UTF-8: save the file as UTF-8");
    EXPECT_EQ((*faults)[2].line, 4U);
    EXPECT_EQ((*faults)[2].message, "contains a control character");
}

TEST(YamlTree, ControlByteThatEndsYamlCppIsRejected) {
    EXPECT_EQ(first_fault("a: 1\n\x04 b: 2\n").message, "contains a control character");
    EXPECT_EQ(first_fault(std::string("a: \0 1\n", 7)).message, "contains a control character");
}

TEST(YamlTree, OverlongFormsAndSurrogatesAreRejected) {
    for (const std::string text :
         {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
        EXPECT_EQ(first_fault("a: " + text + "\n").message,
                  "contains bytes that are not UTF-8: save the file as UTF-8");
    }
    EXPECT_EQ(first_fault("a: \xE2\x82\xAC \xF0\x9F\x98\x80\n").message, "no fault");
}

TEST(YamlTree, CarriageReturnsAtLineEndsAreAccepted) {
    const auto tree = parse_yaml("a: 1\r\nb: 2\r\n");
    const auto* root = std::get_if<yaml_node>(&tree);
    ASSERT_NE(root, nullptr);
    ASSERT_EQ(root->entries.size(), 2U);
    EXPECT_EQ(root->entries[1].key.line, 2U);
    EXPECT_EQ(root->entries[0].value.text, "1");
}

TEST(YamlTree, DeepNestingIsRejected) {
    for (const std::string& text : {repeat("[", 100000),
                                    repeat("{", 100000),
                                    repeat("- ", 100000),
                                    repeat("? ", 100000),
                                    repeat("[a,", 100000)}) {
        EXPECT_EQ(first_fault(text).message, "nesting exceeds 16 levels") << text.substr(0, 8);
    }
}

TEST(YamlTree, SyntaxFaultsNameTheirLine) {
    const auto fault = first_fault("a: 1\nb: [1, 2\nc: 3\n");
    EXPECT_NE(fault.message.find("invalid YAML"), std::string::npos);
    EXPECT_GE(fault.line, 2U);
    EXPECT_EQ(first_fault("a: 1\nb: c: d\n").line, 2U);
    EXPECT_NE(first_fault("a: 'x\n").message, "no fault");
}

// Truncation at every byte must give a tree or a fault, never a crash.
TEST(YamlTree, AnyPrefixOfAFileIsHandled) {
    const std::string text =
        "api:\n  base_url: \"https://h\"\n  x: [1m, 'a']\n? {k: v}\n: - b\nc: >-\n  block\n";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const auto tree = parse_yaml(text.substr(0, size));
        const auto* faults = std::get_if<std::vector<yaml_fault>>(&tree);
        EXPECT_TRUE(faults == nullptr || !faults->empty()) << size;
    }
}

} // namespace
} // namespace kallglot::config
