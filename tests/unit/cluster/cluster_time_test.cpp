// Cluster time has no large steps, whatever the database's clock does, and rounding never makes an age older.

#include "cluster/cluster_time.hpp"

#include "bench/policy/random_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace kallglot {
namespace {

using std::chrono::microseconds;
using database_time = std::chrono::sys_time<microseconds>;

/// A database whose clock can be set, and its row of corrections.
struct clocked_database {
    microseconds offset{1'700'000'000'000'000}; ///< of its clock, from the world's
    std::int32_t era = 0;
    milliseconds correction{0};

    [[nodiscard]] clock_reading read(steady_duration world) const {
        return {database_time(std::chrono::duration_cast<microseconds>(world) + offset),
                era,
                correction};
    }

    void write(const clock_correction& proposed) {
        if (proposed.era == era) {
            ++era;
            correction += proposed.step;
        }
    }
};

/// A replica that reads it.
struct reader {
    steady_duration start;
    cluster_time time;

    [[nodiscard]] steady_time at(steady_duration world) const { return steady_time(start + world); }

    std::optional<clock_correction> read(const clocked_database& database,
                                         steady_duration world,
                                         steady_duration before = milliseconds(1),
                                         steady_duration after = milliseconds(1)) {
        return time.take(database.read(world), at(world - before), at(world + after));
    }
};

struct ClusterTime : testing::Test {
    clocked_database database;
    reader one{seconds(100), {}};
    reader two{std::chrono::hours(9), {}};
};

TEST_F(ClusterTime, MomentsMeanTheSameToAllReplicas) {
    EXPECT_FALSE(one.time.is_known());
    EXPECT_FALSE(one.read(database, seconds(10)));
    EXPECT_FALSE(two.read(database, seconds(10)));
    EXPECT_TRUE(one.time.is_known());
    const steady_time here = one.at(seconds(5));
    const steady_time there = two.time.to_steady(one.time.to_stored(here));
    EXPECT_GE(there, two.at(seconds(5))) << "never older";
    EXPECT_LE(there, two.at(seconds(5)) + milliseconds(5));
}

TEST_F(ClusterTime, FirstReplicaThatSeesAStepCorrectsItForAll) {
    for (const microseconds step :
         {microseconds(150'000), microseconds(-3'600'000'000), microseconds(5'000'400)}) {
        database.era = 0;
        database.correction = {};
        one.time = {};
        two.time = {};
        static_cast<void>(one.read(database, seconds(10)));
        static_cast<void>(two.read(database, seconds(10)));
        const stored_moment before = one.time.to_stored(one.at(seconds(10)));
        database.offset += step;

        const auto first = one.read(database, seconds(11));
        const auto second = two.read(database, seconds(11));
        ASSERT_TRUE(first && second);
        database.write(*first);
        database.write(*second);
        EXPECT_EQ(database.era, 1) << "the second came too late";
        EXPECT_LE(std::chrono::abs(database.correction - step), milliseconds(2));

        EXPECT_FALSE(one.read(database, seconds(12)));
        EXPECT_FALSE(two.read(database, seconds(12)));
        EXPECT_LE(std::chrono::abs(two.time.to_steady(before) - two.at(seconds(10))),
                  milliseconds(30));
    }
}

TEST_F(ClusterTime, GoesOnUntilTheCorrectionIsInForce) {
    static_cast<void>(one.read(database, seconds(10)));
    const stored_moment before = one.time.to_stored(one.at(seconds(11)));
    database.offset += seconds(2);
    ASSERT_TRUE(one.read(database, seconds(11)));
    ASSERT_TRUE(one.read(database, seconds(12)));
    EXPECT_EQ(one.time.to_stored(one.at(seconds(11))), before);
}

TEST_F(ClusterTime, SlowAnswersAreNoStep) {
    static_cast<void>(one.read(database, seconds(10)));
    EXPECT_FALSE(one.read(database, seconds(11), milliseconds(1), seconds(2)));
    EXPECT_FALSE(one.read(database, seconds(14), seconds(2), milliseconds(1)));
    // What was known before is not given up for a worse reading.
    EXPECT_LE(one.time.to_steady(one.time.to_stored(one.at(seconds(14)))) - one.at(seconds(14)),
              milliseconds(100));
}

TEST_F(ClusterTime, SmallStepsAreFollowed) {
    static_cast<void>(one.read(database, seconds(10)));
    database.offset += milliseconds(90);
    EXPECT_FALSE(one.read(database, seconds(11)));
    EXPECT_FALSE(one.read(database, seconds(12)));
}

/// By how much an age was overstated at most, with random steps of the database's clock. Each answer takes up to `usual`, one in
/// five up to `slow`.
steady_duration greatest_overstatement(milliseconds usual, milliseconds slow) {
    policy::random_source random(3);
    steady_duration greatest{};
    for (int round = 0; round < 1000; ++round) {
        clocked_database database;
        reader one{seconds(100), {}};
        reader two{std::chrono::hours(9), {}};
        const auto read = [&](reader& by, steady_duration world) {
            // Named, because the order in which arguments are evaluated differs between compilers.
            const auto limit = (random.chance(0.2) ? slow : usual) / 2;
            const auto before = random.between({}, limit);
            const auto after = random.between({}, limit);
            return by.read(database, world, before, after);
        };
        for (int second = 1; second < 60; ++second) {
            if (random.chance(0.05)) {
                database.offset +=
                    microseconds(static_cast<std::int64_t>(random.bits() % 8'000'000) - 4'000'000);
            }
            for (reader* each : {&one, &two}) {
                if (const auto step = read(*each, seconds(second))) {
                    database.write(*step);
                    static_cast<void>(read(*each, seconds(second) + milliseconds(1)));
                }
            }
            const steady_time there =
                two.time.to_steady(one.time.to_stored(one.at(seconds(second))));
            greatest = std::max(greatest, two.at(seconds(second)) - there);
        }
    }
    return greatest;
}

// A step of up to 100 ms is followed, and one of both replicas may have seen it before the other.
TEST_F(ClusterTime, QuickReadingsOverstateAnAgeByLittleMoreThanAStepThatIsFollowed) {
    EXPECT_LE(greatest_overstatement(milliseconds(10), milliseconds(10)), milliseconds(150));
}

// A correction is as precise as the readings before and after the step.
TEST_F(ClusterTime, SlowReadingsOverstateAnAgeByWhatTheyTookAtMost) {
    EXPECT_LE(greatest_overstatement(milliseconds(10), seconds(1)), milliseconds(1100));
}

} // namespace
} // namespace kallglot
