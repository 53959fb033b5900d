#include "unit/intake/file_watch_fixture.hpp"

namespace kallglot::test {
namespace {

using FileWatch = FileWatchFixture;

const std::string one = "sess_01JQ7N0C5VXB3HEZ4M8K00000001";
const std::string two = "sess_01JQ7N0C5VXB3HEZ4M8K00000002";
const std::string three = "sess_01JQ7N0C5VXB3HEZ4M8K00000003";

TEST_F(FileWatch, ReportsTheIdsOfAllFilesAtTheStart) {
    write("a.txt", "# today\n" + one + "\n" + two + " # on hold\n");
    write("b.txt", three + "\r\n");
    write("c.csv", "sess_of_another_kind_of_file_00001\n");
    start("*.txt");
    EXPECT_EQ(take_added(), (names{one, two, three}));
    EXPECT_EQ(batches_, 2U);
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
    EXPECT_EQ(take_log(), names{});
}

TEST_F(FileWatch, ReportsAppendedLinesWhenTheFileIsQuiet) {
    write("ids", one + "\n");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    append("ids", two + "\n");
    pass(50ms);
    EXPECT_EQ(take_added(), names{});
    settle();
    EXPECT_EQ(take_added(), names{two});
    EXPECT_EQ(batches_, 2U);
    append("ids", three + "\n" + one + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
}

TEST_F(FileWatch, ReadsAFileThatIsNeverQuiet) {
    write("ids", one + "\n");
    start("ids");
    pass(2s);
    EXPECT_EQ(take_added(), names{one});
    for (int written = 0; written < 30; ++written) {
        append("ids", two + std::to_string(written) + "\n");
        pass(50ms);
    }
    // 1.5 s have passed: the first second has been read.
    EXPECT_GE(take_added().size(), 15u);
    settle();
    EXPECT_EQ(names_.size(), 31u);
}

TEST_F(FileWatch, ALastLineWithoutEndCountsOnceItStands) {
    write("ids", one + "\n" + two);
    let_stamps_age("ids");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    settle();
    EXPECT_EQ(take_added(), names{two});
    EXPECT_EQ(batches_, 2U);
    append("ids", "\n");
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
    append("ids", three);
    let_stamps_age("ids");
    settle();
    EXPECT_EQ(take_added(), names{three});
}

TEST_F(FileWatch, AGrowingLastLineIsTakenWhole) {
    write("ids", one + "\n" + two.substr(0, 20));
    let_stamps_age("ids");
    start("ids");
    pass(50ms);
    // Looked at once more for another reason, too early for the open line.
    use({"ids"});
    EXPECT_EQ(take_added(), names{one});
    append("ids", two.substr(20) + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
}

TEST_F(FileWatch, ALastLineThatGrowsLaterIsAnotherId) {
    write("ids", one + "\n" + two.substr(0, 20));
    let_stamps_age("ids");
    start("ids");
    settle();
    EXPECT_EQ(take_added(), (names{two.substr(0, 20), one}));
    append("ids", two.substr(20) + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
    pass(31s);
    EXPECT_EQ(take_removed(), names{two.substr(0, 20)});
}

TEST_F(FileWatch, ARemovedLineIsForgottenAfterThirtySeconds) {
    write("ids", one + "\n" + two + "\n");
    start("ids");
    write("ids", two + "\n");
    pass(29s);
    EXPECT_EQ(take_removed(), names{});
    pass(2s);
    EXPECT_EQ(take_removed(), names{one});
    added_.clear();
    append("ids", one + "\n");
    settle();
    EXPECT_EQ(take_added(), names{one}) << "new again";
}

TEST_F(FileWatch, AFileRenamedOverAnotherIsReadWhole) {
    write("ids", one + "\n" + two + "\n");
    start("ids");
    EXPECT_EQ(take_added(), (names{one, two}));
    replace("ids", two + "\n" + three + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatch, AFileRewrittenLongerIsReadInFull) {
    write("ids", one + "\n");
    let_stamps_age("ids");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    write("ids", two + "\n" + three + "\n");
    let_stamps_age("ids");
    pass(200ms);
    EXPECT_EQ(take_added(), (names{two, three}));
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatch, TruncatedAndRewrittenReportsNothing) {
    write("ids", one + "\n" + two + "\n");
    start("ids");
    EXPECT_EQ(take_added(), (names{one, two}));
    write("ids", "");
    pass(20s);
    write("ids", two + "\n" + one + "\n");
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
}

TEST_F(FileWatch, AFileMissingForAMomentReportsNothing) {
    write("ids", one + "\n" + two);
    let_stamps_age("ids");
    start("ids");
    settle();
    EXPECT_EQ(take_added(), (names{one, two}));
    for (int round = 0; round < 3; ++round) {
        std::filesystem::remove(path("ids"));
        pass(25s);
        write("ids", one + "\n" + two);
        pass(25s);
    }
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
}

TEST_F(FileWatch, AFileThatVanishedForGoodIsForgotten) {
    write("a", one + "\n" + two);
    write("b", two + "\n" + three + "\n");
    let_stamps_age("a");
    start("*");
    settle();
    EXPECT_EQ(take_log(), names{});
    std::filesystem::remove(path("a"));
    pass(10min - 1s);
    EXPECT_EQ(take_removed(), names{});
    EXPECT_EQ(
        take_log(),
        names{"info session file is missing: keeping its ids for 10 minutes file=" + path("a")});
    pass(2s);
    EXPECT_EQ(take_removed(), names{one}) << "the second is still in the other file";
    EXPECT_EQ(
        take_log(),
        names{"info ids left their session file: forgotten unless another source has them file="
              + path("a") + " ids=2"});
    std::filesystem::remove(path("b"));
    pass(10min + 1s);
    EXPECT_EQ(take_removed(), (names{two, three}));
}

TEST_F(FileWatch, AnEmptiedFileKeepsItsIdsForTenMinutes) {
    write("ids", one + "\n" + two + "\n");
    start("ids");
    EXPECT_EQ(take_added(), (names{one, two}));
    for (int round = 0; round < 3; ++round) {
        write("ids", "# the program that writes it has started\n");
        pass(9min);
        write("ids", two + "\n" + one + "\n");
        pass(20s);
    }
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
    EXPECT_EQ(take_log().size(), 3U) << "once each time";
    write("ids", "");
    pass(10min + 1s);
    EXPECT_EQ(take_removed(), (names{one, two}));
    EXPECT_EQ(take_log().back(),
              "info ids left their session file: forgotten unless another source has them file="
                  + path("ids") + " ids=2");
}

TEST_F(FileWatch, AnIdInTwoFilesLeavesWithTheLast) {
    write("a", one + "\n" + two + "\n");
    write("b", one + "\n" + three + "\n");
    let_stamps_age("b");
    start(names{"a", "b"});
    EXPECT_EQ(take_added(), (names{one, one, two, three})) << "reported for each file";
    replace("a", two + "\n");
    pass(20s);
    replace("b", three + "\n");
    pass(20s);
    EXPECT_EQ(take_removed(), names{}) << "20 s in none of them";
    pass(11s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatch, FilesAndFoldersMayComeLater) {
    start(names{"lists/*.txt", "deep/*/*/ids", "single"});
    settle();
    std::filesystem::create_directory(path("lists"));
    settle();
    write("lists/a.txt", one + "\n");
    settle();
    EXPECT_EQ(take_added(), names{one});
    std::filesystem::create_directories(path("deep/x/y"));
    write("deep/x/y/ids", two + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
    write("single", three + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
    EXPECT_EQ(batches_, 3U);
}

TEST_F(FileWatch, AFolderMayGoAndComeBack) {
    std::filesystem::create_directory(path("lists"));
    write("lists/a", one + "\n");
    start("lists/*");
    EXPECT_EQ(take_added(), names{one});
    std::filesystem::remove_all(path("lists"));
    pass(10s);
    std::filesystem::create_directory(path("lists"));
    write("lists/a", one + "\n" + two + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
    // Renamed away with all that is in it, and another one in its place.
    std::filesystem::rename(path("lists"), path("old"));
    std::filesystem::create_directory(path("lists"));
    write("lists/a", one + "\n" + two + "\n" + three + "\n");
    settle();
    EXPECT_EQ(take_added(), names{three});
    pass(2min);
    EXPECT_EQ(take_removed(), names{});
}

TEST_F(FileWatch, TheTargetOfALinkIsWatchedToo) {
    std::filesystem::create_directories(path("first"));
    std::filesystem::create_directories(path("second"));
    std::filesystem::create_directories(path("etc"));
    write("first/ids", one + "\n");
    write("second/ids", one + "\n" + three + "\n");
    std::filesystem::create_symlink("../first", path("etc/..data"));
    std::filesystem::create_symlink("..data/ids", path("etc/ids"));
    start("etc/ids");
    EXPECT_EQ(take_added(), names{one});
    append("first/ids", two + "\n");
    settle();
    EXPECT_EQ(take_added(), names{two});
    // As volumes of Kubernetes are brought up to date.
    std::filesystem::create_symlink("../second", path("etc/..tmp"));
    std::filesystem::rename(path("etc/..tmp"), path("etc/..data"));
    settle();
    EXPECT_EQ(take_added(), names{three});
    pass(31s);
    EXPECT_EQ(take_removed(), names{two});
}

TEST_F(FileWatch, OtherGlobsForgetFilesThatNoneNames) {
    write("a", one + "\n" + two + "\n");
    write("b", two + "\n" + three + "\n");
    start("a");
    EXPECT_EQ(take_added(), (names{one, two}));
    use({"b"});
    EXPECT_EQ(take_added(), names{three});
    EXPECT_EQ(batches_, 2U);
    pass(29s);
    EXPECT_EQ(take_removed(), names{});
    pass(2s);
    EXPECT_EQ(take_removed(), names{one});
    use({});
    pass(31s);
    EXPECT_EQ(take_removed(), (names{two, three}));
}

TEST_F(FileWatch, ReportsAllAgainToAListenerWithRoomAgain) {
    write("ids", one + "\n" + two);
    let_stamps_age("ids");
    start("ids");
    settle();
    EXPECT_EQ(take_added(), (names{one, two}));
    wants_all_again_ = true;
    pass(61s);
    EXPECT_EQ(take_added(), (names{one, two}));
    pass(2min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
}

TEST_F(FileWatch, StopEndsAReadingUnderWay) {
    std::string text;
    for (int line = 0; line < 20'000; ++line) {
        text += one + std::to_string(line) + "\n";
    }
    write("ids", text);
    watch_.start({path("ids")});
    EXPECT_TRUE(loop_.run_until([&] { return !added_.empty(); }));
    const std::size_t reported = added_.size();
    EXPECT_LT(reported, 20'000u);
    stop();
    EXPECT_EQ(added_.size(), reported);
}

} // namespace
} // namespace kallglot::test
