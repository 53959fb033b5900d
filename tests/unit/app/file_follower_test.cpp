// Tests of following files: what is read and what is logged after a change.

#include "app/file_follower.hpp"

#include "support/kept_log.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

class FileFollower : public testing::Test {
protected:
    FileFollower() {
        replace("first.txt");
        replace("second.txt");
        follower_.follow(files());
    }

    void replace(const std::string& name) {
        const std::string text(++contents_, 'x');
        std::filesystem::rename(folder_.file("new", text), folder_.path() / name);
    }

    [[nodiscard]] file_group files() const {
        return file_group(
            {(folder_.path() / "first.txt").string(), (folder_.path() / "second.txt").string()});
    }

    std::optional<unusable_files> read() {
        ++readings_;
        if (!fault_.empty()) {
            return unusable_files{{fault_}, files(), is_final_};
        }
        follower_.follow(files());
        return std::nullopt;
    }

    temporary_folder folder_;
    std::size_t contents_ = 0;
    std::string fault_;
    bool is_final_ = true;
    int readings_ = 0;
    virtual_clock clock_;
    kept_log log_;
    file_follower follower_{clock_, log_, "not used", [this] {
                                return read();
                            }};
};

TEST_F(FileFollower, AChangeOfOneFileReadsTheGroupOnce) {
    clock_.advance(1min);
    EXPECT_EQ(readings_, 0);
    replace("second.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 1);
    EXPECT_EQ(log_.take(), names());
}

TEST_F(FileFollower, AnInvalidFileIsReadAndLoggedOncePerChange) {
    fault_ = "half a pair";
    replace("first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 1);
    EXPECT_EQ(log_.take(), names{"warn not used reason=half a pair"});
    replace("first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 2);
    EXPECT_EQ(log_.take(), names{"warn not used reason=half a pair"});
}

TEST_F(FileFollower, UnreadableFilesAreRetriedAndLoggedOnce) {
    fault_ = "no descriptors";
    is_final_ = false;
    replace("first.txt");
    clock_.advance(9s);
    EXPECT_EQ(readings_, 4);
    EXPECT_EQ(log_.take(), names{"warn not used reason=no descriptors"});
    fault_.clear();
    clock_.advance(1min);
    EXPECT_EQ(readings_, 5);
}

TEST_F(FileFollower, AnotherFaultOfTheSameFilesIsLoggedToo) {
    fault_ = "no descriptors";
    is_final_ = false;
    replace("first.txt");
    clock_.advance(3s);
    fault_ = "half a pair";
    clock_.advance(2s);
    EXPECT_EQ(log_.take(),
              (names{"warn not used reason=no descriptors", "warn not used reason=half a pair"}));
}

TEST_F(FileFollower, AMissingFileIsAChangeAndItsReturnToo) {
    fault_ = "missing";
    std::filesystem::remove(folder_.path() / "first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 1);
    fault_.clear();
    replace("first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 2);
}

TEST_F(FileFollower, UnreadFilesAreReadAtTheFirstCheck) {
    follower_.follow(file_group::unread({(folder_.path() / "first.txt").string()}));
    clock_.advance(1min);
    EXPECT_EQ(readings_, 1);
}

TEST_F(FileFollower, WithoutFilesOrStoppedItChecksNothing) {
    follower_.follow(file_group());
    replace("first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 0);
    follower_.follow(files());
    follower_.stop();
    replace("first.txt");
    clock_.advance(1min);
    EXPECT_EQ(readings_, 0);
}

} // namespace
} // namespace kallglot::test
