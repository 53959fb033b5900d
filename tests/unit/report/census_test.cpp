#include "kallglot/report/census.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::make_id;
using test::t0;
using enum session_status;

std::size_t at(session_status status) {
    return static_cast<std::size_t>(status);
}

/// A registry, a policy and a moment.
class Census : public testing::Test {
protected:
    session_slot add(const session_record& content) {
        const session_slot slot = registry_.add(make_id(next_id_++)).slot;
        registry_.update(slot, [&](session_record& record) { record.assign_all_but_id(content); });
        return slot;
    }

    census_terms terms(steady_time moment, double stretch = 1, bool shortage = false) {
        return {moment, &policy_, stretch, shortage, 10s};
    }

    census count(steady_time moment, double stretch = 1, bool shortage = false) {
        census_pass pass(registry_, terms(moment, stretch, shortage));
        while (pass.step(1000)) {
        }
        return pass.outcome();
    }

    session_registry registry_{100'000};
    poll_policy policy_;
    std::size_t next_id_ = 0;
};

TEST_F(Census, AnEmptyTableCountsNothing) {
    const census counted = count(t0);
    EXPECT_EQ(counted.by_status, counts_by_status{});
    EXPECT_EQ(counted.stale, counts_by_status{});
    EXPECT_EQ(counted.unverified, 0U);
    for (const steady_time oldest : counted.oldest_since) {
        EXPECT_EQ(oldest, no_time);
    }
}

TEST_F(Census, EveryThresholdOfTheSettingsHasACount) {
    const census counted = count(t0);
    EXPECT_EQ(counted.over_threshold[at(created)].size(), 3U);
    EXPECT_EQ(counted.over_threshold[at(connecting)].size(), 5U);
    EXPECT_EQ(counted.over_threshold[at(active)].size(), 2U);
    EXPECT_EQ(counted.over_threshold[at(ending)].size(), 2U);
    EXPECT_TRUE(counted.over_threshold[at(ended)].empty());
    EXPECT_TRUE(counted.over_threshold[at(unknown)].empty());
    for (const session_status status : {created, connecting, unknown}) {
        EXPECT_EQ(counted.not_started_over_threshold[at(status)].size(), 3U);
    }
    EXPECT_TRUE(counted.not_started_over_threshold[at(active)].empty());
}

TEST_F(Census, CountsByStatusModeAndProvider) {
    session_record record = test::observed(active, t0 - 5s, t0);
    record.mode = session_mode::help_chat_voice;
    record.provider = session_provider::telnyx;
    add(record);
    add(record);
    add(test::registered(t0));
    const census counted = count(t0 + 1s);
    EXPECT_EQ(counted.by_status[at(active)], 2U);
    EXPECT_EQ(counted.by_status[at(unknown)], 1U);
    EXPECT_EQ(counted.by_mode[at(active)][static_cast<std::size_t>(session_mode::help_chat_voice)],
              2U);
    EXPECT_EQ(counted.by_mode[at(unknown)][static_cast<std::size_t>(session_mode::none)], 1U);
    EXPECT_EQ(counted.by_provider[at(active)][static_cast<std::size_t>(session_provider::telnyx)],
              2U);
}

TEST_F(Census, PastAThresholdIsSuspectedUntilAPollConfirmsIt) {
    // Connecting since t0; the thresholds are 15, 30, 60, 120 and 300 s.
    const session_slot slot = add(test::observed(connecting, t0, t0 + 14s));
    using counts = std::vector<std::uint32_t>;
    const auto over = [&](steady_time moment) {
        return count(moment).over_threshold[at(connecting)];
    };
    const auto suspected = [&](steady_time moment) {
        return count(moment).suspected_over_threshold[at(connecting)];
    };
    EXPECT_EQ(suspected(t0 + 15s - 1ns), (counts{0, 0, 0, 0, 0}));
    EXPECT_EQ(suspected(t0 + 15s), (counts{1, 0, 0, 0, 0}));
    EXPECT_EQ(over(t0 + 15s), (counts{0, 0, 0, 0, 0}));
    EXPECT_EQ(suspected(t0 + 61s), (counts{1, 1, 1, 0, 0}));
    registry_.update(slot, [](session_record& record) { record.observed = t0 + 30s; });
    EXPECT_EQ(over(t0 + 61s), (counts{1, 1, 0, 0, 0}));
    EXPECT_EQ(suspected(t0 + 61s), (counts{0, 0, 1, 0, 0}));
    // What answers 404 is confirmed for nothing.
    registry_.update(slot, [](session_record& record) { record.not_found_since = t0 + 62s; });
    EXPECT_EQ(over(t0 + 63s), (counts{0, 0, 0, 0, 0}));
}

TEST_F(Census, NotStartedCountsFromTheCreationWhileThereIsNoStart) {
    using counts = std::vector<std::uint32_t>;
    session_record record = test::observed(connecting, t0 - 2s, t0);
    record.created = t0 - 70s;
    const session_slot slot = add(record);
    EXPECT_EQ(count(t0).not_started_over_threshold[at(connecting)], (counts{1, 1, 0}));
    EXPECT_EQ(count(t0 + 1h).not_started_over_threshold[at(connecting)], (counts{1, 1, 0}))
        << "only a poll confirms";
    registry_.update(slot, [](session_record& r) { r.started = t0; });
    EXPECT_EQ(count(t0).not_started_over_threshold[at(connecting)], (counts{0, 0, 0}));
    registry_.update(slot, [](session_record& r) {
        r.started = no_time;
        r.status = unknown;
    });
    EXPECT_EQ(count(t0).not_started_over_threshold[at(unknown)], (counts{1, 1, 0}));
}

TEST_F(Census, StaleAfterThreeStretchedIntervalsAndARequest) {
    // Active: 30 s. Three of them and 10 s for the request are 100 s.
    add(test::observed(active, t0 - 1s, t0));
    EXPECT_EQ(count(t0 + 100s).stale[at(active)], 0U);
    EXPECT_EQ(count(t0 + 100s + 1ms).stale[at(active)], 1U);
    EXPECT_EQ(count(t0 + 300s, 4).stale[at(active)], 0U) << "all run at four times the interval";
    EXPECT_EQ(count(t0 + 2h, 4).stale[at(active)], 1U);
}

TEST_F(Census, UnderShortageAnAgedIntervalIsNotStale) {
    // Nine hours old at its last poll: a tenth of its age later, in an hour, is soon enough, though nothing waits.
    add(test::observed(active, t0 - 9h, t0));
    EXPECT_EQ(count(t0 + 2h, 1, true).stale[at(active)], 0U);
    EXPECT_EQ(count(t0 + 3h + 10s, 1, true).stale[at(active)], 0U);
    EXPECT_EQ(count(t0 + 3h + 11s, 1, true).stale[at(active)], 1U);
    EXPECT_EQ(count(t0 + 2h).stale[at(active)], 1U);
}

TEST_F(Census, EndedSessionsAreNeverStale) {
    add(test::observed(ended, t0, t0));
    EXPECT_EQ(count(t0 + 24h).stale, counts_by_status{});
}

TEST_F(Census, ReportsTheLongestStay) {
    add(test::observed(connecting, t0 - 30s, t0));
    const session_slot oldest = add(test::observed(connecting, t0 - 90s, t0));
    add(test::observed(connecting, t0 - 60s, t0));
    EXPECT_EQ(count(t0).oldest_since[at(connecting)], t0 - 90s);
    EXPECT_EQ(count(t0).oldest_since[at(active)], no_time);
    registry_.remove(oldest);
    EXPECT_EQ(count(t0).oldest_since[at(connecting)], t0 - 60s);
}

TEST_F(Census, CountsTheUnverified) {
    session_record record = test::observed(active, t0, t0);
    record.unverified = true;
    add(record);
    add(test::observed(active, t0, t0));
    EXPECT_EQ(count(t0).unverified, 1U);
}

TEST_F(Census, CountsTheUnobservedPastTheFirstThreshold) {
    add(test::registered(t0));
    add(test::observed(connecting, t0, t0));
    session_record missing = test::registered(t0);
    missing.not_found_since = t0 + 5s;
    add(missing);
    EXPECT_EQ(count(t0 + 30s).unobserved, 0U);
    EXPECT_EQ(count(t0 + 31s).unobserved, 1U);
}

TEST_F(Census, ASessionAddedBehindTheCursorIsCounted) {
    const session_slot first = add(test::observed(active, t0, t0));
    for (int i = 0; i < 10; ++i) {
        add(test::observed(active, t0, t0));
    }
    registry_.remove(first);
    census_pass pass(registry_, terms(t0 + 1s));
    ASSERT_TRUE(pass.step(5));
    // Its record is bare for a moment, without any time.
    const session_slot reused = registry_.add(make_id(1'000'000)).slot;
    ASSERT_EQ(reused, first);
    registry_.update(reused, [](session_record& record) { record.since = t0; });
    while (pass.step(5)) {
    }
    EXPECT_EQ(pass.outcome().by_status[at(unknown)], 1U);
    EXPECT_EQ(pass.outcome().by_status[at(active)], 10U);
    EXPECT_EQ(pass.outcome().oldest_since[at(unknown)], t0);
}

TEST_F(Census, StuckSessionsAreCountedByProvider) {
    session_record record = test::observed(connecting, t0 - 40s, t0);
    for (const session_provider provider :
         {session_provider::twilio, session_provider::twilio, session_provider::sip}) {
        record.provider = provider;
        add(record);
    }
    // Over 15 s only, and not confirmed at all.
    add(test::observed(connecting, t0 - 20s, t0));
    add(test::observed(connecting, t0 - 40s, t0 - 39s));
    const census counted = count(t0);
    const auto& by_provider = counted.over_threshold_by_provider[at(connecting)];
    ASSERT_EQ(by_provider.size(), 5U);
    EXPECT_EQ(by_provider[0], (std::array<std::uint32_t, 5>{2, 0, 1, 0, 1}));
    EXPECT_EQ(by_provider[1], (std::array<std::uint32_t, 5>{2, 0, 1, 0, 0}));
    EXPECT_EQ(by_provider[2], (std::array<std::uint32_t, 5>{}));
    // A long call is not stuck, so no alert names its provider.
    EXPECT_TRUE(counted.over_threshold_by_provider[at(active)].empty());
}

TEST_F(Census, TraitsOfStuckSessionsAreApartFromThoseOfOthers) {
    census_terms asked = terms(t0);
    // 14:20 by the clock on the wall.
    asked.wall = api_time(std::chrono::hours(24 * 20'000 + 14)) + 20min;
    session_record stuck = test::observed(connecting, t0 - 40s, t0);
    stuck.mode = session_mode::ai_agent;
    stuck.provider = session_provider::telnyx;
    // 14:05, 13:55, and before yesterday.
    for (const steady_duration age :
         {steady_duration(15min), steady_duration(25min), steady_duration(48h)}) {
        stuck.created = t0 - age;
        add(stuck);
    }
    session_record fine = test::observed(active, t0 - 40s, t0);
    fine.provider = session_provider::sip;
    add(fine);
    add(test::observed(ended, t0 - 40s, t0));
    census_pass pass(registry_, asked);
    while (pass.step(1000)) {
    }
    const census& counted = pass.outcome();
    const trait_counts& traits = counted.in_episode[at(connecting)];
    EXPECT_EQ(traits.by_provider[static_cast<std::size_t>(session_provider::telnyx)], 3U);
    EXPECT_EQ(traits.by_mode[static_cast<std::size_t>(session_mode::ai_agent)], 3U);
    EXPECT_EQ(traits.by_creation_hour[0], 1U);
    EXPECT_EQ(traits.by_creation_hour[1], 1U);
    EXPECT_EQ(traits.by_creation_hour[creation_hour_count - 1], 1U);
    EXPECT_EQ(counted.others.by_provider[static_cast<std::size_t>(session_provider::sip)], 1U);
    EXPECT_EQ(counted.others.by_provider[static_cast<std::size_t>(session_provider::none)], 0U);
}

/// The same numbers from the words of the contract, one session at a time.
census recount(const session_registry& registry,
               const poll_policy& policy,
               const census_terms& terms) {
    census counted;
    counted.oldest_since.fill(no_time);
    const auto lists = [&](session_status status) {
        return thresholds_of(policy.thresholds, status);
    };
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const auto status = static_cast<session_status>(i);
        counted.over_threshold[i].resize(lists(status).size());
        counted.suspected_over_threshold[i].resize(lists(status).size());
        const bool may_start = status == created || status == connecting || status == unknown;
        counted.not_started_over_threshold[i].resize(
            may_start ? policy.thresholds.not_started.size() : 0);
    }
    for (std::uint32_t i = 0; i < registry.slot_count(); ++i) {
        if (!registry.is_tracked(session_slot{i})) {
            continue;
        }
        const session_record& r = registry[session_slot{i}];
        const std::size_t s = at(r.status);
        ++counted.by_status[s];
        ++counted.by_mode[s][static_cast<std::size_t>(r.mode)];
        ++counted.by_provider[s][static_cast<std::size_t>(r.provider)];
        counted.unverified += r.unverified ? 1 : 0;
        const bool waits_for_start =
            r.status == created || r.status == connecting || r.status == unknown;
        const bool asked = r.observed != no_time || r.not_found_since != no_time;
        const auto deciding = policy.thresholds.not_started.front() + 1s;
        counted.unobserved += waits_for_start && !asked && terms.at >= r.since + deciding ? 1 : 0;
        const bool seen = r.observed != no_time && r.not_found_since == no_time;
        for (std::size_t k = 0; k < lists(r.status).size(); ++k) {
            const bool confirmed = seen && r.observed >= r.since + lists(r.status)[k];
            counted.over_threshold[s][k] += confirmed ? 1 : 0;
            const bool past = terms.at >= r.since + lists(r.status)[k];
            counted.suspected_over_threshold[s][k] += past && !confirmed ? 1 : 0;
        }
        for (std::size_t k = 0; k < counted.not_started_over_threshold[s].size(); ++k) {
            const bool waits = r.started == no_time && r.created != no_time;
            const bool confirmed =
                seen && waits && r.observed >= r.created + policy.thresholds.not_started[k];
            counted.not_started_over_threshold[s][k] += confirmed ? 1 : 0;
        }
        if (r.status != ended) {
            const steady_time last = r.observed == no_time ? r.since : r.observed;
            const auto interval =
                effective_interval(policy, r, last, terms.shortage) * terms.stretch;
            counted.stale[s] += terms.at - last > 3 * interval + terms.request_timeout ? 1 : 0;
        }
        steady_time& oldest = counted.oldest_since[s];
        oldest = oldest == no_time ? r.since : std::min(oldest, r.since);
    }
    return counted;
}

void expect_same(const census& a, const census& b) {
    ASSERT_EQ(a.by_status, b.by_status);
    ASSERT_EQ(a.by_mode, b.by_mode);
    ASSERT_EQ(a.by_provider, b.by_provider);
    ASSERT_EQ(a.over_threshold, b.over_threshold);
    ASSERT_EQ(a.suspected_over_threshold, b.suspected_over_threshold);
    ASSERT_EQ(a.not_started_over_threshold, b.not_started_over_threshold);
    ASSERT_EQ(a.stale, b.stale);
    ASSERT_EQ(a.unverified, b.unverified);
    ASSERT_EQ(a.unobserved, b.unobserved);
    ASSERT_EQ(a.oldest_since, b.oldest_since);
}

session_record random_record(test::chance& chance) {
    // Whole seconds, so that the records lie on the thresholds too.
    const auto ago = [&](steady_duration most) {
        return t0 - std::chrono::floor<seconds>(chance.between(0s, most));
    };
    session_record record = test::registered(ago(chance.of(50) ? 400s : 5h));
    record.mode = static_cast<session_mode>(chance.below(session_mode_count));
    record.provider = static_cast<session_provider>(chance.below(session_provider_count));
    record.unverified = chance.of(10);
    if (chance.of(80)) {
        record.status = static_cast<session_status>(chance.below(session_status_count));
        record.observed = chance.of(50) ? ago(30s) : ago(1h);
        record.created = chance.of(90) ? ago(10min) : no_time;
        record.started = chance.of(40) ? ago(10min) : no_time;
        record.not_found_since = chance.of(15) ? ago(30s) : no_time;
        record.by_webhook = chance.of(20);
    }
    return record;
}

TEST_F(Census, AgreesWithARecountWhenRecordsChangeMeanwhile) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    std::vector<session_slot> tracked;
    const auto remove = [&](std::size_t which) {
        std::swap(tracked[which], tracked.back());
        registry_.remove(tracked.back());
        tracked.pop_back();
    };
    const std::size_t passes = test::rounds(1500);
    for (std::size_t i = 0; i < passes; ++i) {
        while (tracked.size() > 400 || (!tracked.empty() && chance.of(40))) {
            remove(chance.below(tracked.size()));
        }
        while (tracked.size() < 100 || chance.of(60)) {
            tracked.push_back(add(random_record(chance)));
        }
        policy_.webhooks_flow = chance.of(50);
        const census_terms asked = terms(t0 + chance.between(0s, 2min), chance.of(50) ? 1 : 3.5);
        census_pass pass(registry_, asked);
        while (pass.step(17)) {
            for (std::size_t changes = chance.below(6); changes != 0; --changes) {
                const std::size_t what = chance.below(3);
                if (what == 0) {
                    tracked.push_back(add(random_record(chance)));
                } else if (what == 1) {
                    remove(chance.below(tracked.size()));
                } else {
                    const session_slot slot = tracked[chance.below(tracked.size())];
                    const session_record fresh = random_record(chance);
                    registry_.update(slot, [&](session_record& record) {
                        record.status = fresh.status;
                        record.since = fresh.since;
                        record.observed = fresh.observed;
                        record.not_found_since = fresh.not_found_since;
                        record.mode = fresh.mode;
                    });
                }
            }
        }
        expect_same(pass.outcome(), recount(registry_, policy_, asked));
        ASSERT_FALSE(HasFatalFailure()) << "pass " << i;
    }
}

TEST_F(Census, AStuckSessionPastSeveralThresholdsCountsOnce) {
    session_record both = test::observed(connecting, t0 - 10min, t0);
    both.created = t0 - 11min;
    add(both);
    // Connecting for less than its threshold, but without a start since long.
    session_record late = test::observed(connecting, t0 - 5s, t0);
    late.created = t0 - 10min;
    add(late);
    // A long call is no fault.
    add(test::observed(active, t0 - 10h, t0));
    // Past it by the clock alone.
    add(test::observed(connecting, t0 - 30s, t0 - 29s));
    // Answers 404.
    session_record missing = test::observed(connecting, t0 - 10min, t0);
    missing.not_found_since = t0;
    add(missing);
    const census counted = count(t0);
    EXPECT_EQ(counted.stuck, (counts_by_status{0, 2, 0, 0, 0, 0}));
}

} // namespace
} // namespace kallglot
