#include "kallglot/config/reference.hpp"

#include "config/config_parsing.hpp"
#include "config/schema.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace kallglot::config {
namespace {

const std::string config_folder = std::string(KALLGLOT_SOURCE_DIR) + "/config/";
const std::string begin_mark = "<!-- keys: made from the schema, do not edit -->\n";
const std::string end_mark = "<!-- keys end -->\n";

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// With KALLGLOT_UPDATE_DOCS=1 in the environment the files are written instead of compared.
bool is_update() {
    return std::getenv("KALLGLOT_UPDATE_DOCS") != nullptr;
}

TEST(Reference, ExampleFileIsGeneratedFromTheSchema) {
    const std::string path = config_folder + "example.yml";
    if (is_update()) {
        std::ofstream(path, std::ios::binary) << example_yaml();
    }
    EXPECT_EQ(read(path), example_yaml()) << "run this test with KALLGLOT_UPDATE_DOCS=1";
}

TEST(Reference, ReadmeHasTheReferenceOfTheSchema) {
    const std::string path = config_folder + "README.md";
    std::string page = read(path);
    const auto begin = page.find(begin_mark);
    const auto end = page.find(end_mark);
    ASSERT_NE(begin, std::string::npos);
    ASSERT_NE(end, std::string::npos);
    const auto first = begin + begin_mark.size();
    const std::string expected = reference_markdown() + '\n';
    if (is_update()) {
        page.replace(first, end - first, expected);
        std::ofstream(path, std::ios::binary) << page;
        return;
    }
    EXPECT_EQ(page.substr(first, end - first), expected)
        << "run this test with KALLGLOT_UPDATE_DOCS=1";
}

TEST(Reference, ExampleParsesToTheDefaultsWithAndWithoutComments) {
    const std::string commented = example_yaml();
    const std::string plain =
        std::regex_replace(commented, std::regex("\n( *)#( *[a-z_]+:)"), "\n$1$2");
    ASSERT_NE(plain, commented);
    settings expected;
    expected.api.key_file = "/etc/api_key";
    expected.store.path = "/etc/sessions.db";
    for (const std::string& text : {commented, plain}) {
        const auto parsed = parse(text, "example.yml", "/etc", {});
        for (const config_fault& fault : parsed.faults) {
            ADD_FAILURE() << to_string(fault);
        }
        EXPECT_EQ(parsed.values, expected);
    }
    // Without the marks every key is there.
    const auto lines = parse(plain, "example.yml", "/etc", {}).lines;
    for (const key_spec& key : schema()) {
        EXPECT_EQ(lines.count(key.path), 1U) << key.path;
    }
}

TEST(Reference, EffectiveConfigurationIsLoadable) {
    const auto parsed = parse(R"(
api: {base_url: "http://[::1]:8080/api", allow_plaintext: true, key_file: "my key", rate_limit: 100/1m, max_rate: 0.3/1s,
      budget_share: 33.3%, max_response_size: 12345, proxy_url: "http://[::1]:1"}
thresholds: {created: [1s500ms], active: []}
sessions: {files: ["a b*.txt", "c\"d\\e"]}
webhook: {listen_address: "[::1]:0", secret_files: [one, "null"]}
store: {path: ":memory:"}
)",
                              "c.yml",
                              "/etc",
                              {});
    ASSERT_TRUE(parsed.faults.empty()) << to_string(parsed.faults.front());
    const std::string text = effective_yaml(parsed.values);
    const auto again = parse(text, "c.yml", "/somewhere/else", {});
    ASSERT_TRUE(again.faults.empty()) << to_string(again.faults.front()) << text;
    EXPECT_EQ(again.values, parsed.values) << text;
    EXPECT_NE(text.find("key_file: \"/etc/my key\" # content: <secret>\n"), std::string::npos)
        << text;
}

} // namespace
} // namespace kallglot::config
