// Tests of following files: what is read and what is logged after a change.

#include "app/file_follower.hpp"

#include "support/inline_worker.hpp"
#include "support/kept_log.hpp"
#include "support/loop.hpp"
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

    file_follower::reading read() {
        return [this]() -> file_follower::applier {
            return [this] {
                return apply();
            };
        };
    }

    std::optional<unusable_files> apply() {
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
    loop loop_;
    inline_worker worker_{loop_.executor()};
    file_follower follower_{clock_, worker_, log_, "not used", [this] {
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

TEST_F(FileFollower, AFileSystemThatHangsIsNamedOnceAndItsAnswerIsUsed) {
    replace("first.txt");
    worker_.hold = [] {
        return true;
    };
    clock_.advance(1min);
    EXPECT_EQ(worker_.calls, 1U) << "one call hangs, not one each two seconds";
    const names logged = log_.take();
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_EQ(logged.front().find("warn watched file does not answer: using its last content"), 0U);
    worker_.hold = {};
    worker_.release();
    EXPECT_EQ(readings_, 1);
    EXPECT_EQ(log_.take().size(), 1U) << "it answers again";
}

TEST_F(FileFollower, AnAnswerOfFilesThatAreNotFollowedAnyMoreIsDropped) {
    replace("first.txt");
    worker_.hold = [] {
        return true;
    };
    clock_.advance(3s);
    follower_.follow(files());
    worker_.hold = {};
    worker_.release();
    EXPECT_EQ(readings_, 0);
    clock_.advance(1min);
    EXPECT_EQ(readings_, 0) << "follow() brought the state after the change";
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
