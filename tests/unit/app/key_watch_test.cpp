// Tests of following the file of the API key.

#include "app/key_watch.hpp"

#include "support/inline_worker.hpp"
#include "support/kept_log.hpp"
#include "support/loop.hpp"
#include "support/no_descriptors.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

class KeyWatch : public testing::Test {
protected:
    KeyWatch() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "kallglot-key-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        write("sk_test_first_key_of_thirty_two_characters");
        watch_.use((folder_ / "api_key").string(),
                   secret("sk_test_first_key_of_thirty_two_characters"));
    }

    ~KeyWatch() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& text) const {
        std::ofstream(folder_ / "api_key.new") << text << '\n';
        std::filesystem::rename(folder_ / "api_key.new", folder_ / "api_key");
    }

    std::filesystem::path folder_;
    virtual_clock clock_;
    kept_log log_;
    std::vector<std::string> taken_;
    loop loop_;
    inline_worker worker_{loop_.executor()};
    key_watch watch_{clock_, worker_, log_, [this](const secret& key) {
                         taken_.emplace_back(key.reveal());
                         return true;
                     }};
};

TEST_F(KeyWatch, AnUnchangedFileIsNotReadAgain) {
    clock_.advance(1h);
    EXPECT_TRUE(taken_.empty());
}

TEST_F(KeyWatch, AReplacedFileIsUsedWithinFiveSeconds) {
    write("sk_test_second_key_of_thirty_two_characters");
    clock_.advance(5s);
    ASSERT_EQ(taken_.size(), 1U);
    EXPECT_EQ(taken_[0], "sk_test_second_key_of_thirty_two_characters");
    clock_.advance(1min);
    EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(KeyWatch, AMissingOrEmptyFileKeepsTheKey) {
    std::filesystem::remove(folder_ / "api_key");
    clock_.advance(5s);
    EXPECT_EQ(log_.count(log_level::warn), 1U);
    write("");
    clock_.advance(5s);
    EXPECT_EQ(log_.count(log_level::warn), 2U);
    EXPECT_TRUE(taken_.empty());
    write("sk_test_third_key_of_thirty_two_characters");
    clock_.advance(5s);
    EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(KeyWatch, ATemporarilyUnreadableFileIsReadLater) {
    if (sanitizer_needs_descriptors) {
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    }
    write("sk_test_second_key_of_thirty_two_characters");
    {
        const no_descriptors now;
        clock_.advance(5s);
    }
    EXPECT_TRUE(taken_.empty());
    clock_.advance(5s);
    EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(KeyWatch, AKeyReplacedBeforeFollowingIsUsed) {
    write("sk_test_second_key_of_thirty_two_characters");
    watch_.use((folder_ / "api_key").string(),
               secret("sk_test_first_key_of_thirty_two_characters"));
    clock_.advance(5s);
    ASSERT_EQ(taken_.size(), 1U);
    EXPECT_EQ(taken_[0], "sk_test_second_key_of_thirty_two_characters");
}

TEST_F(KeyWatch, StoppedItChecksNothing) {
    watch_.stop();
    write("sk_test_second_key_of_thirty_two_characters");
    clock_.advance(1h);
    EXPECT_TRUE(taken_.empty());
}

} // namespace
} // namespace kallglot::test
