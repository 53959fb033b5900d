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

    // The only warning of a secret that is used.
    static std::string warning_of(const secret_result& result) {
        const auto* file = std::get_if<secret_file>(&result);
        return file != nullptr && file->warnings.size() == 1 ? file->warnings.front() : "";
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
        EXPECT_TRUE(file->warnings.empty());
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
        {"\xFF\xFEs\0k\0", "UTF-16"},
        {"   ", "is empty"},
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
    EXPECT_NE(warning_of(world).find("readable by all users"), std::string::npos);
    const auto group = read_secret_file(write("sk_live_4f9b2c7d", 0440), secret_use::header, {});
    EXPECT_NE(warning_of(group).find("readable by its group"), std::string::npos);
}

TEST_F(Secrets, GroupReadableCredentialsHaveNoWarning) {
    const auto guarded =
        read_secret_file(write("sk_live_4f9b2c7d", 0440), secret_use::header, folder_);
    ASSERT_NE(std::get_if<secret_file>(&guarded), nullptr);
    EXPECT_TRUE(std::get<secret_file>(guarded).warnings.empty());
}

TEST_F(Secrets, WritableByOthersIsUsedWithAWarning) {
    const auto world = read_secret_file(write("sk_live_4f9b2c7d", 0602), secret_use::header, {});
    EXPECT_NE(warning_of(world).find("writable by all users"), std::string::npos);
    const auto group = read_secret_file(write("sk_live_4f9b2c7d", 0620), secret_use::header, {});
    EXPECT_NE(warning_of(group).find("writable by its group"), std::string::npos);
}

TEST_F(Secrets, FolderThatOthersCanWriteCausesAWarning) {
    const auto path = write("sk_live_4f9b2c7d");
    for (const mode_t mode : {mode_t{0777}, mode_t{0770}}) {
        ::chmod(folder_.c_str(), mode);
        const auto found = read_secret_file(path, secret_use::header, {});
        EXPECT_NE(warning_of(found).find("in a folder that others can write"), std::string::npos);
    }
    // With the sticky bit only the owner of the file replaces it, as in a volume of Kubernetes.
    ::chmod(folder_.c_str(), 01777);
    const auto sticky = read_secret_file(path, secret_use::header, {});
    EXPECT_TRUE(std::get<secret_file>(sticky).warnings.empty());
}

TEST_F(Secrets, FolderBehindALinkIsCheckedToo) {
    const auto shared = folder_ / "shared";
    std::filesystem::create_directory(shared);
    std::filesystem::rename(write("sk_live_4f9b2c7d"), shared / "key");
    std::filesystem::create_symlink(shared / "key", folder_ / "link");
    ::chmod(shared.c_str(), 0777);
    const auto found = read_secret_file(folder_ / "link", secret_use::header, {});
    EXPECT_NE(warning_of(found).find("in a folder that others can write"), std::string::npos);
}

TEST_F(Secrets, ShortSecretCausesAWarning) {
    const auto key = read_secret_file(write("a1b2c3d4e5f6a7b"), secret_use::header, {});
    EXPECT_NE(warning_of(key).find("fewer than 16 characters"), std::string::npos);
    const auto password = read_secret_file(write("short"), secret_use::password, {});
    EXPECT_TRUE(std::get<secret_file>(password).warnings.empty());
}

TEST_F(Secrets, WhatCannotBeSeenIsNamedWithoutTheSecret) {
    // What every kind of secret says: a fault for a header, a warning for a signing secret.
    const std::vector<std::pair<std::string, std::string>> cases = {
        {" canary-of-sixteen-bytes", "begins with a space"},
        {"canary-of-sixteen-bytes ", "ends with a space"},
        {"canary-of-sixteen-bytes \r\n", "ends with a space"},
        {"canary-of-\xC2\xA0sixteen-bytes", "(U+00A0)"},
        {"canary-of-sixteen-bytes\xE2\x80\x8B", "(U+200B)"},
        {"canary-of-sixteen\xC2\xAD-bytes", "(U+00AD)"},
        {"canary-of-sixteen-bytes\xEF\xBB\xBF", "(U+FEFF)"},
        {"canary-of-sixteen\xF3\xA0\x81\x81-bytes", "(U+E0041)"},
        {"canary-of-sixteen\xC2\x85-bytes", "(U+0085)"},
        {"Bearer canary-of-sixteen-bytes", "header or scheme"},
        {"authorization: canary-of-sixteen-bytes", "header or scheme"},
        {"API_KEY: canary-of-sixteen-bytes", "KEY="},
        {"export API_KEY=canary-of-sixteen-bytes", "KEY="},
        {"\xE2\x80\x9C"
         "canary-of-sixteen-bytes\xE2\x80\x9D",
         "in quotes"},
    };
    for (const auto& [content, part] : cases) {
        const auto header = read_secret_file(write(content), secret_use::header, {});
        const auto* fault = std::get_if<secret_fault>(&header);
        ASSERT_NE(fault, nullptr) << part;
        const auto signing = read_secret_file(write(content), secret_use::signing, {});
        for (const std::string& message : {fault->message, warning_of(signing)}) {
            EXPECT_NE(message.find(part), std::string::npos) << part << ": " << message;
            EXPECT_EQ(message.find("canary"), std::string::npos) << message;
        }
    }
}

TEST_F(Secrets, VisibleMistakesInAHeaderAreWarnings) {
    for (const auto& [content, part] :
         std::vector<std::pair<std::string, std::string>>{{"\"canary-of-sixteen-bytes\"", "quotes"},
                                                          {"API_KEY=canary-of-sixteen", "KEY="},
                                                          {"canary-of-sixteen\\n", "backslash"},
                                                          {"c2tfbGl2ZV9jYW5hcnk=", "base64"}}) {
        const auto found = read_secret_file(write(content), secret_use::header, {});
        EXPECT_NE(warning_of(found).find(part), std::string::npos) << part;
    }
}

TEST_F(Secrets, TextsThatOnlyLookOddHaveNoWarning) {
    for (const std::string text : {"YWJjZGVmZ2hpamtsbW5vcA==",
                                   "0123456789abcdef0123456789abcdef",
                                   "sk_live_4f9b2c7d1e8a0000",
                                   "gr\xC3\xBC\xC3\x9F"
                                   "e an alle, die lesen",
                                   "quote\"in-the-middle-of-it"}) {
        const auto found = read_secret_file(write(text), secret_use::signing, {});
        EXPECT_TRUE(std::get<secret_file>(found).warnings.empty()) << text;
    }
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
