// The pages of a session, of the episodes and of the runbooks, as routes.

#include "kallglot/web/session_pages.hpp"

#include "fake_daemon.hpp"
#include "route_fixture.hpp"
#include "web/episodes_page.hpp"
#include "web/status_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

std::string name(std::size_t number) {
    char text[64];
    std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K_%06zu", number);
    return text;
}

session_id id(std::size_t number) {
    return session_id::parse(name(number)).value();
}

class SessionPages : public test::RouteFixture {
protected:
    SessionPages() { pages_.install(routes_); }

    http_response get(const std::string& target) { return call("GET", target, {}, ""); }

    /// A stuck session that is tracked.
    session_view& track(std::size_t number) {
        session_view view(id(number));
        view.status = session_status::connecting;
        view.mode = session_mode::ai_agent;
        view.provider = session_provider::twilio;
        view.since = clock_.wall_now() - 250s;
        view.since_low = view.since - 2s;
        view.created = view.since - 3s;
        view.last_poll = clock_.wall_now() - 2s;
        return intake_.sessions.insert_or_assign(view.id, view).first->second;
    }

    episode_view& add_episode(std::size_t number, bool is_open, steady_duration ago = 250s) {
        episode_view one(id(number));
        one.number = number;
        one.status = session_status::connecting;
        one.provider = session_provider::telnyx;
        one.since = clock_.wall_now() - std::chrono::duration_cast<milliseconds>(ago);
        one.confirmed = one.since + 31s;
        if (!is_open) {
            one.outcome = episode_outcome::recovered;
            one.until = one.since + 95s;
        }
        intake_.episodes.push_back(one);
        return intake_.episodes.back();
    }

    /// What no page may have.
    static void expect_harmless(const http_response& response) {
        EXPECT_EQ(field(response, "Content-Security-Policy"), status_page_policy());
        EXPECT_EQ(field(response, "Referrer-Policy"), "no-referrer");
        EXPECT_EQ(field(response, "Cache-Control"), "no-store");
        EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
        const std::string page(response.body_text());
        for (const char* forbidden : {"<script",
                                      "javascript:",
                                      "http://",
                                      "https://",
                                      " style=",
                                      "onload",
                                      "href=\"/",
                                      "action=\"/"}) {
            EXPECT_EQ(page.find(forbidden), std::string::npos) << forbidden;
        }
    }

    [[nodiscard]] static bool has(const http_response& response, const std::string& part) {
        return response.body_text().find(part) != std::string_view::npos;
    }

    session_pages pages_{intake_, clock_, test::fake_build, ""};
};

TEST_F(SessionPages, ShowASessionWithItsLife) {
    track(1).failures = 2;
    intake_.sessions.at(id(1)).last_error = failure_reason::timeout;
    add_episode(1, true);
    const http_response response = get("/sessions/" + name(1));
    EXPECT_EQ(response.status, 200);
    expect_harmless(response);
    for (const std::string& part :
         {"<h2 class=\"name\">" + name(1) + "</h2>",
          std::string("connecting for 4 min 10 s"),
          std::string("<dt>provider</dt><dd>twilio</dd>"),
          std::string("<dt>polled by</dt><dd>this exporter</dd>"),
          std::string("<dt>last success</dt><dd>2 s ago</dd>"),
          std::string("<dt>failed since then</dt><dd class=\"care\">2</dd>"),
          std::string("<dt>last error</dt><dd class=\"care\">timeout</dd>"),
          std::string("<svg class=\"life\""),
          std::string("Stuck episodes"),
          std::string("<a href=\"../episodes\">episodes</a>"),
          std::string("action=\"../sessions\"")}) {
        EXPECT_TRUE(has(response, part)) << part;
    }
}

TEST_F(SessionPages, AStuckSessionLeadsToItsRunbook) {
    for (const auto& [status, anchor] :
         {std::pair(session_status::created, "sessionsnotstarted"),
          std::pair(session_status::connecting, "sessionsstuckconnecting"),
          std::pair(session_status::ending, "sessionsstuckending")}) {
        intake_.episodes.clear();
        track(1).status = status;
        add_episode(1, true).status = status;
        intake_.episodes.back().threshold = 30s;
        const http_response response = get("/sessions/" + name(1));
        EXPECT_TRUE(has(response, "Stuck: a poll confirmed that this has lasted for over 30 s."));
        EXPECT_TRUE(has(response, "<a href=\"../runbooks#" + std::string(anchor) + "\">"));
        EXPECT_NE(get("/runbooks").body_text().find("id=\"" + std::string(anchor) + "\""),
                  std::string_view::npos);
    }
    add_episode(2, false);
    track(2).status = session_status::ended;
    EXPECT_TRUE(has(get("/sessions/" + name(2)), "<p class=\"headline\">ended 4 min 10 s ago</p>"));
}

TEST_F(SessionPages, ForgottenSessionIsShownByItsEpisodes) {
    add_episode(2, false);
    const http_response response = get("/sessions/" + name(2));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(has(response, "does not follow the session any more."));
    EXPECT_TRUE(has(response, "recovered"));
    EXPECT_EQ(get("/sessions/" + name(3)).status, 404);
}

TEST_F(SessionPages, WhatIsNoIdIsNotRepeated) {
    for (const char* path : {"/sessions/<script>alert(1)</script>",
                             "/sessions/a%22b",
                             "/sessions/a/b",
                             "/sessions/"}) {
        const http_response response = get(path);
        EXPECT_EQ(response.status, 404) << path;
        expect_harmless(response);
        EXPECT_FALSE(has(response, "alert"));
        EXPECT_FALSE(has(response, "%22"));
    }
    const http_response response = get("/sessions?id=%3Cscript%3Ealert(1)");
    EXPECT_EQ(response.status, 404);
    EXPECT_FALSE(has(response, "alert"));
}

TEST_F(SessionPages, BoxFindsAWholeIdAndTheEndOfOne) {
    track(123'456);
    track(123'457);
    for (const std::string& text :
         {name(123'456), std::string("123456"), std::string("++123456+")}) {
        const http_response response = get("/sessions?id=" + text);
        EXPECT_EQ(response.status, 303) << text;
        EXPECT_EQ(field(response, "Location"), "./sessions/" + name(123'456));
    }
    // Five characters are no end.
    EXPECT_EQ(get("/sessions?id=23456").status, 404);
    EXPECT_EQ(get("/sessions").status, 404);
    intake_.sessions.insert_or_assign(session_id::parse("other_123456").value(),
                                      intake_.sessions.at(id(123'456)));
    const http_response several = get("/sessions?id=123456");
    EXPECT_EQ(several.status, 200);
    expect_harmless(several);
    EXPECT_TRUE(has(several, "<a class=\"id\" href=\"./sessions/" + name(123'456) + "\">"));
}

TEST_F(SessionPages, EpisodesListOpenOnesFirst) {
    add_episode(1, true);
    add_episode(2, false, 2h);
    intake_.next_episode = 2;
    const http_response response = get("/episodes");
    EXPECT_EQ(response.status, 200);
    expect_harmless(response);
    const std::string page(response.body_text());
    EXPECT_TRUE(has(response, "1 session is stuck"));
    // What all have in common comes before the long lists.
    EXPECT_LT(page.find("<svg class=\"hours\""), page.find(name(1)));
    EXPECT_LT(page.find(name(1)), page.find(name(2)));
    for (const std::string& part :
         {std::string("<span class=\"age\">1 min 35 s</span> <span>recovered</span>"),
          std::string("<a href=\"./episodes?after=2\">older ones</a>"),
          std::string("telnyx</td><td class=\"number\">1</td><td class=\"number\">2</td>"),
          std::string(
              "<td>last 5 minutes</td><td class=\"number\">1</td><td class=\"number\">0</td>"),
          std::string("<td>hour before</td><td class=\"number\">1</td><td class=\"number\">1</td>"),
          std::string("<rect class=\"telnyx\" x=\"")}) {
        EXPECT_TRUE(has(response, part)) << part;
    }
    EXPECT_EQ(get("/episodes?after=2").status, 200);
    EXPECT_EQ(get("/episodes?after=x").status, 400);
}

TEST_F(SessionPages, WithoutEpisodesThePageSaysSo) {
    const http_response response = get("/episodes");
    expect_harmless(response);
    EXPECT_TRUE(has(response, "No session is stuck"));
    EXPECT_TRUE(has(response, "None in the last 72 hours."));
}

// An hour before the start must not seem to have been quiet.
TEST_F(SessionPages, AYoungExporterSaysWhatItCannotKnow) {
    clock_.advance(7min);
    EXPECT_TRUE(has(get("/episodes"), "This exporter started 7 min ago."));
    clock_.advance(72h);
    EXPECT_FALSE(has(get("/episodes"), "This exporter started"));
}

TEST_F(SessionPages, AFullHistoryIsAPageBelow200Kilobytes) {
    for (std::size_t i = 0; i < 10'000; ++i) {
        add_episode(i, i < 200, i * 26s).mode = session_mode::bidirectional_translation;
    }
    // The daemon gives 200 of each list; this intake gives all it has.
    episode_page open;
    open.episodes.assign(intake_.episodes.begin(), intake_.episodes.begin() + 200);
    episode_page over;
    over.episodes.assign(intake_.episodes.begin() + 200, intake_.episodes.begin() + 400);
    over.dropped = 1'500;
    const std::string page = render_episodes_page(
        {test::fake_build, "", intake_.episodes, open, over, clock_.wall_now()});
    EXPECT_NE(page.find("Only the newest 10,000 episodes are kept"), std::string::npos);
    EXPECT_NE(page.find("Older ones removed since the start: 1,500."), std::string::npos);
    EXPECT_LT(page.size(), 200'000U);
    EXPECT_GT(page.size(), 50'000U);
}

TEST_F(SessionPages, RunbooksOfThisVersion) {
    const http_response response = get("/runbooks");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(field(response, "Content-Security-Policy"), status_page_policy());
    EXPECT_TRUE(has(response, "<h2 id=\"sessionsstuckconnecting\">"));
}

TEST_F(SessionPages, BeforeTheRestoreNoSessionIsCalledUnknown) {
    intake_.is_restored = false;
    EXPECT_EQ(get("/sessions/" + name(1)).status, 503);
    EXPECT_EQ(get("/sessions?id=123456").status, 503);
    EXPECT_EQ(get("/episodes").status, 503);
    expect_harmless(get("/episodes"));
    EXPECT_TRUE(has(get("/sessions/" + name(1)), "restoring sessions"));
    EXPECT_TRUE(has(get("/sessions/" + name(1)), "<a href=\"../episodes\">"));
    EXPECT_EQ(get("/runbooks").status, 200);
}

TEST_F(SessionPages, BehindAPrefixLinksStartAtItsBase) {
    http_routes routes;
    session_pages behind(intake_, clock_, test::fake_build, "/kall\"glot");
    behind.install(routes);
    track(1);
    http_request request;
    request.method = "GET";
    request.path = "/sessions/" + name(1);
    http_response response;
    group_.spawn("request", ask(routes.find("GET", request.path).handler, request, &response));
    ASSERT_TRUE(loop_.run_until([&] { return group_.size() == 0; }));
    EXPECT_TRUE(has(response, "<base href=\"/kall&quot;glot/\">"));
    EXPECT_TRUE(has(response, "<a href=\"./episodes\">"));
    EXPECT_FALSE(has(response, "../"));
}

TEST(EpisodesTrend, CountsBeginningsAndEndsInSpansThatEndNow) {
    const api_time now = api_time(std::chrono::hours(24 * 20'000 + 14)) + 20min;
    std::vector<episode_view> all;
    // Three began now, one at this time yesterday; each was over after 4 minutes.
    for (const milliseconds ago : {milliseconds(1min),
                                   milliseconds(2min),
                                   milliseconds(5min - 1ms),
                                   milliseconds(24h + 10min)}) {
        episode_view one(id(1));
        one.confirmed = now - ago;
        if (ago > 4min) {
            one.until = one.confirmed + 4min;
        }
        all.push_back(one);
    }
    const auto rows = count_trend(all, now);
    const auto row = [&](std::string_view name) {
        const auto found = std::ranges::find(rows, name, &trend_row::name);
        return found == rows.end() ? std::pair(99U, 99U) : std::pair(found->began, found->ended);
    };
    EXPECT_EQ(row("last 5 minutes"), std::pair(3U, 1U));
    EXPECT_EQ(row("5 minutes before"), std::pair(0U, 0U));
    EXPECT_EQ(row("last hour"), std::pair(3U, 1U));
    EXPECT_EQ(row("same hour yesterday"), std::pair(1U, 1U));
    EXPECT_EQ(row("last 24 hours"), std::pair(3U, 1U));
    EXPECT_EQ(row("24 hours before"), std::pair(1U, 1U));
}

TEST(EpisodesChart, CountsByHourOfTheClockAndProvider) {
    const api_time now = api_time(std::chrono::hours(24 * 20'000 + 14)) + 20min;
    std::vector<episode_view> all;
    for (const auto& [ago, provider] : {std::pair(milliseconds(10min), session_provider::sip),
                                        std::pair(milliseconds(30min), session_provider::sip),
                                        std::pair(milliseconds(35min), session_provider::twilio),
                                        std::pair(milliseconds(80h), session_provider::sip)}) {
        episode_view one(id(1));
        one.confirmed = now - ago;
        one.provider = provider;
        all.push_back(one);
    }
    const hourly_counts counts = count_by_hour(all, now);
    EXPECT_EQ(counts[71], (std::array<std::uint32_t, 5>{0, 0, 1, 0, 0}));
    EXPECT_EQ(counts[70], (std::array<std::uint32_t, 5>{1, 0, 1, 0, 0}));
    EXPECT_EQ(counts[0], (std::array<std::uint32_t, 5>{}));
}

} // namespace
} // namespace kallglot
