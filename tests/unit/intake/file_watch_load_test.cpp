#include "unit/intake/file_watch_fixture.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

namespace kallglot::test {
namespace {

const std::string one = "sess_01JQ7N0C5VXB3HEZ4M8K00000001";

// Counts instead of keeping: a million names would say more about the test than about the watch.
class counting_listener final : public file_watch_listener {
public:
    void on_added(std::span<const session_id> ids) override {
        most = std::max(most, ids.size());
        added += ids.size();
        ++batches;
    }

    void on_removed(const std::vector<std::uint64_t>& hashes) override {
        max_removed = std::max(max_removed, hashes.size());
        removed += hashes.size();
        ++removals;
    }

    [[nodiscard]] bool may_remove() const override { return removals < removals_allowed; }

    std::size_t added = 0;
    std::size_t batches = 0;
    std::size_t most = 0;
    std::size_t removed = 0;
    std::size_t max_removed = 0;
    std::size_t removals = 0;
    std::size_t removals_allowed = 1;
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KALLGLOT_TEST_IS_SLOW 1
#endif
#endif
#ifdef KALLGLOT_TEST_IS_SLOW
constexpr std::size_t many = 200'000;
#else
constexpr std::size_t many = 1'000'000;
#endif

// Unlike the time of day, the same on a busy machine.
std::chrono::nanoseconds processor_time() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

TEST(FileWatchLoad, AMillionLinesDoNotHoldTheLoop) {
    temporary_folder folder;
    std::string text;
    for (std::size_t line = 0; line < many; ++line) {
        text += one + std::to_string(line) + "\n";
    }
    const std::string path = folder.file("ids", text);

    virtual_clock clock;
    kept_log log;
    loop loop;
    counting_listener seen;
    inline_worker worker(loop.executor());
    file_watch watch(loop.executor(), clock, worker, log, seen);
    watch.start({path});

    // Another task on the loop that records how often and how late it gets its turn.
    std::size_t turns = 0;
    bool posted = false;
    std::chrono::nanoseconds longest{};
    const auto run_until = [&](const auto& done) {
        auto last = processor_time();
        EXPECT_TRUE(loop.run_until([&] {
            const auto now = processor_time();
            longest = std::max(longest, now - last);
            last = now;
            ++turns;
            clock.advance(1ms);
            // One at a time, or the watch would wait for more and more of them.
            if (!std::exchange(posted, true)) {
                asio::post(loop.executor(), [&posted] { posted = false; });
            }
            return done();
        }));
    };
    const auto pass = [&](auto span) {
        const auto begun = clock.now();
        run_until([&] { return clock.now() > begun + span; });
    };
    run_until([&] { return seen.added == many; });
    const auto longest_adding = std::exchange(longest, {});
    EXPECT_LE(seen.most, 4096u);
    EXPECT_GE(turns, seen.batches);
    EXPECT_GE(seen.batches, many / 4096);

    static_cast<void>(folder.file("ids", one + "0\n"));
    // The listener waits for a disk: it gets the first batch and nothing more.
    run_until([&] { return seen.removals == 1; });
    pass(5s);
    EXPECT_EQ(seen.removals, 1U);
    // Lines that are there again meanwhile are read, and do not leave when the wait is over.
    const std::size_t left = seen.removed;
    static_cast<void>(folder.file("ids", text));
    pass(60s);
    EXPECT_GE(seen.added, many + left);
    seen.removals_allowed = many;
    pass(5s);
    EXPECT_EQ(seen.removed, left);

    static_cast<void>(folder.file("ids", one + "0\n"));
    longest = {};
    run_until([&] { return seen.removed == left + many - 1; });
    EXPECT_LE(seen.max_removed, 65'536u);
    const auto shown = [](auto span) {
        return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
    };
    std::cout << "longest turn of the loop: " << shown(longest_adding) << " us adding, "
              << shown(longest) << " us removing\n";
    watch.stop();
    EXPECT_TRUE(loop.run(watch.join()));
}

} // namespace
} // namespace kallglot::test
