#include "kallglot/report/session_listing.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::make_id;
using test::t0;

/// Episodes 1 to 5 of other sessions, a minute apart; the odd ones are over after 30 s.
class EpisodeListing : public testing::Test {
protected:
    EpisodeListing() {
        for (std::uint32_t i = 1; i <= 5; ++i) {
            stuck_episode episode(make_id(i));
            episode.status = session_status::connecting;
            episode.since = t0 + i * 1min;
            episode.since_slack_ms = 2'000;
            episode.confirmed = episode.since + 31s;
            history_.begin(session_slot{i}, episode, t0);
            if (i % 2 == 1) {
                episode.outcome = episode_outcome::recovered;
                episode.until = episode.since + 40s;
                history_.end(session_slot{i}, episode, t0);
            }
        }
    }

    [[nodiscard]] std::vector<episode_number> list(const episode_query& query) const {
        std::vector<episode_number> found;
        for (const episode_view& one : page_of(history_, query, now_).episodes) {
            found.push_back(one.number);
        }
        return found;
    }

    using numbers = std::vector<episode_number>;
    episode_history history_;
    moment now_{t0 + 1h, api_time(seconds(1'800'000'000))};
};

TEST_F(EpisodeListing, TheNewestComeFirst) {
    EXPECT_EQ(list({}), (numbers{5, 4, 3, 2, 1}));
}

TEST_F(EpisodeListing, TimesAreOnTheWallClockWithTheirBounds) {
    episode_query query;
    query.of = make_id(1);
    const episode_page page = page_of(history_, query, now_);
    ASSERT_EQ(page.episodes.size(), 1U);
    const episode_view& one = page.episodes.front();
    EXPECT_EQ(one.since, now_.wall - 59min);
    EXPECT_EQ(one.since_low, now_.wall - 59min - 2s);
    EXPECT_EQ(one.confirmed, now_.wall - 59min + 31s);
    EXPECT_EQ(one.until, now_.wall - 59min + 40s);
    EXPECT_FALSE(one.until_low);
}

TEST_F(EpisodeListing, FiltersByStateAndTime) {
    episode_query query;
    query.open = true;
    EXPECT_EQ(list(query), (numbers{4, 2}));
    query.open = false;
    EXPECT_EQ(list(query), (numbers{5, 3, 1}));
    query.since = now_.wall - 56min;
    EXPECT_EQ(list(query), (numbers{5}));
    // What is open now was open then.
    query.open.reset();
    EXPECT_EQ(list(query), (numbers{5, 4, 2}));
}

TEST_F(EpisodeListing, PagesFollowEachOther) {
    episode_query query;
    query.limit = 2;
    episode_page page = page_of(history_, query, now_);
    EXPECT_EQ(page.next, 4U);
    query.after = page.next;
    EXPECT_EQ(list(query), (numbers{3, 2}));
    query.after = 2;
    page = page_of(history_, query, now_);
    EXPECT_EQ(page.episodes.size(), 1U);
    EXPECT_FALSE(page.next);
}

TEST_F(EpisodeListing, WhatEndedThreeDaysAgoIsLeftOut) {
    now_.steady = t0 + 73h;
    EXPECT_EQ(list({}), (numbers{4, 2}));
}

} // namespace
} // namespace kallglot
