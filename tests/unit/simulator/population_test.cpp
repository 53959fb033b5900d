#include "simulator/population.hpp"

#include <gtest/gtest.h>

#include <set>

namespace kallglot::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const system_time epoch{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};

population_settings demo_settings() {
    population_settings settings;
    settings.sessions = 2000;
    settings.stuck = 20;
    settings.never_started = 5;
    settings.keep_level = true;
    return settings;
}

std::uint64_t of(const population_counts& counts, session_status status) {
    return counts.by_status[static_cast<std::size_t>(status)];
}

TEST(Population, HasExactlyTheStuckSessionsOverAThresholdAtAnyTime) {
    const population sessions{demo_settings(), epoch};
    // Past the held age and the time in created, all of them are over it, and no other session is.
    for (int minute = 1; minute <= 30; ++minute) {
        const auto counts = sessions.count(epoch + minutes{minute}, seconds{15});
        EXPECT_EQ(counts.stuck, 20U);
        EXPECT_EQ(counts.over_threshold[1], 20U) << "connecting, minute " << minute;
        EXPECT_EQ(counts.never_started, 5U);
        EXPECT_EQ(counts.over_threshold[0], 5U) << "created, minute " << minute;
    }
}

TEST(Population, StaysLevelWhenArrivalsAreComputed) {
    const population sessions{demo_settings(), epoch};
    EXPECT_NEAR(sessions.arrivals_per_second(), 1975 / 186.5, 0.01);
    for (int minute = 0; minute <= 30; minute += 3) {
        const auto counts = sessions.count(epoch + minutes{minute}, seconds{15});
        const auto alive = counts.sessions - of(counts, session_status::ended);
        EXPECT_NEAR(static_cast<double>(alive), 2000.0, 100.0) << "minute " << minute;
        // 10.6 a second times the mean time there.
        EXPECT_NEAR(static_cast<double>(of(counts, session_status::connecting)), 20 + 37, 25)
            << "minute " << minute;
        EXPECT_NEAR(static_cast<double>(of(counts, session_status::created)), 5 + 21, 20)
            << "minute " << minute;
    }
}

TEST(Population, NumberFallsWithoutArrivals) {
    population_settings settings = demo_settings();
    settings.keep_level = false;
    const population sessions{settings, epoch};
    const auto counts = sessions.count(epoch + minutes{6}, seconds{15});
    EXPECT_EQ(counts.sessions, 2000U);
    EXPECT_EQ(of(counts, session_status::ended), 1975U);
    EXPECT_EQ(of(counts, session_status::connecting), 20U);
    EXPECT_EQ(of(counts, session_status::created), 5U);
}

TEST(Population, FindsEverySessionByItsId) {
    const population sessions{demo_settings(), epoch};
    const system_time now = epoch + minutes{1};
    std::set<std::string> ids;
    sessions.for_each(now, [&](const session_life& life) {
        const std::string id = sessions.id_of(life.number);
        ids.insert(id);
        const auto found = sessions.find(id, now);
        ASSERT_TRUE(found.has_value()) << id;
        EXPECT_EQ(found->number, life.number);
        EXPECT_EQ(found->created_at, life.created_at);
    });
    EXPECT_EQ(ids.size(), sessions.count(now, seconds{15}).sessions);
    EXPECT_GT(ids.size(), 2600U);
}

TEST(Population, EachArrivalIsReportedOnceAndNotBeforeItsTime) {
    population_settings settings = demo_settings();
    settings.keep_level = false;
    settings.arrivals_per_second = 7.3;
    population sessions{settings, epoch};
    std::set<std::string> seen;
    for (int step = 1; step <= 600; ++step) {
        const system_time now = epoch + step * milliseconds{100};
        for (const std::string& id : sessions.take_arrived(now)) {
            const auto life = sessions.find(id, now);
            ASSERT_TRUE(life.has_value());
            EXPECT_LE(life->created_at, now);
            EXPECT_GT(life->created_at, now - milliseconds{102});
            EXPECT_TRUE(seen.insert(id).second);
        }
    }
    EXPECT_EQ(seen.size(), 438U);
}

TEST(Population, ArrivalIsUnknownBeforeItsTime) {
    population_settings settings = demo_settings();
    population sessions{settings, epoch};
    const auto later = sessions.take_arrived(epoch + seconds{60});
    ASSERT_GT(later.size(), 600U);
    EXPECT_FALSE(sessions.find(later.back(), epoch + seconds{30}).has_value());
    EXPECT_TRUE(sessions.find(later.back(), epoch + seconds{60}).has_value());
}

TEST(Population, AddsSessionsOfAKindByHand) {
    population sessions{demo_settings(), epoch};
    const auto first = sessions.add(3, session_kind::stuck, epoch + seconds{10});
    const auto second = sessions.add(2, session_kind::ordinary, epoch + seconds{20});
    ASSERT_EQ(first.size(), 3U);
    ASSERT_EQ(second.size(), 2U);
    const system_time now = epoch + minutes{20};
    for (const std::string& id : first) {
        const auto life = sessions.find(id, now);
        ASSERT_TRUE(life.has_value());
        EXPECT_EQ(life->kind, session_kind::stuck);
        EXPECT_EQ(life->created_at, epoch + seconds{10});
    }
    EXPECT_EQ(sessions.find(second[1], now)->created_at, epoch + seconds{20});
    EXPECT_EQ(sessions.count(now, seconds{15}).stuck, 23U);
}

TEST(Population, ArrivalsGetTheirShareOfStuckSessions) {
    population_settings settings;
    settings.sessions = 10;
    settings.arrivals_per_second = 100;
    settings.arriving_stuck_share = 0.1;
    settings.arriving_never_started_share = 0.2;
    const population sessions{settings, epoch};
    const auto counts = sessions.count(epoch + seconds{100}, seconds{15});
    EXPECT_NEAR(static_cast<double>(counts.stuck), 1000.0, 120.0);
    EXPECT_NEAR(static_cast<double>(counts.never_started), 2000.0, 200.0);
}

TEST(Population, CountsTheRequestsForEachSession) {
    population sessions{demo_settings(), epoch};
    for (std::uint64_t number = 0; number < 2000; ++number) {
        sessions.count_question(number);
    }
    EXPECT_EQ(sessions.count_question(1999), 2U);
    const asked_range range = sessions.questions_about_standing();
    EXPECT_EQ(range.sessions, 2000U);
    EXPECT_EQ(range.least, 1U);
    EXPECT_EQ(range.most, 2U);
    EXPECT_EQ(range.never_asked, 0U);
    const asked_range arrived = sessions.questions_about_arrived(epoch + seconds{10});
    EXPECT_EQ(arrived.sessions, 105U);
    EXPECT_EQ(arrived.never_asked, 105U);
}

} // namespace
} // namespace kallglot::simulator
