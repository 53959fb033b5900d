#include "kallglot/log/logging.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr log_time start{1776157394007ms};

// Both ends of a pipe or a pair of sockets; reading never waits.
class channel {
public:
    enum class kind { pipe, socket };

    explicit channel(kind which) {
        const int result = which == kind::pipe
                               ? ::pipe2(ends_.data(), O_CLOEXEC)
                               : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data());
        EXPECT_EQ(result, 0);
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    }

    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    ~channel() {
        close_reader();
        ::close(ends_[1]);
    }

    [[nodiscard]] int writer() const { return ends_[1]; }

    // All that has been written so far.
    [[nodiscard]] std::string read() const {
        std::string text;
        std::array<char, 65536> buffer{};
        for (;;) {
            const auto got = ::read(ends_[0], buffer.data(), buffer.size());
            if (got <= 0) {
                return text;
            }
            text.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }

    void close_reader() {
        if (ends_[0] >= 0) {
            ::close(ends_[0]);
            ends_[0] = -1;
        }
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Logging, LevelsBelowTheMinimumAreNotWrittenOrCounted) {
    channel pipe(channel::kind::pipe);
    stream_logger log(pipe.writer(), {log_level::warn, {}}, [] { return start; });
    std::array<int, 4> counts{};
    log.on_event([&](log_level level) { ++counts[static_cast<std::size_t>(level)]; });
    log.debug("one");
    log.info("two", {{"a", 1}});
    log.warn("three", {{"b", "x"}});
    log.error("four");
    EXPECT_EQ(pipe.read(),
              "ts=2026-04-14T09:03:14.007Z level=warn msg=three b=x\n"
              "ts=2026-04-14T09:03:14.007Z level=error msg=four\n");
    EXPECT_EQ(counts, (std::array<int, 4>{0, 0, 1, 1}));
    EXPECT_FALSE(log.enabled(log_level::info));
    EXPECT_TRUE(log.enabled(log_level::error));
}

TEST(Logging, TheWallClockIsUsedByDefault) {
    channel pipe(channel::kind::pipe);
    stream_logger log(pipe.writer(), {log_level::info, {log_format::json, false}});
    log.info("hello");
    const std::string text = pipe.read();
    EXPECT_EQ(text.find("{\"ts\":\"2"), 0U) << text;
    EXPECT_EQ(lines_in(text), 1U);
}

class FullChannel : public ::testing::TestWithParam<channel::kind> {};

// The reader does not read: every write returns, lines that do not fit are counted and reported later.
TEST_P(FullChannel, LinesAreDroppedAndCountedInsteadOfWaiting) {
    channel full(GetParam());
    log_time now = start;
    stream_logger log(full.writer(), {log_level::debug, {}}, [&] { return now; });
    const std::string padding(200, 'x');
    constexpr std::size_t events = 20000;
    for (std::size_t i = 0; i < events; ++i) {
        log.debug("event", {{"number", i}, {"padding", padding}});
    }
    const auto dropped = log.dropped_lines();
    EXPECT_GT(dropped, 0U);
    EXPECT_LT(dropped, events);
    const std::string first = full.read();
    EXPECT_EQ(lines_in(first), events - dropped);
    EXPECT_TRUE(first.ends_with("x\n"));
    log.debug("after");
    EXPECT_EQ(full.read(),
              "ts=2026-04-14T09:03:14.007Z level=warn msg=\"log lines dropped: the reader of the "
              "log is too slow\" lines="
                  + std::to_string(dropped)
                  + "\nts=2026-04-14T09:03:14.007Z level=debug msg=after\n");
    EXPECT_EQ(log.dropped_lines(), dropped);
}

INSTANTIATE_TEST_SUITE_P(Logging,
                         FullChannel,
                         ::testing::Values(channel::kind::pipe, channel::kind::socket),
                         [](const auto& parameter) {
                             return parameter.param == channel::kind::pipe ? "Pipe" : "Socket";
                         });

TEST(Logging, TheSharedOpenFileStaysBlocking) {
    channel pipe(channel::kind::pipe);
    stream_logger log(pipe.writer(), {});
    log.info("hello");
    EXPECT_EQ(::fcntl(pipe.writer(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Logging, ClosedReaderDropsLinesButNotTheProcess) {
    ignore_broken_pipes();
    for (const auto which : {channel::kind::pipe, channel::kind::socket}) {
        channel broken(which);
        stream_logger log(broken.writer(), {});
        broken.close_reader();
        log.info("one");
        log.info("two");
        EXPECT_EQ(log.dropped_lines(), 2U);
    }
}

TEST(Logging, ClosedDescriptorDropsLines) {
    stream_logger log(-1, {});
    log.info("one");
    EXPECT_EQ(log.dropped_lines(), 1U);
}

TEST(Logging, FloodLimitsOneMessageButNotOthers) {
    channel pipe(channel::kind::pipe);
    log_time now = start;
    std::size_t counted = 0;
    stream_logger log(pipe.writer(), {}, [&] { return now; });
    log.on_event([&](log_level) { ++counted; });
    for (int i = 0; i < 1000; ++i) {
        log.warn("poll failed", {{"number", i}});
    }
    log.info("listening");
    const std::string text = pipe.read();
    EXPECT_EQ(lines_in(text), 201U);
    EXPECT_NE(text.find("msg=listening\n"), std::string::npos);
    EXPECT_EQ(counted, 1001U);
    now += 10s;
    log.warn("poll failed");
    log.warn("poll failed");
    EXPECT_EQ(pipe.read(),
              "ts=2026-04-14T09:03:24.007Z level=warn msg=\"poll failed\" suppressed=800\n"
              "ts=2026-04-14T09:03:24.007Z level=warn msg=\"poll failed\"\n");
}

TEST(Logging, ClockSetBackStartsANewFloodWindow) {
    channel pipe(channel::kind::pipe);
    log_time now = start;
    stream_logger log(pipe.writer(), {}, [&] { return now; });
    for (int i = 0; i < 300; ++i) {
        log.warn("poll failed");
    }
    static_cast<void>(pipe.read());
    now -= 24h;
    log.warn("poll failed");
    EXPECT_EQ(lines_in(pipe.read()), 1U);
}

TEST(Logging, JournalIsRecognisedByDeviceAndInode) {
    channel socket(channel::kind::socket);
    struct stat status{};
    ASSERT_EQ(::fstat(socket.writer(), &status), 0);
    const std::string stream = std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
    EXPECT_TRUE(is_journal(socket.writer(), stream));
    for (const std::string& wrong : {std::string(),
                                     std::string(":"),
                                     std::string("x:y"),
                                     stream + "0",
                                     stream + ' ',
                                     '1' + stream,
                                     std::to_string(status.st_dev)}) {
        EXPECT_FALSE(is_journal(socket.writer(), wrong)) << wrong;
    }
    EXPECT_FALSE(is_journal(socket.writer(), ""));
    EXPECT_FALSE(is_journal(-1, stream));
}

TEST(Logging, WordsOfTheCommandLineAreKnown) {
    EXPECT_EQ(parse_log_level("warn"), log_level::warn);
    EXPECT_EQ(parse_log_level("debug"), log_level::debug);
    EXPECT_FALSE(parse_log_level("warning").has_value());
    EXPECT_EQ(parse_log_format("json"), log_format::json);
    EXPECT_EQ(parse_log_format("logfmt"), log_format::logfmt);
    EXPECT_FALSE(parse_log_format("text").has_value());
}

TEST(Logging, ARegularFileGetsEveryLine) {
    std::string name = "/tmp/kallglot-log-XXXXXX";
    const int file = ::mkstemp(name.data());
    ASSERT_GE(file, 0);
    {
        stream_logger log(file, {}, [] { return start; });
        log.info("one");
        log.info("two");
        EXPECT_EQ(log.dropped_lines(), 0U);
    }
    EXPECT_EQ(::lseek(file, 0, SEEK_CUR),
              static_cast<off_t>(
                  2 * std::string("ts=2026-04-14T09:03:14.007Z level=info msg=one\n").size()));
    ::close(file);
    ::unlink(name.c_str());
}

} // namespace
} // namespace kallglot
