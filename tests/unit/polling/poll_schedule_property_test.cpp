// The schedule against a simple model, and at work with too few requests.

#include "kallglot/polling/poll_schedule.hpp"
#include "unit/polling/polled_sessions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::observed;
using test::polled_sessions;
using test::t0;
using enum session_status;

/// How long sessions had to wait between two polls, by status.
struct service {
    std::map<session_status, double> mean_ratio; ///< of the interval, averaged
    std::map<session_status, double> worst_ratio;
};

/// Serves `sessions` at `rate` for `span`, after a warm-up as long. Statuses never change and stay young.
service serve(polled_sessions& sessions, double rate, steady_duration span, bool renew) {
    std::vector<steady_time> last(sessions.registry().slot_count(), no_time);
    std::map<session_status, std::pair<double, std::size_t>> sums;
    service result;
    static_cast<void>(sessions.schedule().use_budget(rate, t0));
    const steady_duration step = from_seconds(1 / rate);
    for (steady_time now = t0; now < t0 + 2 * span; now += step) {
        const auto poll = sessions.send(now);
        if (!poll) {
            continue;
        }
        const session_record& record = sessions.registry()[poll->slot];
        steady_time& previous = last[index_of(poll->slot)];
        if (now > t0 + span && previous != no_time) {
            const double ratio = to_seconds(now - previous) / to_seconds(poll->interval);
            auto& [sum, count] = sums[record.status];
            sum += ratio;
            ++count;
            double& worst = result.worst_ratio[record.status];
            worst = std::max(worst, ratio);
        }
        previous = now;
        if (renew) {
            sessions.registry().update(poll->slot, [now](session_record& r) { r.since = now; });
        }
        sessions.answer(poll->slot, now);
    }
    for (const auto& [status, sum] : sums) {
        result.mean_ratio[status] = sum.first / static_cast<double>(sum.second);
    }
    return result;
}

TEST(PollScheduleProperty, StretchesAllIntervalsByTheSameRatio) {
    polled_sessions sessions(test::routine_only());
    const std::array<std::pair<session_status, int>, 5> mix{std::pair{created, 1000},
                                                            {connecting, 500},
                                                            {active, 7000},
                                                            {ending, 300},
                                                            {unknown, 1200}};
    for (const auto& [status, count] : mix) {
        for (int i = 0; i < count; ++i) {
            sessions.add(observed(status, t0, t0), t0);
        }
    }
    const double tenth = sessions.schedule().demand() / 10;
    const service served = serve(sessions, tenth, 1000s, true);
    ASSERT_EQ(served.mean_ratio.size(), mix.size());
    for (const auto& [status, ratio] : served.mean_ratio) {
        EXPECT_NEAR(ratio, 10, 0.3) << to_string(status);
        EXPECT_LT(served.worst_ratio.at(status), 11.5) << "starved: " << to_string(status);
    }
}

TEST(PollScheduleProperty, KeepsEveryIntervalWhenThereIsEnough) {
    polled_sessions sessions(test::routine_only());
    for (int i = 0; i < 300; ++i) {
        sessions.add(observed(i % 2 == 0 ? active : connecting, t0, t0), t0);
    }
    const service served = serve(sessions, sessions.schedule().demand() * 2, 300s, true);
    for (const auto& [status, ratio] : served.mean_ratio) {
        EXPECT_NEAR(ratio, 1, 0.05) << to_string(status);
    }
}

TEST(PollScheduleProperty, SessionsStuckForAnHourLeaveTheRequestsToFreshOnes) {
    polled_sessions sessions(test::routine_only());
    for (int i = 0; i < 1000; ++i) {
        sessions.add(observed(connecting, t0 - 1h, t0), t0);
    }
    std::set<session_slot> fresh;
    for (int i = 0; i < 50; ++i) {
        fresh.insert(sessions.add(observed(connecting, t0, t0), t0));
    }
    // One request every ten seconds for each session would use all of it.
    static_cast<void>(sessions.schedule().use_budget(50, t0));
    std::size_t for_fresh = 0;
    for (steady_time now = t0; now < t0 + 60s; now += 20ms) {
        if (const auto poll = sessions.send(now)) {
            if (fresh.contains(poll->slot)) {
                ++for_fresh;
                sessions.registry().update(poll->slot, [now](session_record& r) { r.since = now; });
            }
            sessions.answer(poll->slot, now);
        }
    }
    EXPECT_GT(for_fresh, 50U * 25) << "they keep their two seconds";
}

TEST(PollScheduleProperty, RoutineKeepsAFifthUnderAFloodOfConfirms) {
    poll_policy policy;
    policy.poll.intervals.connecting = 1h; // only the crossings matter here
    polled_sessions sessions(policy);
    std::set<session_slot> quiet;
    for (int i = 0; i < 100; ++i) {
        quiet.insert(sessions.add(observed(active, t0, t0), t0));
    }
    for (int i = 0; i < 3000; ++i) {
        sessions.add(observed(connecting, t0, t0), t0);
    }
    std::map<session_slot, steady_time> last;
    steady_duration longest{};
    for (steady_time now = t0; now < t0 + 200s; now += 50ms) {
        const auto poll = sessions.send(now);
        if (!poll) {
            continue;
        }
        if (quiet.contains(poll->slot)) {
            const auto [entry, first] = last.emplace(poll->slot, t0);
            longest = std::max(longest, now - std::exchange(entry->second, now));
            sessions.answer(poll->slot, now);
        } else {
            // Stuck again each time: it will cross its first threshold again.
            sessions.change(poll->slot, now, [now](session_record& record) {
                record.in_flight = false;
                record.since = record.observed = now;
            });
        }
    }
    EXPECT_EQ(last.size(), quiet.size());
    EXPECT_LT(longest, 60s) << "a session that is only routine starved";
}

/// Random operations; due_work over all records says what is due.
class schedule_and_model {
public:
    explicit schedule_and_model(test::chance& chance) : chance_(chance) { sessions_.plenty(); }

    void operate() {
        const std::size_t what = chance_.below(100);
        if (what < 15) {
            add();
        } else if (what < 20) {
            remove();
        } else if (what < 45) {
            take();
        } else if (what < 60) {
            answer();
        } else if (what < 75) {
            change();
        } else if (what < 99) {
            now_ += chance_.of(10) ? milliseconds(chance_.below(120'000))
                                   : milliseconds(chance_.below(800));
            advance();
        } else if (chance_.of(30)) {
            chance_.of(50) ? sessions_.plenty() : sessions_.shortage();
            sessions_.update_all(now_);
        } else {
            reload();
        }
    }

    /// After advance, exactly what is due waits in the queues, by class.
    void compare() {
        advance();
        std::array<std::size_t, poll_class_count> due{};
        for (const session_slot slot : tracked_) {
            const pending_work work = expected_work(slot);
            if (work.what == pending_work::kind::nothing || work.at > now_) {
                continue;
            }
            ASSERT_NE(work.what, pending_work::kind::expiry) << "not returned by take_expired";
            ++due[static_cast<std::size_t>(work.what) - 1];
        }
        for (std::size_t cls = 0; cls < due.size(); ++cls) {
            ASSERT_EQ(sessions_.schedule().overdue(static_cast<poll_class>(cls)), due[cls])
                << to_string(static_cast<poll_class>(cls));
        }
        ASSERT_EQ(sessions_.schedule().has_due(), due != decltype(due){});
    }

    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    /// As the poller does: what is over is forgotten before anything is polled.
    void advance() {
        sessions_.schedule().advance(now_);
        while (const auto slot = sessions_.schedule().take_expired()) {
            const session_record& record = sessions_.registry()[*slot];
            ASSERT_EQ(record.status, ended);
            ASSERT_GE(now_ - std::max(record.observed, record.since), 15min);
            drop(*slot);
        }
    }

    [[nodiscard]] pending_work expected_work(session_slot slot) {
        const poll_schedule& schedule = sessions_.schedule();
        const session_record& record = sessions_.registry()[slot];
        return due_work(record, schedule.policy(), schedule.demand_of(slot), now_);
    }

    void add() {
        if (tracked_.size() >= 150) {
            return;
        }
        session_record record = test::registered(now_);
        record.bulk = chance_.of(30);
        if (chance_.of(50)) {
            record = random_state(record);
        }
        tracked_.push_back(sessions_.add(record, now_));
    }

    session_record random_state(session_record record) {
        record.status = static_cast<session_status>(chance_.below(session_status_count));
        record.since = now_ - milliseconds(chance_.below(400'000));
        record.observed = record.last_sent = record.since + milliseconds(chance_.below(60'000));
        record.created = chance_.of(70) ? record.since : no_time;
        record.started = chance_.of(50) ? record.since : no_time;
        record.not_found_since = chance_.of(10) ? record.observed : no_time;
        record.failures = static_cast<std::uint8_t>(chance_.of(20) ? chance_.below(4) : 0);
        record.touched = chance_.of(5);
        record.by_webhook = chance_.of(30);
        return record;
    }

    void drop(session_slot slot) {
        tracked_.erase(std::find(tracked_.begin(), tracked_.end(), slot));
        sessions_.forget(slot);
    }

    void remove() {
        if (!tracked_.empty()) {
            const session_slot slot = tracked_[chance_.below(tracked_.size())];
            if (!in_flight_.contains(slot)) {
                drop(slot);
            }
        }
    }

    void take() {
        advance();
        const auto poll = sessions_.schedule().take(now_);
        ASSERT_EQ(poll.has_value(), poll.has_value() || sessions_.schedule().has_due());
        if (!poll) {
            return;
        }
        ++taken_;
        ASSERT_TRUE(in_flight_.insert(poll->slot).second) << "taken twice at once";
        const pending_work work = expected_work(poll->slot);
        ASSERT_LE(work.at, now_);
        ASSERT_EQ(static_cast<std::size_t>(work.what) - 1, static_cast<std::size_t>(poll->cls));
        ASSERT_EQ(poll->due, work.at);
        sessions_.registry().update(poll->slot, [this](session_record& record) {
            record.in_flight = true;
            record.last_sent = now_;
        });
    }

    void answer() {
        if (in_flight_.empty()) {
            return;
        }
        const session_slot slot = *in_flight_.begin();
        in_flight_.erase(in_flight_.begin());
        sessions_.change(slot, now_, [this](session_record& record) {
            record.in_flight = false;
            if (chance_.of(20)) {
                observe_failure(record, failure_reason::timeout);
            } else if (chance_.of(10)) {
                observe_not_found(record, record.last_sent);
            } else {
                const auto status =
                    static_cast<session_status>(chance_.below(session_status_count));
                (void)observe(record, test::snapshot(status), {record.last_sent, now_, {}});
            }
        });
    }

    void change() {
        if (tracked_.empty()) {
            return;
        }
        sessions_.change(tracked_[chance_.below(tracked_.size())],
                         now_,
                         [this](session_record& record) {
                             record.touched = record.touched || chance_.of(50);
                             record.by_webhook = chance_.of(50);
                         });
    }

    void reload() {
        poll_policy policy;
        policy.webhooks_flow = chance_.of(50);
        policy.poll.intervals.active = seconds(1 + chance_.below(60));
        policy.poll.intervals.connecting = milliseconds(10 + chance_.below(9000));
        if (chance_.of(30)) {
            policy.thresholds.connecting = {seconds(1 + chance_.below(20)), 1min};
        }
        sessions_.reload(policy, now_);
    }

    test::chance& chance_;
    polled_sessions sessions_;
    std::vector<session_slot> tracked_;
    std::set<session_slot> in_flight_;
    steady_time now_ = t0;
    std::size_t taken_ = 0;
};

TEST(PollScheduleProperty, AgreesWithDueWorkOverRandomOperations) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    schedule_and_model both(chance);
    const std::size_t operations = test::rounds(1'000'000);
    for (std::size_t i = 0; i < operations; ++i) {
        both.operate();
        if (i % 20 == 0) {
            both.compare();
        }
        ASSERT_FALSE(testing::Test::HasFatalFailure()) << "operation " << i;
    }
    EXPECT_GT(both.taken(), operations / 20);
}

} // namespace
} // namespace kallglot
