// Cluster time has no large steps, whatever the database's clock does, and rounding never makes an age older.

#include "kallglot/cluster/cluster_time.hpp"

#include "bench/policy/random_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

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
        // By what the readings leave open, and the time between them: never too little, so never older.
        EXPECT_GE(database.correction, step);
        EXPECT_LE(database.correction - step, milliseconds(7));

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
    database.offset += milliseconds(9);
    EXPECT_FALSE(one.read(database, seconds(11)));
    EXPECT_FALSE(one.read(database, seconds(12)));
    const steady_time back = one.time.to_steady(one.time.to_stored(one.at(seconds(12))));
    EXPECT_LE(back - one.at(seconds(12)), milliseconds(5)) << "no doubt is left of the step";
}

TEST_F(ClusterTime, ClockThatIsSlewedIsFollowed) {
    static_cast<void>(one.read(database, seconds(10)));
    for (int second = 11; second < 100; ++second) {
        database.offset += milliseconds(9);
        ASSERT_FALSE(one.read(database, seconds(second)));
    }
}

// One slow answer after a step, and then quick ones.
TEST_F(ClusterTime, StepIsCorrectedAsPreciselyAsTheBestOfAFewReadings) {
    static_cast<void>(one.read(database, seconds(10)));
    database.offset += seconds(7);
    EXPECT_FALSE(one.read(database, seconds(11), milliseconds(400), milliseconds(500)));
    const auto quick = one.read(database, seconds(12));
    ASSERT_TRUE(quick);
    EXPECT_GE(quick->step, seconds(7));
    EXPECT_LE(quick->step, seconds(7) + milliseconds(10));
}

TEST_F(ClusterTime, StepIsCorrectedAlsoIfAllReadingsAreSlow) {
    static_cast<void>(one.read(database, seconds(10)));
    database.offset += seconds(7);
    std::optional<clock_correction> slow;
    int count = 0;
    while (!slow && count < 100) {
        slow = one.read(database, seconds(11 + count++), milliseconds(400), milliseconds(500));
    }
    ASSERT_TRUE(slow);
    EXPECT_EQ(count, cluster_time::max_reading_count);
    EXPECT_GE(slow->step, seconds(7));
    EXPECT_LE(slow->step, seconds(8));
}

TEST_F(ClusterTime, SecondStepBeforeTheCorrectionIsCorrectedToo) {
    static_cast<void>(one.read(database, seconds(10)));
    database.offset += seconds(7);
    EXPECT_FALSE(one.read(database, seconds(11), milliseconds(400), milliseconds(500)));
    database.offset -= seconds(3);
    const auto both = one.read(database, seconds(12));
    ASSERT_TRUE(both);
    EXPECT_GE(both->step, seconds(4));
    EXPECT_LE(both->step, seconds(4) + milliseconds(10));
}

TEST_F(ClusterTime, CorrectionThatAFailoverForgotIsMadeAgain) {
    static_cast<void>(one.read(database, seconds(10)));
    const clocked_database before = database;
    database.offset += seconds(5);
    const auto first = one.read(database, seconds(11));
    ASSERT_TRUE(first);
    database.write(*first);
    EXPECT_FALSE(one.read(database, seconds(12)));
    database.era = before.era;
    database.correction = before.correction;
    const auto again = one.read(database, seconds(13));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->era, before.era);
    EXPECT_LE(again->step - first->step, milliseconds(20));
}

// The correction of the first step is in force at the reading that shows the second.
TEST_F(ClusterTime, StepRightAfterACorrectionIsCorrectedToo) {
    static_cast<void>(one.read(database, seconds(10)));
    database.offset += seconds(5);
    const auto first = one.read(database, seconds(11));
    ASSERT_TRUE(first);
    database.write(*first);
    database.offset -= seconds(3);
    const auto second = one.read(database, seconds(12));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->era, 1);
    EXPECT_GE(first->step + second->step, seconds(2));
    EXPECT_LE(first->step + second->step, seconds(2) + milliseconds(20));
}

// Its steady clock stood still, so the database's seems to have stepped. The other one knows better, but two that correct each
// other would never end.
TEST_F(ClusterTime, PausedMachineMakesAgesYoungerOnceAtMost) {
    static_cast<void>(one.read(database, seconds(10)));
    static_cast<void>(two.read(database, seconds(10)));
    const stored_moment stored = two.time.to_stored(two.at(seconds(10)));
    one.start -= seconds(2);
    int corrections = 0;
    for (int second = 13; second < 30; ++second) {
        for (reader* each : {&one, &two}) {
            if (const auto step = each->read(database, seconds(second))) {
                ++corrections;
                database.write(*step);
            }
        }
    }
    EXPECT_EQ(corrections, 1);
    EXPECT_LE(two.time.to_steady(stored) - two.at(seconds(10)), seconds(2) + milliseconds(50));
    EXPECT_GE(two.time.to_steady(stored), two.at(seconds(10)));
}

/// By how much ages were overstated and understated at most, while the database's clock makes steps.
struct age_errors {
    steady_duration older{};
    steady_duration younger{};
    int steps = 0;
};

/// The owner stores a moment each second; the taker, which reads later, knows it until the end. Each answer takes up to
/// `usual`, one in five up to `slow`. Before each step both have read for a while.
class stepping_clock {
public:
    stepping_clock(std::uint64_t seed, milliseconds usual, milliseconds slow)
        : random_(seed),
          usual_(usual),
          slow_(slow) {}

    age_errors run() {
        for (int second = 1; second < 70; ++second) {
            const steady_duration now = seconds(second);
            if (second - last_step_ > 10 && random_.chance(0.05)) {
                last_step_ = second;
                database_.offset +=
                    microseconds(static_cast<std::int64_t>(random_.bits() % 8'000'000) - 4'000'000);
                ++errors_.steps;
            }
            // A takeover is later than all that the owner stored, and its answer later than that.
            read(owner_, now);
            stored_.push_back(owner_.time.to_stored(owner_.at(now)));
            read(taker_, now);
            look();
        }
        return errors_;
    }

private:
    void read(reader& by, steady_duration world) {
        // Named, because the order in which arguments are evaluated differs between compilers.
        const auto limit = (random_.chance(0.2) ? slow_ : usual_) / 2;
        const auto before = random_.between({}, limit);
        const auto after = random_.between({}, limit);
        if (const auto step = by.read(database_, world, before, after)) {
            database_.write(*step);
        }
    }

    void look() {
        for (std::size_t i = 0; i < stored_.size(); ++i) {
            const steady_time truth = taker_.at(seconds(i + 1));
            const steady_duration younger = taker_.time.to_steady(stored_[i]) - truth;
            errors_.older = std::max(errors_.older, -younger);
            errors_.younger = std::max(errors_.younger, younger);
        }
    }

    policy::random_source random_;
    milliseconds usual_;
    milliseconds slow_;
    clocked_database database_;
    reader owner_{seconds(100), {}};
    reader taker_{std::chrono::hours(9), {}};
    std::vector<stored_moment> stored_;
    int last_step_ = 0;
    age_errors errors_;
};

/// By how much an age was overstated at most in a thousand clocks. Of each it checks that a step understates no age by more
/// than the readings before and after it took.
steady_duration greatest_overstatement(milliseconds usual, milliseconds slow) {
    steady_duration greatest{};
    int steps = 0;
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        const age_errors errors = stepping_clock(seed, usual, slow).run();
        greatest = std::max(greatest, errors.older);
        steps += errors.steps;
        EXPECT_LE(errors.younger, (errors.steps + 1) * (2 * slow + cluster_time::min_step))
            << "seed " << seed;
    }
    EXPECT_GT(steps, 1000);
    return greatest;
}

// A step that is followed, and one that is hidden by the time that a quick reading takes.
constexpr milliseconds few = cluster_time::min_step + milliseconds(10);

TEST(ClusterTimeErrors, QuickReadingsOverstateNoAge) {
    EXPECT_LE(greatest_overstatement(milliseconds(10), milliseconds(10)), few);
}

TEST(ClusterTimeErrors, SlowReadingsAmongQuickOnesOverstateNoAge) {
    EXPECT_LE(greatest_overstatement(milliseconds(10), seconds(1)), few);
}

// No reading is quicker than the step that it hides.
TEST(ClusterTimeErrors, SlowReadingsOverstateAnAgeByLessThanTheyTake) {
    EXPECT_LE(greatest_overstatement(milliseconds(300), milliseconds(300)), milliseconds(300));
}

} // namespace
} // namespace kallglot
