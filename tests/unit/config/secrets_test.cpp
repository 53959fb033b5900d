#include "kallglot/config/secrets.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

namespace kallglot::config {
namespace {

class Secrets : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name =
            (std::filesystem::temp_directory_path() / "kallglot-secrets-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& content, mode_t mode = 0400) const {
        const auto path = folder_ / "api_key";
        std::filesystem::remove(path);
        std::ofstream(path, std::ios::binary) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }

    std::filesystem::path folder_;
};

TEST_F(Secrets, LineEndsAreTrimmed) {
    for (const std::string end : {"", "\n", "\r\n", "\n\n", "\r\n\r\n"}) {
        const auto result =
            read_secret_file(write("sk_live_4f9b2c7d1e8a" + end), secret_use::header, {});
        const auto* file = std::get_if<secret_file>(&result);
        ASSERT_NE(file, nullptr) << std::get<secret_fault>(result).message;
        EXPECT_EQ(file->value.reveal(), "sk_live_4f9b2c7d1e8a");
        EXPECT_EQ(file->warning, "");
    }
}

TEST_F(Secrets, InvalidContentIsRejectedWithoutRepeatingIt) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "is empty"},
        {"\n\r\n", "is empty"},
        {"canary one", "not allowed in an HTTP header"},
        {"canary\tone", "control character"},
        {"canary\none\n", "must have exactly one line"},
        {"canary\rX-Evil: 1", "must have exactly one line"},
        {std::string("canary\0one", 10), "control character"},
        {"canary\xC3\xA9", "not allowed in an HTTP header"},
        {"\xEF\xBB\xBF"
         "canary",
         "byte order mark"},
        {"changeme", "placeholder"},
        {std::string(5000, 'c'), "exceeds 4096 bytes"},
    };
    for (const auto& [content, part] : cases) {
        const auto result = read_secret_file(write(content), secret_use::header, {});
        const auto* fault = std::get_if<secret_fault>(&result);
        ASSERT_NE(fault, nullptr) << part;
        EXPECT_EQ(fault->kind, fault_kind::invalid);
        EXPECT_NE(fault->message.find(part), std::string::npos) << fault->message;
        EXPECT_NE(fault->message.find(folder_.string()), std::string::npos) << fault->message;
        EXPECT_EQ(fault->message.find("canary"), std::string::npos) << fault->message;
    }
}

TEST_F(Secrets, SigningSecretsMayContainSpacesAndUtf8) {
    const auto result = read_secret_file(write("gr\xC3\xBC\xC3\x9F"
                                               "e an alle\n"),
                                         secret_use::signing,
                                         {});
    const auto* file = std::get_if<secret_file>(&result);
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(file->value.reveal(),
              "gr\xC3\xBC\xC3\x9F"
              "e an alle");
}

TEST_F(Secrets, ReadableByOthersIsUsedWithAWarning) {
    const auto world = read_secret_file(write("sk_live_4f9b2c7d", 0444), secret_use::header, {});
    ASSERT_NE(std::get_if<secret_file>(&world), nullptr);
    EXPECT_NE(std::get<secret_file>(world).warning.find("by all users"), std::string::npos);
    const auto group = read_secret_file(write("sk_live_4f9b2c7d", 0440), secret_use::header, {});
    EXPECT_NE(std::get<secret_file>(group).warning.find("by its group"), std::string::npos);
}

TEST_F(Secrets, GroupReadableCredentialsHaveNoWarning) {
    const auto guarded =
        read_secret_file(write("sk_live_4f9b2c7d", 0440), secret_use::header, folder_);
    ASSERT_NE(std::get_if<secret_file>(&guarded), nullptr);
    EXPECT_EQ(std::get<secret_file>(guarded).warning, "");
}

TEST_F(Secrets, UnreadableFileIsUnavailable) {
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    for (const auto& path : {folder_ / "missing", folder_, folder_ / "pipe"}) {
        const auto result = read_secret_file(path, secret_use::header, {});
        const auto* fault = std::get_if<secret_fault>(&result);
        ASSERT_NE(fault, nullptr) << path;
        EXPECT_EQ(fault->kind, fault_kind::unavailable) << path;
        EXPECT_NE(fault->message.find("cannot read " + path.string()), std::string::npos)
            << fault->message;
    }
}

TEST(Placeholders, ExamplesAreRecognised) {
    for (const std::string text : {"changeme",
                                   "CHANGE_ME",
                                   "<your key>",
                                   "<key>",
                                   "sk_live_xxx",
                                   "sk_test_XXXXXXXX",
                                   "sk_live_",
                                   "your_api_key",
                                   "sk_live_your_key_here",
                                   "****",
                                   "0000",
                                   "sk_live_...",
                                   "xxxx-xxxx",
                                   "secret",
                                   "whsec_xxx",
                                   "{{ api_key }}",
                                   "PLACEHOLDER",
                                   "sk_live_abc...",
                                   "insert_key_here",
                                   "...",
                                   "todo"}) {
        EXPECT_TRUE(is_placeholder(text)) << text;
    }
}

TEST(Placeholders, RealKeysAreNot) {
    for (const std::string text : {"sk_live_4f9b2c7d1e8a",
                                   "sk_test_demo",
                                   "sample-signing-secret",
                                   "sk_live_xxxaB91",
                                   "a8",
                                   "sk_live_9tOdo88secretish",
                                   "kallglot-demo-key-2026"}) {
        EXPECT_FALSE(is_placeholder(text)) << text;
    }
}

TEST(Secret, IsMovedNotCopiedAndCannotBePrinted) {
    static_assert(!std::is_copy_constructible_v<secret>);
    static_assert(!std::is_copy_assignable_v<secret>);
    static_assert(!std::is_convertible_v<secret, std::string_view>);
    secret first("sk_live_4f9b2c7d1e8a-longer-than-a-short-string");
    secret second(std::move(first));
    EXPECT_TRUE(
        first.empty()); // NOLINT(bugprone-use-after-move): the state after a move is promised
    EXPECT_EQ(second.reveal(), "sk_live_4f9b2c7d1e8a-longer-than-a-short-string");
    const secret third = second.copy();
    second = secret("other");
    EXPECT_EQ(second.reveal(), "other");
    EXPECT_EQ(third.reveal(), "sk_live_4f9b2c7d1e8a-longer-than-a-short-string");
}

} // namespace
} // namespace kallglot::config
