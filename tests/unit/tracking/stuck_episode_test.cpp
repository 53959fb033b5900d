// When a stuck episode begins and ends, and what is kept of it.

#include "kallglot/tracking/stuck_episode.hpp"

#include "kallglot/tracking/session_ledger.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;
using enum session_status;

class StuckEpisode : public testing::Test {
protected:
    static session_id id(int number) {
        return session_id::parse("sess_01JQ7N0C5VXB3HEZ4M8K_" + std::to_string(10'000 + number))
            .value();
    }

    session_slot add(int number) {
        return ledger_.take_id(id(number), session_source::api, false, t0).slot;
    }

    ledger_change see(session_slot slot, session_status status, steady_time at) {
        return ledger_.take_snapshot(slot, test::snapshot(status), test::polled(at), policy_);
    }

    /// A session that a poll has confirmed in `connecting` past 30 s, since t0 + 100 ms.
    session_slot stuck(int number) {
        const session_slot slot = add(number);
        see(slot, connecting, t0);
        EXPECT_TRUE(see(slot, connecting, t0 + 31s).begun_episode);
        return slot;
    }

    [[nodiscard]] const stuck_episode& kept(episode_number number) const {
        return ledger_.episodes().episodes().at(number);
    }

    session_ledger ledger_{1'000};
    poll_policy policy_;
};

TEST_F(StuckEpisode, BeginsWhenAPollConfirmsTheAge) {
    const session_slot slot = add(1);
    EXPECT_FALSE(see(slot, connecting, t0).begun_episode);
    // Sent before the stay was 30 s old, answered after.
    EXPECT_FALSE(see(slot, connecting, t0 + 30s).begun_episode);
    const auto begun = see(slot, connecting, t0 + 31s).begun_episode;
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->id, id(1));
    EXPECT_EQ(begun->status, connecting);
    EXPECT_EQ(begun->mode, session_mode::ai_agent);
    EXPECT_EQ(begun->provider, session_provider::sip);
    EXPECT_EQ(begun->threshold, 30s);
    EXPECT_EQ(begun->since, t0 + 100ms);
    EXPECT_EQ(begun->confirmed, t0 + 31s);
    EXPECT_TRUE(begun->is_open());
    EXPECT_EQ(kept(begun->number), *begun);
    // One stay, one episode.
    EXPECT_FALSE(see(slot, connecting, t0 + 60s).begun_episode);
}

TEST_F(StuckEpisode, EachStatusHasItsOwnAge) {
    const session_slot in_created = add(1);
    see(in_created, created, t0);
    EXPECT_FALSE(see(in_created, created, t0 + 299s).begun_episode);
    EXPECT_TRUE(see(in_created, created, t0 + 301s).begun_episode);
    const session_slot in_ending = add(2);
    see(in_ending, ending, t0);
    EXPECT_FALSE(see(in_ending, ending, t0 + 59s).begun_episode);
    EXPECT_TRUE(see(in_ending, ending, t0 + 61s).begun_episode);
    // Long calls are normal, and nothing is known of an unknown status.
    for (const session_status status : {active, unknown}) {
        const session_slot slot = add(3 + static_cast<int>(status));
        see(slot, status, t0);
        EXPECT_FALSE(see(slot, status, t0 + 10h).begun_episode);
    }
}

TEST_F(StuckEpisode, ConfiguredAgeReplacesTheDefault) {
    policy_.thresholds.episodes.connecting = 5s;
    const session_slot slot = add(1);
    see(slot, connecting, t0);
    EXPECT_TRUE(see(slot, connecting, t0 + 6s).begun_episode);
    // A longer age from now on does not end it.
    policy_.thresholds.episodes.connecting = 5min;
    EXPECT_FALSE(see(slot, connecting, t0 + 8s).ended_episode);
    const auto over = see(slot, active, t0 + 10s).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->threshold, 5s);
}

TEST_F(StuckEpisode, EndsBetweenTheLastTwoPollsWhenTheSessionRecovers) {
    const session_slot slot = stuck(1);
    const auto over = see(slot, active, t0 + 40s).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->outcome, episode_outcome::recovered);
    EXPECT_EQ(over->until, t0 + 40s + 100ms);
    EXPECT_EQ(over->until_slack_ms, 9'100U);
    EXPECT_EQ(over->confirmed, t0 + 31s);
    EXPECT_EQ(kept(over->number), *over);
    EXPECT_FALSE(see(slot, ended, t0 + 50s).ended_episode);
}

TEST_F(StuckEpisode, EndsWithTheSession) {
    const session_slot slot = stuck(1);
    const auto over = see(slot, ended, t0 + 40s).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->outcome, episode_outcome::ended);
}

TEST_F(StuckEpisode, EndsAtTheStartOfACallThatNoPollSaw) {
    const session_slot slot = stuck(1);
    session_snapshot last = test::snapshot(ended);
    last.started_at = test::api_at(t0 + 33s);
    last.ended_at = test::api_at(t0 + 38s);
    const auto over =
        ledger_.take_snapshot(slot, last, test::polled(t0 + 40s), policy_).ended_episode;
    ASSERT_TRUE(over);
    // A second later at most: timestamps are whole seconds.
    EXPECT_EQ(over->until, t0 + 34s);
}

TEST_F(StuckEpisode, EndsByAWebhook) {
    const session_slot slot = stuck(1);
    const auto change =
        ledger_.take_event(slot, session_event::started, ledger_.event_key("evt_1"), {t0 + 35s});
    ASSERT_TRUE(change.ended_episode);
    EXPECT_EQ(change.ended_episode->outcome, episode_outcome::recovered);
    EXPECT_EQ(change.ended_episode->until, t0 + 35s);
}

TEST_F(StuckEpisode, IsLostWithItsSession) {
    const session_slot slot = stuck(1);
    // Answers of 404 end nothing yet: the session may come back.
    ledger_.take_not_found(slot, t0 + 40s);
    EXPECT_TRUE(ledger_.sessions()[slot].in_episode);
    const auto over = ledger_.forget(slot, forget_reason::not_found, t0 + 11min).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->outcome, episode_outcome::lost);
    EXPECT_EQ(over->until, t0 + 11min);
    EXPECT_EQ(over->until_slack_ms, 629'000U);
}

TEST_F(StuckEpisode, AnotherStayIsAnotherEpisode) {
    const session_slot slot = stuck(1);
    see(slot, ending, t0 + 40s);
    const auto second = see(slot, ending, t0 + 101s).begun_episode;
    ASSERT_TRUE(second);
    EXPECT_EQ(second->number, 2U);
    EXPECT_EQ(second->status, ending);
    EXPECT_EQ(ledger_.episodes().episodes().size(), 2U);
}

TEST_F(StuckEpisode, AfterARestartAnOpenEpisodeGoesOn) {
    stuck(1);
    const stuck_episode open = kept(1);
    session_ledger next{1'000};
    session_record record = test::observed(connecting, t0 + 100ms, t0 + 31s);
    const session_slot slot = next.restore(id(1), record, policy_, t0 + 60s).slot;
    EXPECT_FALSE(next.restore(open, t0 + 60s).ended_episode);
    // Confirmed before: no second episode.
    EXPECT_FALSE(
        next.take_snapshot(slot, test::snapshot(connecting), test::polled(t0 + 61s), policy_)
            .begun_episode);
    const auto over =
        next.take_snapshot(slot, test::snapshot(active), test::polled(t0 + 62s), policy_)
            .ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->number, open.number);
    EXPECT_EQ(over->confirmed, open.confirmed);
    // New numbers follow the stored ones.
    session_record other = test::observed(connecting, t0, t0 + 10s);
    const session_slot more = next.restore(id(2), other, policy_, t0 + 60s).slot;
    EXPECT_EQ(next.take_snapshot(more, test::snapshot(connecting), test::polled(t0 + 63s), policy_)
                  .begun_episode->number,
              open.number + 1);
}

TEST_F(StuckEpisode, AnEndThatWasNotWrittenFollowsFromTheSessions) {
    stuck_episode open(id(1));
    open.number = 7;
    open.status = connecting;
    open.threshold = 30s;
    open.since = t0;
    open.confirmed = t0 + 31s;
    // The session moved on.
    ledger_.restore(id(1), test::observed(active, t0 + 45s, t0 + 50s), policy_, t0 + 60s);
    auto over = ledger_.restore(open, t0 + 60s).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->outcome, episode_outcome::recovered);
    EXPECT_EQ(over->until, t0 + 45s);
    EXPECT_EQ(kept(7), *over);
    // The session is gone.
    stuck_episode other(id(2));
    other.number = 8;
    other.status = connecting;
    other.since = t0;
    other.confirmed = t0 + 31s;
    over = ledger_.restore(other, t0 + 60s).ended_episode;
    ASSERT_TRUE(over);
    EXPECT_EQ(over->outcome, episode_outcome::lost);
    EXPECT_EQ(over->until, t0 + 60s);
    EXPECT_EQ(over->until_slack_ms, 29'000U);
}

TEST_F(StuckEpisode, IsStoredWithAllItsFields) {
    stuck_episode episode(id(1));
    episode.number = 77;
    episode.status = ending;
    episode.mode = session_mode::help_chat_voice;
    episode.provider = session_provider::telnyx;
    episode.outcome = episode_outcome::lost;
    episode.threshold = 90s;
    episode.since = t0 + 1s;
    episode.since_slack_ms = 250;
    episode.confirmed = t0 + 95s;
    episode.until = t0 + 200s;
    episode.until_slack_ms = 5'000;
    const stored_timeline line = stored_timeline::begin(test::api_t0, t0, 1);
    EXPECT_EQ(to_episode(to_stored(episode, line), line, t0 + 1h), episode);
    EXPECT_TRUE(is_sound(to_stored(episode, line), line.mark(test::api_t0, t0).stored));
    // A clock that was set back moves nothing into the future.
    EXPECT_EQ(to_episode(to_stored(episode, line), line, t0 + 100s).until, t0 + 100s);
    stored_episode damaged = to_stored(episode, line);
    damaged.status = active;
    EXPECT_FALSE(is_sound(damaged, damaged.since));
    damaged = to_stored(episode, line);
    damaged.until.reset();
    EXPECT_FALSE(is_sound(damaged, damaged.since));
}

TEST(EpisodeHistory, ThreeDaysOfAThousandAnHourStayBounded) {
    episode_history history;
    std::size_t removed = 0;
    std::size_t most = 0;
    constexpr std::uint64_t all = 72'000;
    for (std::uint64_t i = 0; i < all; ++i) {
        const steady_time at = t0 + i * 3600ms;
        stuck_episode episode(test::make_id(i));
        episode.since = at - 30s;
        episode.confirmed = at;
        const session_slot slot{static_cast<std::uint32_t>(i)};
        history.begin(slot, episode, at);
        episode.outcome = episode_outcome::recovered;
        episode.until = at + 10s;
        history.end(slot, episode, at + 10s);
        removed += history.take_removed().size();
        most = std::max(most, history.episodes().size());
    }
    EXPECT_EQ(most, episode_history::max_episodes);
    EXPECT_EQ(history.dropped(), all - episode_history::max_episodes);
    EXPECT_EQ(removed, history.dropped());
    // The newest are kept.
    EXPECT_EQ(history.episodes().begin()->first, all - episode_history::max_episodes + 1);
}

TEST(EpisodeHistory, WhatEndedThreeDaysAgoIsRemovedAndWhatIsOpenStays) {
    episode_history history;
    for (std::uint32_t i = 0; i < 2; ++i) {
        stuck_episode episode(test::make_id(i));
        episode.confirmed = t0;
        history.begin(session_slot{i}, episode, t0);
        if (i == 0) {
            episode.outcome = episode_outcome::ended;
            episode.until = t0;
            history.end(session_slot{i}, episode, t0);
        }
    }
    stuck_episode late(test::make_id(9));
    history.begin(session_slot{9}, late, t0 + 73h);
    EXPECT_FALSE(history.episodes().contains(1));
    EXPECT_TRUE(history.episodes().contains(2));
    EXPECT_EQ(history.take_removed(), std::vector<episode_number>{1});
    EXPECT_EQ(history.dropped(), 0U);
}

TEST(EpisodeHistory, AnOpenEpisodeThatWasRemovedEndsWithoutARow) {
    episode_history history;
    for (std::uint32_t i = 0; i <= episode_history::max_episodes; ++i) {
        stuck_episode episode(test::make_id(i));
        episode.threshold = 30s;
        history.begin(session_slot{i}, episode, t0);
    }
    stuck_episode first(test::make_id(0));
    history.recall(session_slot{0}, first);
    EXPECT_EQ(first.number, 0U);
    history.end(session_slot{0}, first, t0);
    EXPECT_EQ(history.episodes().size(), episode_history::max_episodes);
    stuck_episode second(test::make_id(1));
    history.recall(session_slot{1}, second);
    EXPECT_EQ(second.number, 2U);
    EXPECT_EQ(second.threshold, 30s);
}

} // namespace
} // namespace kallglot
