// Three days with a thousand stuck episodes an hour on virtual time: the real ledger, intake and store on disk. What is kept, in
// memory and on disk, stays bounded; the oldest go first and are counted.

#include "kallglot/intake/intake.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/store/durable_store.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_engine.hpp"
#include "support/instrument_values.hpp"
#include "support/loop.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define KALLGLOT_TEST_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KALLGLOT_TEST_HAS_ASAN 1
#endif
#endif
#ifdef KALLGLOT_TEST_HAS_ASAN
#include <sanitizer/allocator_interface.h>
#endif

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t episodes_an_hour = 1'000;
constexpr std::size_t hours = 72;
constexpr std::size_t all_episodes = hours * episodes_an_hour;
constexpr steady_duration between = 3600s / episodes_an_hour;
// Sessions begin in groups, as in an incident of a provider: one write of the disk serves many of them.
constexpr std::size_t group_size = 500;

/// What the program has allocated and not released. malloc's own count stays 0 under AddressSanitizer.
std::size_t allocated_bytes() {
#ifdef KALLGLOT_TEST_HAS_ASAN
    return __sanitizer_get_current_allocated_bytes();
#else
    return ::mallinfo2().uordblks;
#endif
}

class ThreeDays : public testing::Test {
protected:
    ThreeDays() { open(); }

    ~ThreeDays() override { close(); }

    /// A process that starts with what the store holds.
    void open() {
        ledger_.emplace(100'000);
        schedule_.emplace(ledger_->sessions(), poll_policy{}, clock_.now());
        store_.emplace(loop_.executor(),
                       clock_,
                       log_,
                       std::make_shared<sqlite_engine>(path().string(), ""),
                       store_limits{},
                       loop::failure());
        changes_.emplace(*ledger_, *schedule_, *store_, metrics_, clock_, log_);
        intake_.emplace(*ledger_,
                        *schedule_,
                        *changes_,
                        *store_,
                        api_clock_,
                        metrics_,
                        clock_,
                        log_,
                        7);
        error_code answer = errc::cancelled;
        ASSERT_TRUE(loop_.run(open_into(&answer)));
        ASSERT_EQ(answer, error_code{}) << store_->opening().fault.text;
        store_->start(*intake_);
    }

    void close() {
        error_code answer = errc::cancelled;
        ASSERT_TRUE(loop_.run(close_into(&answer)));
        EXPECT_EQ(answer, error_code{});
        intake_.reset();
        changes_.reset();
        store_.reset();
    }

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "sessions.db"; }

    /// Of the database and its log.
    [[nodiscard]] std::uintmax_t bytes_on_disk() const {
        std::uintmax_t sum = 0;
        for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
            sum += file.file_size();
        }
        return sum;
    }

    [[nodiscard]] static session_id id(std::size_t number) {
        char text[64];
        std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K_%06zu", number);
        return session_id::parse(text).value();
    }

    void poll(session_slot slot, session_status status) {
        const steady_time now = clock_.now();
        const exchange_times times{now - 100ms, now, clock_.wall_now()};
        changes_->apply(ledger_->take_snapshot(slot, snapshot(status), times, policy_), now);
    }

    /// A session that connects for 40 s, is active, ends, and is forgotten after a quarter of an hour; by an operator, so that
    /// no key of its id remains, which would be counted too.
    void begin_life(std::size_t number) {
        const steady_time begin = clock_.now();
        const ledger_change registered =
            ledger_->take_id(id(number), session_source::api, false, begin);
        last_ticket_ = changes_->apply(registered, begin);
        const session_slot slot = registered.slot;
        const auto then = [&](steady_duration after, session_status status) {
            clock_.at(begin + after, [this, slot, status] { poll(slot, status); });
        };
        then(1s, session_status::created);
        then(2s, session_status::connecting);
        then(33s, session_status::connecting);
        then(42s, session_status::active);
        then(300s, session_status::ended);
        clock_.at(begin + 20min, [this, slot] {
            changes_->apply(ledger_->forget(slot, forget_reason::operator_asked, clock_.now()),
                            clock_.now());
        });
    }

    /// Everything that was handed to the store before is durable.
    void settle() {
        std::optional<error_code> answer;
        task_group group(loop_.executor(), loop::failure());
        group.spawn("wait", commit_into(last_ticket_, &answer));
        const auto limit = std::chrono::steady_clock::now() + loop::patience;
        while (!answer || group.size() > 0) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit);
            clock_.advance(10ms);
            await_disk();
        }
        ASSERT_EQ(*answer, error_code{});
    }

    /// Time stands still during a call of the disk: otherwise the store would take it for a disk that does not answer.
    void await_disk() {
        loop_.poll();
        ASSERT_TRUE(loop_.run_until([&] { return !store_->busy_since(); }));
    }

    task<> open_into(error_code* answer) {
        *answer = co_await store_->open();
        if (!*answer) {
            *answer = co_await store_->restore(*intake_);
        }
    }

    task<> close_into(error_code* answer) { *answer = co_await store_->close(); }

    task<> commit_into(commit_ticket ticket, std::optional<error_code>* answer) {
        const error_code got = co_await store_->committed(ticket);
        answer->emplace(got);
    }

    temporary_folder folder_;
    loop loop_;
    virtual_clock clock_;
    null_logger log_;
    daemon_metrics metrics_{build_details{"0", "0", "0"}};
    poll_policy policy_;
    server_clock api_clock_;
    commit_ticket last_ticket_{};
    std::optional<session_ledger> ledger_;
    std::optional<poll_schedule> schedule_;
    std::optional<durable_store> store_;
    std::optional<session_changes> changes_;
    std::optional<intake> intake_;
};

TEST_F(ThreeDays, OfAThousandEpisodesAnHourStayBoundedInMemoryAndOnDisk) {
    std::size_t most = 0;
    std::size_t memory_after_a_day = 0;
    std::uintmax_t disk_after_a_day = 0;
    for (std::size_t i = 0; i < all_episodes; ++i) {
        for (std::size_t j = 0; i % group_size == 0 && j < group_size; ++j) {
            begin_life(i + j);
        }
        clock_.advance(between);
        await_disk();
        most = std::max(most, ledger_->episodes().episodes().size());
        if (i % 500 == 0) {
            settle();
        }
        if (i + 1 == all_episodes / 3) {
            memory_after_a_day = allocated_bytes();
            disk_after_a_day = bytes_on_disk();
        }
    }
    clock_.advance(30min);
    last_ticket_ = changes_->apply(
        ledger_->take_id(id(all_episodes), session_source::api, false, clock_.now()),
        clock_.now());
    settle();
    const std::size_t memory = allocated_bytes();
    const std::uintmax_t disk = bytes_on_disk();

    // All of them were seen; the newest are kept, and the others counted.
    constexpr std::size_t kept = episode_history::max_episodes;
    EXPECT_EQ(instrument_value(metrics_.instruments(),
                               "kallglot_stuck_episodes_total",
                               {"connecting", "recovered"}),
              all_episodes);
    EXPECT_EQ(most, kept);
    EXPECT_EQ(ledger_->episodes().episodes().size(), kept);
    EXPECT_EQ(ledger_->episodes().dropped(), all_episodes - kept);
    EXPECT_EQ(ledger_->episodes().episodes().begin()->first, all_episodes - kept + 1);

    // The second and the third day add nothing.
    std::printf("memory: %zu kB after a day, %zu kB after three; disk: %zu kB and %zu kB\n",
                memory_after_a_day / 1000,
                memory / 1000,
                static_cast<std::size_t>(disk_after_a_day / 1000),
                static_cast<std::size_t>(disk / 1000));
    EXPECT_LT(memory, memory_after_a_day * 11 / 10);
    EXPECT_LT(disk, disk_after_a_day * 11 / 10);

    const std::map<episode_number, stuck_episode> before = ledger_->episodes().episodes();
    close();
    {
        database db;
        ASSERT_FALSE(db.open(path().string()));
        EXPECT_EQ(db.number("SELECT count(*) FROM episodes"), kept);
        EXPECT_EQ(db.number("SELECT min(number) FROM episodes"), all_episodes - kept + 1);
        EXPECT_EQ(db.number("SELECT count(*) FROM sessions"), 1);
    }
    open();
    const auto& after = ledger_->episodes().episodes();
    ASSERT_EQ(after.size(), kept);
    EXPECT_EQ(after.begin()->first, before.begin()->first);
    for (const auto& [number, episode] : after) {
        const stuck_episode& was = before.at(number);
        EXPECT_EQ(episode.id, was.id);
        EXPECT_EQ(episode.outcome, episode_outcome::recovered);
        EXPECT_EQ(episode.until - episode.since, was.until - was.since);
    }
}

} // namespace
} // namespace kallglot::test
