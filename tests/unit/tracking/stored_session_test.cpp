#include "kallglot/tracking/stored_session.hpp"

#include <gtest/gtest.h>

#include <random>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr steady_time now{1000h};
constexpr api_time wall{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};

session_id some_id() {
    return session_id::parse("sess_7Yb3nQ4kTz9VxL2mW8cR5dJpQ0aB6sHf").value();
}

session_record some_record(std::mt19937& random) {
    const auto before = [&random](steady_time at, std::int64_t most_ns) {
        return at
               - steady_duration(std::uniform_int_distribution<std::int64_t>(0, most_ns)(random));
    };
    session_record record;
    record.observed = before(now, 3'600'000'000'000);
    record.since = before(record.observed, 86'400'000'000'000);
    record.created = before(record.since, 3'600'000'000'000);
    record.started = random() % 2 == 0 ? no_time : before(record.since, 3'600'000'000'000);
    record.since_slack_ms = random() % 2 == 0 ? session_record::unknown_slack
                                              : static_cast<std::uint32_t>(random() % 60'000);
    record.status = static_cast<session_status>(random() % session_status_count);
    record.sources = static_cast<std::uint8_t>(random() % 8);
    return record;
}

TEST(StoredSession, AnAgeIsNeverLongerAfterTheRoundTrip) {
    std::mt19937 random(1);
    const stored_timeline line =
        stored_timeline::begin(wall, 990h + 123456789ns + steady_time{}, 7);
    for (int i = 0; i < 10'000; ++i) {
        const session_record before = some_record(random);
        const stored_session stored = to_stored(some_id(), before, line);
        ASSERT_TRUE(is_sound(stored, line.to_stored(now)));
        const session_record after = to_record(stored, line, now);
        ASSERT_GE(after.since, before.since);
        ASSERT_LE(after.since - before.since, 1ms);
        ASSERT_EQ(after.created == no_time, before.created == no_time);
        ASSERT_EQ(after.started == no_time, before.started == no_time);
        ASSERT_GE(after.created, before.created);
        ASSERT_EQ(after.since_slack_ms, before.since_slack_ms);
        ASSERT_EQ(after.status, before.status);
        ASSERT_EQ(after.sources, before.sources);
        ASSERT_TRUE(after.unverified);
        // What was confirmed for whole milliseconds stays so, and nothing else becomes so.
        const auto was = std::chrono::floor<milliseconds>(before.observed - before.since);
        ASSERT_EQ(after.observed - after.since, was);
    }
}

TEST(StoredSession, ASessionThatWasNeverObservedComesBackAsSuch) {
    session_record record;
    record.since = now - 10min;
    record.sources = 1;
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    const session_record after = to_record(to_stored(some_id(), record, line), line, now + 1h);
    EXPECT_FALSE(after.was_observed());
    EXPECT_EQ(after.since, record.since);
    EXPECT_EQ(after.created, no_time);
    EXPECT_EQ(after.last_sent, no_time);
}

TEST(StoredSession, NoMomentComesBackFromTheFuture) {
    session_record record;
    record.since = now - 10s;
    record.observed = now - 4s;
    record.created = now - 1min;
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    // The wall clock was put back by an hour before the machine booted.
    const stored_timeline later =
        stored_timeline::resume(line.mark(wall, now - 30s), wall - 1h, steady_time{2h}, 8);
    const session_record after =
        to_record(to_stored(some_id(), record, line), later, steady_time{2h});
    EXPECT_LE(after.observed, steady_time{2h});
    EXPECT_EQ(after.observed - after.since, 6s);
    EXPECT_EQ(after.since - after.created, 50s);
}

TEST(StoredTimeline, ARestartInTheSameBootGoesByTheSteadyClockAlone) {
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    const stored_time stored_at = line.to_stored(now + 5min);
    // The wall clock jumped a day, without an effect.
    const stored_timeline again =
        stored_timeline::resume(line.mark(wall + 10min, now + 10min), wall + 24h, now + 11min, 7);
    EXPECT_EQ(again.to_steady(stored_at), now + 5min);
}

TEST(StoredTimeline, ARebootGoesByTheDifferenceOfTheWallClock) {
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    // The wall clock was stepped by a day while the daemon ran: that is no time that passed.
    const time_mark last = line.mark(wall + 24h, now + 10min);
    const stored_timeline again =
        stored_timeline::resume(last, wall + 24h + 3min, steady_time{20s}, 8);
    EXPECT_EQ(again.to_steady(line.to_stored(now + 10min)), steady_time{20s} - 3min);
}

TEST(StoredTimeline, AWallClockThatWasPutBackCountsAsNoTime) {
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    const stored_timeline again =
        stored_timeline::resume(line.mark(wall, now), wall - 24h, steady_time{20s}, 8);
    EXPECT_EQ(again.to_steady(line.to_stored(now)), steady_time{20s});
}

TEST(StoredTimeline, AnUnknownBootIsNotTakenForTheSame) {
    const stored_timeline line = stored_timeline::begin(wall, now, 0);
    const stored_timeline again =
        stored_timeline::resume(line.mark(wall, now), wall + 1min, now + 24h, 0);
    EXPECT_EQ(again.to_steady(line.to_stored(now)), now + 24h - 1min);
}

TEST(StoredTimeline, AClockThatIsDecadesAheadAfterABootCountsAsTenYears) {
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    const time_mark last = line.mark(wall, now);
    const stored_timeline again = stored_timeline::resume(last, wall + 24h * 36'600, now, 8);
    EXPECT_EQ(again.to_steady(line.to_stored(now)), now - 24h * 3660);
}

TEST(StoredSession, UnsoundValuesAreSeen) {
    const stored_timeline line = stored_timeline::begin(wall, now, 7);
    session_record record;
    record.since = now;
    const stored_session good = to_stored(some_id(), record, line);
    const stored_time at = line.to_stored(now);
    ASSERT_TRUE(is_sound(good, at));
    const auto with = [&](auto change) {
        stored_session bad = good;
        change(bad);
        return is_sound(bad, at);
    };
    EXPECT_FALSE(with([](auto& row) { row.status = static_cast<session_status>(6); }));
    EXPECT_FALSE(with([](auto& row) { row.mode = static_cast<session_mode>(6); }));
    EXPECT_FALSE(with([](auto& row) { row.provider = static_cast<session_provider>(5); }));
    EXPECT_FALSE(with([](auto& row) { row.reason = static_cast<end_reason>(7); }));
    EXPECT_FALSE(with([](auto& row) { row.sources = 8; }));
    EXPECT_FALSE(with([](auto& row) { row.since.ms = INT64_MAX; }));
    EXPECT_FALSE(with([](auto& row) { row.since.ms = INT64_MIN; }));
    EXPECT_FALSE(with([](auto& row) { row.started = stored_time{0}; }));
    EXPECT_FALSE(with([](auto& row) { row.created = stored_time{INT64_MAX}; }));
    EXPECT_FALSE(with([](auto& row) { row.seen = INT64_MIN; }));
    EXPECT_FALSE(with([](auto& row) { row.slack = -1; }));
    EXPECT_FALSE(with([](auto& row) { row.slack = INT64_MAX; }));
}

} // namespace
} // namespace kallglot::test
