#include "polling/answer_age.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

constexpr steady_time t0{1000h};
constexpr api_time api_t0{1'776'159'394s};

/// An answer that took 100 ms, with the `Date` that a cache or a server wrote: whole seconds.
api_answer answered(steady_time sent, api_time date, std::uint64_t request_id = 0) {
    api_answer answer;
    answer.slot = session_slot{7};
    answer.http_status = 200;
    answer.sent = sent;
    answer.received = sent + 100ms;
    answer.headers.date = std::chrono::floor<seconds>(date);
    answer.headers.request_id = request_id;
    return answer;
}

/// The API's clock at a moment of ours.
api_time api_at(steady_time at) {
    return api_t0 + std::chrono::duration_cast<milliseconds>(at - t0);
}

class AnswerAges : public testing::Test {
protected:
    AnswerAges() {
        // Fresh answers so far, each with an id of its own.
        for (std::uint64_t i = 1; i <= 10; ++i) {
            now_ += 1s;
            EXPECT_FALSE(ages_.of(answered(now_, api_at(now_), i)).is_stored());
        }
        now_ += 1s;
    }

    answer_ages ages_;
    steady_time now_ = t0;
};

TEST_F(AnswerAges, AFreshAnswerWasMadeWhenItsRequestWasSent) {
    for (unsigned i = 0; i < 100; ++i) {
        now_ += 730ms;
        const answer_age age = ages_.of(answered(now_, api_at(now_ + 50ms), 100 + i));
        EXPECT_EQ(age.made, now_) << i;
        EXPECT_FALSE(age.is_stored());
    }
}

TEST_F(AnswerAges, AgeIsSubtracted) {
    api_answer answer = answered(now_, api_at(now_));
    answer.headers.age = 25s;
    const answer_age age = ages_.of(answer);
    EXPECT_EQ(age.made, now_ - 26s);
    EXPECT_EQ(age.shown_by, "Age");
}

TEST_F(AnswerAges, AgeOfNoSecondsLeavesASecondInDoubt) {
    api_answer answer = answered(now_, api_at(now_));
    answer.headers.age = 0s;
    const answer_age age = ages_.of(answer);
    EXPECT_EQ(age.made, now_ - 1s);
    EXPECT_FALSE(age.is_stored()) << "Varnish sends it with every answer";
}

TEST_F(AnswerAges, AnOldDateIsSubtracted) {
    const answer_age age = ages_.of(answered(now_, api_at(now_ - 40s)));
    EXPECT_LE(age.made, now_ - 40s);
    EXPECT_GE(age.made, now_ - 43s);
    EXPECT_EQ(age.shown_by, "Date");
}

TEST_F(AnswerAges, TheOlderOfAgeAndDateCounts) {
    api_answer answer = answered(now_, api_at(now_ - 40s));
    answer.headers.age = 3s;
    EXPECT_LE(ages_.of(answer).made, now_ - 40s);
}

TEST_F(AnswerAges, AStoredAnswerWithoutAgeProvesNothing) {
    api_answer answer = answered(now_, api_at(now_));
    answer.headers.stored_by = "X-Cache";
    EXPECT_EQ(ages_.of(answer).made, no_time);
    EXPECT_EQ(ages_.of(answer).shown_by, "X-Cache");
}

TEST_F(AnswerAges, TheAnswerOfBeforeProvesNothing) {
    EXPECT_FALSE(ages_.of(answered(now_, api_at(now_), 4711)).is_stored());
    const answer_age again = ages_.of(answered(now_ + 1s, api_at(now_ + 1s), 4711));
    EXPECT_EQ(again.made, no_time);
    EXPECT_EQ(again.shown_by, "X-Request-ID");
    // Another session with the same id in its answer: then it is no id of one answer.
    api_answer other = answered(now_ + 2s, api_at(now_ + 2s), 4711);
    other.slot = session_slot{8};
    EXPECT_FALSE(ages_.of(other).is_stored());
    EXPECT_FALSE(ages_.of(answered(now_ + 3s, api_at(now_ + 3s), 4712)).is_stored());
}

TEST_F(AnswerAges, ServersWhoseClocksDifferByASecondAreFresh) {
    for (int i = 0; i < 100; ++i) {
        now_ += 500ms;
        const steady_duration ahead = i % 3 == 0 ? 900ms : 0ms;
        EXPECT_FALSE(ages_.of(answered(now_, api_at(now_ + ahead))).is_stored()) << i;
    }
}

TEST_F(AnswerAges, ASlowAnswerIsFresh) {
    for (int i = 0; i < 20; ++i) {
        now_ += 10s;
        api_answer slow = answered(now_, api_at(now_));
        slow.received = now_ + 9s;
        EXPECT_FALSE(ages_.of(slow).is_stored()) << i;
        EXPECT_FALSE(ages_.of(answered(now_ + 9s, api_at(now_ + 9s))).is_stored()) << i;
    }
}

TEST_F(AnswerAges, AFrozenDateConfirmsNothing) {
    const api_time frozen = api_at(now_);
    for (int i = 0; i < 600; ++i) {
        now_ += 1s;
        const answer_age age = ages_.of(answered(now_, frozen));
        if (i > 2) {
            EXPECT_TRUE(age.is_stored()) << i;
            // At most the seconds by which it could still be fresh.
            EXPECT_LE(age.made, now_ - seconds(i - 2)) << i;
        }
    }
}

TEST_F(AnswerAges, AClockThatIsSetForwardCountsAtOnce) {
    EXPECT_FALSE(ages_.of(answered(now_, api_at(now_ + 1h))).is_stored());
    EXPECT_FALSE(ages_.of(answered(now_ + 1s, api_at(now_ + 1s + 1h))).is_stored());
}

TEST_F(AnswerAges, AClockThatIsSetBackCountsAfterHalfAMinute) {
    int stored = 0;
    for (int i = 0; i < 60; ++i) {
        now_ += 1s;
        stored += ages_.of(answered(now_, api_at(now_ - 1h))).is_stored() ? 1 : 0;
    }
    EXPECT_EQ(stored, 30);
}

TEST_F(AnswerAges, AClockThatRunsALittleSlowerIsNoCache) {
    for (int i = 0; i < 20'000; ++i) {
        now_ += 2s;
        // 200 parts in a million: eight seconds in these eleven hours.
        const steady_duration behind = (now_ - t0) / 5000;
        ASSERT_FALSE(ages_.of(answered(now_, api_at(now_ - behind))).is_stored()) << i;
    }
}

} // namespace
} // namespace kallglot::test
