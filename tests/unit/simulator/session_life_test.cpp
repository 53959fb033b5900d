#include "simulator/session_life.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kallglot::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const system_time epoch{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};

session_life ordinary_life() {
    session_life life;
    life.created_at = epoch;
    life.connecting_at = epoch + seconds{2};
    life.started_at = epoch + seconds{5};
    life.ending_at = epoch + seconds{65};
    life.ended_at = epoch + seconds{66};
    return life;
}

struct status_row {
    milliseconds after;
    session_status status;
    session_status reduced;
};

TEST(SessionLife, ShowsEachStatusFromItsMomentOn) {
    const std::vector<status_row> rows{
        {milliseconds{-1}, session_status::created, session_status::created},
        {milliseconds{0}, session_status::created, session_status::created},
        {milliseconds{1999}, session_status::created, session_status::created},
        {milliseconds{2000}, session_status::connecting, session_status::created},
        {milliseconds{4999}, session_status::connecting, session_status::created},
        {milliseconds{5000}, session_status::active, session_status::active},
        {milliseconds{64'999}, session_status::active, session_status::active},
        {milliseconds{65'000}, session_status::ending, session_status::active},
        {milliseconds{65'999}, session_status::ending, session_status::active},
        {milliseconds{66'000}, session_status::ended, session_status::ended},
        {milliseconds{86'400'000}, session_status::ended, session_status::ended},
    };
    session_life life = ordinary_life();
    session_life reduced = ordinary_life();
    reduced.reduced_status = true;
    for (const status_row& row : rows) {
        EXPECT_EQ(status_at(life, epoch + row.after), row.status) << row.after.count();
        EXPECT_EQ(status_at(reduced, epoch + row.after), row.reduced) << row.after.count();
    }
}

TEST(SessionLife, KnowsWhenTheStatusBegan) {
    const session_life life = ordinary_life();
    EXPECT_EQ(status_since(life, epoch + seconds{1}), life.created_at);
    EXPECT_EQ(status_since(life, epoch + seconds{3}), life.connecting_at);
    EXPECT_EQ(status_since(life, epoch + seconds{30}), life.started_at);
    EXPECT_EQ(status_since(life, epoch + seconds{65}), life.ending_at);
    EXPECT_EQ(status_since(life, epoch + seconds{99}), life.ended_at);
}

TEST(SessionLife, IsTheSameWheneverItIsAskedFor) {
    const life_settings settings;
    for (std::uint64_t number = 0; number < 100; ++number) {
        const session_life once =
            make_standing_life(settings, number, session_kind::ordinary, epoch);
        const session_life again =
            make_standing_life(settings, number, session_kind::ordinary, epoch);
        EXPECT_EQ(once.created_at, again.created_at);
        EXPECT_EQ(once.ended_at, again.ended_at);
        EXPECT_EQ(once.draw, again.draw);
    }
}

TEST(SessionLife, FreedStuckSessionsStartIfTheyWereConnecting) {
    life_settings settings;
    const auto stuck = make_arriving_life(settings, 7, session_kind::stuck, epoch);
    EXPECT_EQ(status_at(stuck, epoch + minutes{60}), session_status::connecting);
    settings.freed = epoch + seconds{40};
    const auto freed = make_arriving_life(settings, 7, session_kind::stuck, epoch);
    EXPECT_EQ(status_at(freed, epoch + seconds{39}), session_status::connecting);
    EXPECT_EQ(freed.started_at, settings.freed);
    EXPECT_LT(freed.ended_at, never);
    const auto later = make_arriving_life(settings, 8, session_kind::stuck, epoch + minutes{1});
    EXPECT_EQ(later.started_at, never) << "it began to connect later";
}

TEST(SessionLife, DiffersBySeedAndByNumber) {
    life_settings settings;
    const auto first = make_arriving_life(settings, 7, session_kind::ordinary, epoch);
    const auto neighbour = make_arriving_life(settings, 8, session_kind::ordinary, epoch);
    settings.seed = 2;
    const auto reseeded = make_arriving_life(settings, 7, session_kind::ordinary, epoch);
    EXPECT_NE(first.draw, neighbour.draw);
    EXPECT_NE(first.draw, reseeded.draw);
    EXPECT_NE(first.ended_at, neighbour.ended_at);
}

TEST(SessionLife, MovesForwardOnlyAndStaysWithinItsRanges) {
    const life_settings settings;
    for (std::uint64_t number = 0; number < 5000; ++number) {
        const session_life life =
            number % 2 == 0 ? make_standing_life(settings, number, session_kind::ordinary, epoch)
                            : make_arriving_life(settings, number, session_kind::ordinary, epoch);
        const auto created = life.connecting_at - life.created_at;
        const auto connecting = life.started_at - life.connecting_at;
        ASSERT_GE(created, settings.created.shortest);
        ASSERT_LE(created, settings.created.longest);
        ASSERT_GE(connecting, settings.connecting.shortest);
        // An alert at 15 s must never count one of these.
        ASSERT_LE(connecting, settings.connecting.longest);
        ASSERT_GE(life.ending_at - life.started_at, settings.active.shortest);
        ASSERT_LE(life.ending_at - life.started_at, settings.active.longest);
        ASSERT_LE(life.ended_at - life.ending_at, settings.ending.longest);
        auto last = session_status::created;
        for (milliseconds after{0}; after <= minutes{8}; after += milliseconds{700}) {
            const session_status now = status_at(life, life.created_at + after);
            ASSERT_GE(now, last);
            last = now;
        }
        ASSERT_EQ(last, session_status::ended);
    }
}

TEST(SessionLife, InitialSessionsAreInProgressAtTheEpoch) {
    const life_settings settings;
    for (std::uint64_t number = 0; number < 5000; ++number) {
        const auto life = make_standing_life(settings, number, session_kind::ordinary, epoch);
        ASSERT_LE(life.created_at, epoch);
        ASSERT_GT(life.ended_at, epoch);
    }
}

TEST(SessionLife, StuckAndNeverStartedSessionsNeverLeave) {
    const life_settings settings;
    const system_time later = epoch + std::chrono::hours{1000};
    for (std::uint64_t number = 0; number < 200; ++number) {
        const auto stuck = make_standing_life(settings, number, session_kind::stuck, epoch);
        const auto waiting =
            make_standing_life(settings, number, session_kind::never_started, epoch);
        EXPECT_EQ(status_at(stuck, later), session_status::connecting);
        EXPECT_EQ(status_at(waiting, later), session_status::created);
        EXPECT_EQ(stuck.started_at, never);
        EXPECT_EQ(waiting.connecting_at, never);
    }
}

TEST(SessionLife, AbandonedOnesEndWithoutAStart) {
    life_settings settings;
    settings.abandoned_share = 1.0;
    const auto life = make_arriving_life(settings, 3, session_kind::ordinary, epoch);
    EXPECT_EQ(life.kind, session_kind::abandoned);
    EXPECT_EQ(life.started_at, never);
    EXPECT_EQ(status_at(life, life.connecting_at), session_status::connecting);
    EXPECT_EQ(status_at(life, life.ended_at), session_status::ended);
}

TEST(SessionLife, SharesHoldOverManySessions) {
    life_settings settings;
    settings.second_generation_share = 0.3;
    settings.reduced_status_share = 0.5;
    int second = 0;
    int reduced = 0;
    constexpr int sessions = 10'000;
    for (std::uint64_t number = 0; number < sessions; ++number) {
        const auto life = make_arriving_life(settings, number, session_kind::ordinary, epoch);
        second += life.generation == json_generation::second ? 1 : 0;
        reduced += life.reduced_status ? 1 : 0;
    }
    EXPECT_NEAR(second, 3000, 200);
    EXPECT_NEAR(reduced, 1500, 150);
}

TEST(SessionLife, MeanLifeIsTheMeanOfManyLives) {
    const life_settings settings;
    milliseconds total{0};
    constexpr int sessions = 20'000;
    for (std::uint64_t number = 0; number < sessions; ++number) {
        const auto life = make_arriving_life(settings, number, session_kind::ordinary, epoch);
        total += life.ended_at - life.created_at;
    }
    const double mean = std::chrono::duration<double>(total).count() / sessions;
    EXPECT_NEAR(mean, mean_life(settings).count(), 2.0);
}

} // namespace
} // namespace kallglot::simulator
