// The life of a session from what is kept of it.

#include "web/life_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using enum session_status;

/// 2026-04-14 09:36:34 UTC.
constexpr api_time t0{1'776'159'394s};

session_view view_of(session_status status, api_time since) {
    session_view view(session_id::parse("sess_01JQ7N0C5VXB3HEZ4M8K").value());
    view.status = status;
    view.since = since;
    return view;
}

episode_view episode(session_status status, api_time since) {
    episode_view one(session_id::parse("sess_01JQ7N0C5VXB3HEZ4M8K").value());
    one.status = status;
    one.since = since;
    return one;
}

std::string drawn(const std::vector<life_stay>& stays, api_time now) {
    page_writer out;
    put_life(out, stays, now);
    return std::move(out).take();
}

TEST(LifeLine, StuckSessionHasItsCreationAndItsStayWithBothBounds) {
    session_view view = view_of(connecting, t0 + 4s);
    view.created = t0;
    view.since_low = t0 + 2s;
    const auto stays = stays_of(&view, {});
    ASSERT_EQ(stays.size(), 2U);
    EXPECT_EQ(stays[0].status, created);
    EXPECT_EQ(stays[0].until, t0 + 4s);
    EXPECT_EQ(stays[0].until_low, t0 + 2s);
    EXPECT_FALSE(stays[0].rest_unknown);
    EXPECT_EQ(stays[1].status, connecting);
    EXPECT_FALSE(stays[1].until);
    const std::string page = drawn(stays, t0 + 10s);
    // A tenth of the width is a second; `connecting` began in the third or fourth.
    EXPECT_NE(page.find("<rect class=\"created\" x=\"0.0\" width=\"200.0\""), std::string::npos)
        << page;
    EXPECT_NE(page.find("<rect class=\"connecting unsure\" x=\"200.0\" width=\"200.0\""),
              std::string::npos);
    EXPECT_NE(page.find("<rect class=\"connecting\" x=\"400.0\" width=\"600.0\""),
              std::string::npos);
    EXPECT_NE(page.find("<strong>connecting</strong> between 2026-04-14 09:36:36 UTC and 09:36:38 "
                        "UTC, for 6 s"),
              std::string::npos);
}

TEST(LifeLine, NoStayBeginsBeforeTheOneThatItFollows) {
    session_view view = view_of(connecting, t0 + 1s);
    view.created = t0;
    view.since_low = t0 - 2s;
    const auto stays = stays_of(&view, {});
    ASSERT_EQ(stays.size(), 2U);
    EXPECT_EQ(stays[1].from_low, t0);
    EXPECT_EQ(stays[0].until_low, t0);
    EXPECT_NE(drawn(stays, t0 + 10s).find("between 2026-04-14 09:36:34 UTC and 09:36:35 UTC"),
              std::string::npos);
}

TEST(LifeLine, ActiveSessionWithoutEpisodesSaysThatConnectingIsIncluded) {
    session_view view = view_of(active, t0 + 6s);
    view.created = t0;
    view.started = t0 + 6s;
    const auto stays = stays_of(&view, {});
    ASSERT_EQ(stays.size(), 2U);
    EXPECT_TRUE(stays[0].rest_unknown);
    EXPECT_NE(drawn(stays, t0 + 10s).find("for 6 s, connecting included"), std::string::npos);
}

TEST(LifeLine, EndedSessionKeepsItsEpisode) {
    session_view view = view_of(ended, t0 + 100s);
    view.created = t0;
    view.started = t0 + 60s;
    episode_view stuck = episode(connecting, t0 + 5s);
    stuck.since_low = t0 + 3s;
    stuck.until = t0 + 61s;
    stuck.until_low = t0 + 59s;
    const auto stays = stays_of(&view, {stuck});
    ASSERT_EQ(stays.size(), 4U);
    EXPECT_EQ(stays[1].status, connecting);
    // The start is known better than the end of the episode: no gap between them.
    EXPECT_EQ(stays[1].until, t0 + 60s);
    EXPECT_EQ(stays[1].until_low, t0 + 60s);
    EXPECT_EQ(stays[2].status, active);
    EXPECT_EQ(stays[2].until, t0 + 100s);
    EXPECT_EQ(stays[3].status, ended);
    const std::string page = drawn(stays, t0 + 1h);
    // The line ends with the session.
    EXPECT_NE(page.find("<rect class=\"ended\" x=\"997.0\" width=\"3.0\""), std::string::npos)
        << page;
    EXPECT_NE(page.find("<strong>ended</strong> by 2026-04-14 09:38:14 UTC</li>"),
              std::string::npos);
}

TEST(LifeLine, OpenEpisodeIsThePresentStay) {
    const session_view view = view_of(ending, t0);
    EXPECT_EQ(stays_of(&view, {episode(ending, t0)}).size(), 1U);
}

TEST(LifeLine, ForgottenSessionHasItsEpisodesAlone) {
    episode_view stuck = episode(connecting, t0);
    stuck.until = t0 + 40s;
    const auto stays = stays_of(nullptr, {stuck});
    ASSERT_EQ(stays.size(), 1U);
    EXPECT_EQ(stays[0].until, t0 + 40s);
    EXPECT_EQ(drawn({}, t0), "");
}

} // namespace
} // namespace kallglot
