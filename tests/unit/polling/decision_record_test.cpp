// The share of sessions that were decided in time.

#include "polling/decision_record.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

/// `due` decisions a minute for some minutes, of which `decided` are sent after `delay`.
void run(decision_record& record,
         steady_time start,
         int minutes,
         int due,
         int decided,
         steady_duration delay = 2s) {
    for (int i = 0; i < minutes; ++i) {
        for (int k = 0; k < due; ++k) {
            const steady_time at = start + i * 1min + k * 1s;
            record.note_due(at);
            if (k < decided) {
                record.note_sent(at, at + delay);
            }
        }
    }
}

TEST(DecisionRecord, IsEmptyUntilAMinuteCanBeJudged) {
    decision_record record;
    EXPECT_FALSE(record.ratio(t0));
    run(record, t0, 1, 10, 10);
    EXPECT_FALSE(record.ratio(t0 + 9s));
    EXPECT_EQ(record.ratio(t0 + 3min), 1);
}

TEST(DecisionRecord, CountsWaitingSessionsAsNotDecided) {
    decision_record record;
    run(record, t0, 15, 50, 29);
    EXPECT_NEAR(record.ratio(t0 + 15min + 10s).value(), 0.58, 0.001);
}

TEST(DecisionRecord, ALatePollDecidesNothingInTime) {
    decision_record record;
    run(record, t0, 5, 20, 20, 11s);
    EXPECT_EQ(record.ratio(t0 + 7min), 0);
}

TEST(DecisionRecord, ForgetsAfterAQuarterOfAnHour) {
    decision_record record;
    run(record, t0, 10, 20, 0);
    run(record, t0 + 10min, 15, 20, 20);
    EXPECT_EQ(record.ratio(t0 + 27min), 1);
    EXPECT_FALSE(record.ratio(t0 + 60min));
}

TEST(DecisionRecord, IgnoresDueTimesBeforeTheKeptMinutes) {
    decision_record record;
    run(record, t0 + 20min, 5, 20, 20);
    // The same place as a minute above.
    record.note_due(t0 + 4min);
    record.note_sent(t0 + 4min, t0 + 26min);
    EXPECT_EQ(record.ratio(t0 + 27min), 1);
}

} // namespace
} // namespace kallglot
