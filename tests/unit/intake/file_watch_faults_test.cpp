#include "support/no_descriptors.hpp"
#include "unit/intake/file_watch_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <system_error>

namespace kallglot::test {
namespace {

using FileWatchFaults = FileWatchFixture;

const std::string one = "sess_01JQ7N0C5VXB3HEZ4M8K00000001";
const std::string two = "sess_01JQ7N0C5VXB3HEZ4M8K00000002";
const std::string three = "sess_01JQ7N0C5VXB3HEZ4M8K00000003";

TEST_F(FileWatchFaults, AnUnreadableFileKeepsItsIds) {
    write("ids", one + "\n" + two + "\n");
    start("*");
    EXPECT_EQ(take_added(), (names{one, two}));
    // A link to itself is there and cannot be read, even by root.
    std::filesystem::remove(path("ids"));
    std::filesystem::create_symlink("ids", path("ids"));
    pass(10min);
    EXPECT_EQ(take_removed(), names{});
    const names logged = take_log();
    ASSERT_EQ(logged.size(), 1u) << "once";
    EXPECT_NE(logged.front().find(path("ids")), std::string::npos) << logged.front();
    EXPECT_NE(logged.front().find("symbolic links"), std::string::npos) << logged.front();

    std::filesystem::remove(path("ids"));
    write("ids", two + "\n" + three + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
    EXPECT_EQ(take_log().size(), 1u) << "readable again";
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatchFaults, ALinkOfAnotherUserThanTheOwnerOfTheFileIsNotRead) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a link to another user";
    }
    constexpr uid_t other = 4002;
    std::filesystem::create_directory(path("secrets"));
    write("secrets/api_token", one + "\n");
    std::filesystem::create_symlink(path("secrets/api_token"), path("link"));
    ASSERT_EQ(::lchown(path("link").c_str(), other, other), 0);
    // A user may link to files of its own, and root to those of every user.
    write("own", two + "\n");
    ASSERT_EQ(::chown(path("own").c_str(), other, other), 0);
    std::filesystem::create_symlink(path("own"), path("own_link"));
    ASSERT_EQ(::lchown(path("own_link").c_str(), other, other), 0);
    start("*link");
    EXPECT_EQ(take_added(), names{two});
    const names logged = take_log();
    ASSERT_EQ(logged.size(), 1u);
    EXPECT_NE(logged.front().find("a symbolic link of another user leads to it"), std::string::npos)
        << logged.front();
    EXPECT_EQ(logged.front().find(one), std::string::npos) << "the content stays out of the log";
}

TEST_F(FileWatchFaults, AnErrorBetweenTwoAbsencesRestartsTheGrace) {
    write("ids", one + "\n");
    start("*");
    std::filesystem::remove(path("ids"));
    pass(9min);
    std::filesystem::create_symlink("ids", path("ids"));
    pass(2min);
    std::filesystem::remove(path("ids"));
    pass(10min - 1s);
    EXPECT_EQ(take_removed(), names{});
    pass(2s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatchFaults, WithoutDescriptorsNothingIsRemovedAllIsReadLater) {
    if (sanitizer_needs_descriptors) {
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    }
    write("ids", one + "\n");
    start("*");
    EXPECT_EQ(take_added(), names{one});
    const int file = ::open(path("ids").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    {
        const no_descriptors exhausted;
        log_.lines.clear();
        EXPECT_EQ(::write(file, (two + "\n").c_str(), two.size() + 1), std::ssize(two) + 1);
        pass(2min);
        EXPECT_EQ(take_added(), names{});
        EXPECT_EQ(take_removed(), names{});
        EXPECT_LE(take_log().size(), 2u) << "the file once, the folder once";
    }
    ::close(file);
    pass(6s);
    EXPECT_EQ(take_added(), names{two});
}

TEST_F(FileWatchFaults, UnavailableInotifyIsRetried) {
    if (sanitizer_needs_descriptors) {
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    }
    write("ids", one + "\n");
    start(names{});
    {
        const no_descriptors exhausted;
        use({"ids"});
        EXPECT_EQ(take_added(), names{});
    }
    pass(6s);
    EXPECT_EQ(take_added(), names{one});
    append("ids", two + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
}

TEST_F(FileWatchFaults, OnlyRegularFilesAreRead) {
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    std::filesystem::create_directory(path("folder"));
    std::filesystem::create_symlink("/dev/zero", path("device"));
    std::filesystem::create_symlink("nowhere", path("broken"));
    write("ids", one + "\n");
    start(names{"pipe", "folder", "device", "broken", "ids"});
    pass(2min);
    EXPECT_EQ(take_added(), names{one});
    const names logged = take_log();
    EXPECT_EQ(logged.size(), 3u)
        << "pipe, folder and device once each; the broken link may become a file";
    for (const std::string& line : logged) {
        EXPECT_NE(line.find("not a regular file"), std::string::npos) << line;
    }
}

TEST_F(FileWatchFaults, AFileThatBecameAFolderKeepsItsIds) {
    write("ids", one + "\n");
    start("*");
    std::filesystem::remove(path("ids"));
    std::filesystem::create_directory(path("ids"));
    pass(5min);
    EXPECT_EQ(take_removed(), names{});
    EXPECT_EQ(take_log().size(), 1u);
}

TEST_F(FileWatchFaults, AHugeFileIsRejectedAndItsIdsStay) {
    write("ids", one + "\n");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    std::filesystem::resize_file(path("ids"), 128 * 1024 * 1024 + 1);
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
    const names logged = take_log();
    ASSERT_EQ(logged.size(), 1u);
    EXPECT_NE(logged.front().find("exceeds 128 MiB"), std::string::npos) << logged.front();
}

TEST_F(FileWatchFaults, BadLinesAreLoggedByNumberOnly) {
    const std::string secret = "+49 30 1234567";
    write("ids", one + "\n" + secret + "\n" + two + "\n" + std::string(300, 'x') + "\na/b");
    let_stamps_age("ids");
    start("ids");
    settle();
    EXPECT_EQ(take_added(), (names{one, two}));
    EXPECT_EQ(bad_lines_, 3u);
    const names logged = take_log();
    ASSERT_EQ(logged.size(), 2u) << "one for the reading, one for the line without end";
    EXPECT_NE(logged[0].find("file=" + path("ids")), std::string::npos) << logged[0];
    EXPECT_NE(logged[0].find("lines=2 two words, 4 too long count=2"), std::string::npos)
        << logged[0];
    EXPECT_NE(logged[1].find("lines=5 bad character count=1"), std::string::npos) << logged[1];
    for (const std::string& line : logged) {
        EXPECT_EQ(line.find("1234567"), std::string::npos);
        EXPECT_EQ(line.find("a/b"), std::string::npos);
    }
    append("ids", "\n" + three + "\n? ?\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
    const names more = take_log();
    ASSERT_EQ(more.size(), 1u);
    EXPECT_NE(more[0].find("lines=5 bad character, 7 two words count=2"), std::string::npos)
        << more[0];
}

TEST_F(FileWatchFaults, AChangeThatLooksLikeAppendingIsFoundAMinuteLater) {
    const std::string padding(100, '#');
    write("ids", one + "\n" + padding + "\n");
    let_stamps_age("ids");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    overwrite("ids", 0, two);
    append("ids", three + "\n");
    let_stamps_age("ids");
    settle();
    EXPECT_EQ(take_added(), names{three}) << "only what was appended was read";
    pass(61s);
    EXPECT_EQ(take_added(), names{two});
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatchFaults, AChangeOfTheSameSizeRightAfterAReadingIsFound) {
    write("ids", "sess_01JQ7N0C5VXB3HEZ4M8K0000-000\n");
    start("ids");
    pass(200ms);
    // On systems whose stamps have a grain, some of the changes get the stamp of the reading before.
    for (int round = 100; round < 150; ++round) {
        added_.clear();
        overwrite("ids", 30, std::to_string(round));
        pass(100ms);
        overwrite("ids", 30, std::to_string(round + 500));
        settle();
        ASSERT_FALSE(added_.empty());
        EXPECT_EQ(added_.back(), "sess_01JQ7N0C5VXB3HEZ4M8K0000-" + std::to_string(round + 500));
    }
}

TEST_F(FileWatchFaults, ChangesWithoutEventsAreFoundWithinAMinute) {
    write("ids", one + "\n");
    let_stamps_age("ids");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    // inotify does not report writing through a mapping.
    const int file = ::open(path("ids").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(file, 0);
    void* const bytes = ::mmap(nullptr, one.size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ASSERT_NE(bytes, MAP_FAILED);
    std::memcpy(bytes, two.data(), two.size());
    EXPECT_EQ(::msync(bytes, one.size(), MS_SYNC), 0);
    ::munmap(bytes, one.size());
    ::close(file);
    pass(61s);
    EXPECT_EQ(take_added(), names{two});
}

TEST_F(FileWatchFaults, AFolderReplacedFurtherUpIsFoundWithinAMinute) {
    std::filesystem::create_directories(path("top/lists"));
    std::filesystem::create_directories(path("next/lists"));
    write("top/lists/ids", one + "\n");
    write("next/lists/ids", one + "\n" + two + "\n");
    start("top/lists/ids");
    EXPECT_EQ(take_added(), names{one});
    std::filesystem::rename(path("top"), path("old"));
    std::filesystem::rename(path("next"), path("top"));
    pass(61s);
    EXPECT_EQ(take_added(), names{two});
    append("top/lists/ids", three + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three}) << "the new folder is watched";
}

TEST_F(FileWatchFaults, ManyEventsAtOnceAreNotLost) {
    start("*.ids");
    settle();
    for (int file = 0; file < 2000; ++file) {
        write(std::to_string(file) + ".ids", one + std::to_string(file) + "\n");
    }
    for (int moment = 0; moment < 10'000 && added_.size() < 2000; ++moment) {
        clock_.advance(1ms);
        loop_.poll();
    }
    EXPECT_EQ(added_.size(), 2000u);
}

} // namespace
} // namespace kallglot::test
