// Tests of the file watch with file systems that hang: the call of one file does not return, and the rest goes on.

#include "unit/intake/file_watch_fixture.hpp"

#include <algorithm>

namespace kallglot::test {
namespace {

const std::string one = "sess_01JQ7N0C5VXB3HEZ4M8K00000001";
const std::string two = "sess_01JQ7N0C5VXB3HEZ4M8K00000002";
const std::string three = "sess_01JQ7N0C5VXB3HEZ4M8K00000003";

class FileWatchHang : public FileWatchFixture {
protected:
    /// The call with this number, counted from now, hangs; the others do not.
    void hang_at(std::size_t number) {
        const std::size_t at = worker_.calls + number;
        worker_.hold = [this, at] {
            return worker_.calls == at;
        };
    }

    void answer() {
        worker_.hold = {};
        worker_.release();
        loop_.poll();
    }

    [[nodiscard]] static std::size_t count(const names& log, std::string_view text) {
        return static_cast<std::size_t>(std::ranges::count_if(log, [text](const std::string& line) {
            return line.find(text) != std::string::npos;
        }));
    }
};

// Calls of a look: the secrets, one for each glob, one for up to 64 files, and at least two for each file that is read.

TEST_F(FileWatchHang, AFileThatIsNotReadKeepsItsIdsAndTheOthersAreRead) {
    write("a", one + "\n");
    start(names{"a", "b"});
    settle();
    EXPECT_EQ(take_added(), names{one});
    static_cast<void>(take_log());
    append("a", two + "\n");
    write("b", three + "\n");
    hang_at(5);
    pass(10min);
    EXPECT_EQ(take_added(), names{three});
    EXPECT_EQ(take_removed(), names{});
    const names log = take_log();
    EXPECT_EQ(count(log, "its file system does not answer"), 1U) << "one warning names the file";
    EXPECT_EQ(count(log, "file=" + path("a")), 1U);
    answer();
    settle();
    EXPECT_EQ(take_added(), names{two}) << "what was read at last is used";
    EXPECT_EQ(count(take_log(), "session file readable again"), 1U);
    replace("a", two + "\n");
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatchHang, AFolderThatIsNotListedHoldsUpNoOther) {
    std::filesystem::create_directories(path("hung"));
    write("hung/a.txt", one + "\n");
    hang_at(2);
    start(names{"hung/*.txt", "b"});
    pass(6s);
    write("b", two + "\n");
    pass(2min);
    EXPECT_EQ(take_added(), names{two});
    EXPECT_EQ(count(take_log(), "hung/*.txt does not answer"), 1U);
    answer();
    settle();
    EXPECT_EQ(take_added(), names{one});
}

TEST_F(FileWatchHang, SecretsThatHangHoldUpNoFile) {
    write("a", one + "\n");
    hang_at(1);
    start("a");
    pass(6s);
    EXPECT_EQ(take_added(), names{one});
    answer();
}

TEST_F(FileWatchHang, AMissingFileThatHangsLaterKeepsItsIds) {
    write("a", one + "\n");
    start("a");
    settle();
    std::filesystem::remove(path("a"));
    settle();
    hang_at(3);
    pass(1h);
    EXPECT_EQ(take_removed(), names{}) << "the last answer is too old to forget anything";
    answer();
    pass(1s);
    EXPECT_EQ(take_removed(), names{one});
}

TEST_F(FileWatchHang, AStopDoesNotWaitForTheCall) {
    write("a", one + "\n");
    hang_at(3);
    start("a");
    pass(1s);
    stop();
    answer();
    EXPECT_EQ(take_added(), names{});
}

TEST_F(FileWatchHang, AFileThatNoGlobNamesAnyMoreIsNotReadWhenItAnswers) {
    write("a", one + "\n");
    write("b", two + "\n");
    start("a");
    settle();
    append("a", three + "\n");
    hang_at(4);
    pass(10s);
    use({"b"});
    pass(31s);
    EXPECT_EQ(take_removed(), names{one});
    static_cast<void>(take_added());
    answer();
    pass(1min);
    EXPECT_EQ(take_added(), names{});
    EXPECT_EQ(take_removed(), names{});
}

} // namespace
} // namespace kallglot::test
