// The tracker against simulated lives whose truth is known: ages are never overstated, order never matters.

#include "kallglot/tracking/session_tracker.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;
using enum session_status;

/// When a session really entered each status; no_time if it never did.
struct life {
    std::array<steady_time, 5> began{no_time, no_time, no_time, no_time, no_time};
    steady_duration clock_offset{}; ///< how far the API's clock is from any other
    seconds resolution{1};          ///< of its timestamps; 0: milliseconds

    [[nodiscard]] session_status status_at(steady_time at) const {
        session_status status = created;
        for (std::size_t i = 0; i < began.size(); ++i) {
            if (began[i] != no_time && began[i] <= at) {
                status = static_cast<session_status>(i);
            }
        }
        return status;
    }

    [[nodiscard]] api_time api_clock(steady_time at) const {
        return test::api_at(at + clock_offset);
    }

    [[nodiscard]] std::optional<api_time> timestamp(session_status status, steady_time at) const {
        const steady_time when = began[static_cast<std::size_t>(status)];
        if (when == no_time || when > at) {
            return std::nullopt;
        }
        const api_time exact = api_clock(when);
        return resolution == 0s ? exact : api_time(std::chrono::floor<seconds>(exact));
    }

    [[nodiscard]] session_snapshot snapshot_at(steady_time at) const {
        session_snapshot said = test::snapshot(status_at(at));
        said.created_at = timestamp(created, at);
        said.started_at = timestamp(active, at);
        said.ended_at = timestamp(ended, at);
        return said;
    }
};

steady_duration skewed(test::chance& chance, steady_duration most) {
    const double part = chance.part();
    return std::chrono::duration_cast<steady_duration>(most * (part * part * part));
}

life random_life(test::chance& chance) {
    life lived;
    lived.clock_offset = chance.between(-48h, 48h);
    lived.resolution = chance.of(70) ? 1s : 0s;
    steady_time at = t0 + chance.between(0s, 10s);
    lived.began[0] = at;
    const bool stuck = chance.of(10);
    for (std::size_t i = 1; i < lived.began.size() && !(stuck && i == 2); ++i) {
        at += skewed(chance, 10min);
        // Some lives skip connecting, active or ending.
        if (i == 4 || !chance.of(15)) {
            lived.began[i] = at;
        }
    }
    return lived;
}

struct poll {
    session_snapshot said;
    exchange_times times;
};

poll random_poll(const life& lived, steady_time sent, test::chance& chance) {
    const steady_time answered = sent + skewed(chance, 5s);
    const steady_time received = answered + skewed(chance, 5s);
    std::optional<api_time> date;
    if (!chance.of(5)) {
        date = std::chrono::floor<seconds>(lived.api_clock(answered));
    }
    return {lived.snapshot_at(answered), {sent, received, date}};
}

void expect_true(const session_record& record, const life& lived, const tracking& changes) {
    const auto truth = [&](session_status status) {
        return lived.began[static_cast<std::size_t>(status)];
    };
    ASSERT_GE(record.since, truth(record.status)) << to_string(record.status);
    ASSERT_TRUE(record.created == no_time || record.created >= truth(created));
    ASSERT_TRUE(record.started == no_time || record.started >= truth(active));
    if (record.since_slack_ms != session_record::unknown_slack) {
        ASSERT_LE(record.since - milliseconds(record.since_slack_ms), truth(record.status))
            << to_string(record.status);
    }
    if (changes.change && changes.change->dwell) {
        const steady_duration real = truth(changes.change->to) - truth(changes.change->from);
        const steady_duration measured = *changes.change->dwell;
        // A stay that no poll saw lies between the two: it only makes the real one shorter.
        const steady_duration tolerance = std::max<steady_duration>(measured / 10, 5s) / 2 + 1ms;
        ASSERT_LE(measured - real, tolerance) << to_string(changes.change->from);
        ASSERT_LE(real - measured, tolerance) << to_string(changes.change->from);
    }
}

bool skipped_between(const life& lived, const status_change& change) {
    for (auto i = static_cast<std::size_t>(change.from) + 1;
         i < static_cast<std::size_t>(change.to);
         ++i) {
        if (lived.began[i] != no_time) {
            return true;
        }
    }
    return false;
}

TEST(SessionTrackerProperty, NeverOverstatesAnAge) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    std::size_t dwells = 0;
    for (std::size_t i = 0; i < test::rounds(100'000); ++i) {
        const life lived = random_life(chance);
        session_record record = test::registered(lived.began[0] + chance.between(0s, 5s));
        steady_time sent = record.since;
        for (int polls = 0; polls < 12 && record.status != ended; ++polls) {
            const poll answer = random_poll(lived, sent, chance);
            if (chance.of(5)) {
                observe_failure(record, failure_reason::timeout);
            } else {
                tracking changes = observe(record, answer.said, answer.times);
                ASSERT_EQ(record.status, answer.said.status);
                if (changes.change && skipped_between(lived, *changes.change)) {
                    changes.change.reset(); // what was not seen cannot be measured apart
                }
                dwells += changes.change && changes.change->dwell ? 1 : 0;
                expect_true(record, lived, changes);
                if (testing::Test::HasFatalFailure()) {
                    FAIL() << "life " << i << ", poll " << polls;
                }
            }
            sent = answer.times.received + skewed(chance, 5min);
        }
    }
    EXPECT_GT(dwells, test::rounds(100'000) / 10) << "the dwell was hardly ever tried";
}

TEST(SessionTrackerProperty, TheOrderOfAnswersDoesNotMatter) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    for (std::size_t i = 0; i < test::rounds(100'000); ++i) {
        const life lived = random_life(chance);
        std::vector<poll> answers;
        for (int k = 0; k < 8; ++k) {
            answers.push_back(
                random_poll(lived, lived.began[0] + chance.between(0s, 20min), chance));
        }
        answers.push_back(random_poll(lived, t0 + 2h, chance));
        std::shuffle(answers.begin(), answers.end(), chance.engine());

        session_record record = test::registered(lived.began[0]);
        std::size_t ends = 0;
        for (const poll& answer : answers) {
            const tracking changes = observe(record, answer.said, answer.times);
            ASSERT_FALSE(changes.change && changes.change->backwards) << "life " << i;
            ends += changes.ended ? 1 : 0;
            ASSERT_GE(record.since, lived.began[static_cast<std::size_t>(record.status)]);
        }
        const session_status last = lived.status_at(t0 + 2h);
        ASSERT_EQ(record.status, last) << "life " << i;
        ASSERT_EQ(ends, last == ended ? 1U : 0U) << "life " << i;
    }
}

} // namespace
} // namespace kallglot
