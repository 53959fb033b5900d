#include "web/status_page.hpp"

#include "fake_daemon.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

class StatusPage : public testing::Test {
protected:
    [[nodiscard]] std::string render(bool counted = true) const {
        return render_status_page({test::fake_build,
                                   daemon_.state,
                                   counted ? &daemon_.report : nullptr,
                                   {1, 2000, 3},
                                   90s,
                                   "/metrics"});
    }

    [[nodiscard]] bool shows(const std::string& part) const {
        return render().find(part) != std::string::npos;
    }

    test::fake_daemon daemon_;
};

TEST_F(StatusPage, BeginsWithTheVerdict) {
    EXPECT_TRUE(shows("<p class=\"headline\">21 sessions are stuck</p>"));
    EXPECT_TRUE(shows("<title>21 sessions are stuck · kallglot_exporter</title>"))
        << "a tab in the background tells it too";
    EXPECT_TRUE(shows("class=\"verdict bad\""));
}

TEST_F(StatusPage, LinksAreRelative) {
    EXPECT_TRUE(shows("<a href=\"./metrics\">/metrics</a>"));
    EXPECT_FALSE(shows("href=\"/"));
    EXPECT_FALSE(shows("<base"));
}

TEST_F(StatusPage, APrefixIsTheBaseOfTheLinks) {
    status_page_input shown{test::fake_build, daemon_.state, nullptr, {}, 90s, "/metrics", "/a\"b"};
    EXPECT_NE(render_status_page(shown).find("<base href=\"/a&quot;b/\">"), std::string::npos);
    EXPECT_NE(status_page_policy().find("base-uri 'self'"), std::string::npos);
}

TEST_F(StatusPage, StuckSessionsAreListedWithDetails) {
    daemon_.report.stuck.back().failures = 3;
    daemon_.report.stuck.back().created = daemon_.report.wall_now - 300s;
    const std::string page = render();
    EXPECT_NE(page.find("<li><a class=\"id\" href=\"./sessions/sess_longest\">sess_longest</a> "
                        "<span>connecting</span> <span class=\"age\">4 min 10 s</span> "
                        "<span class=\"soft\">polled 2 s ago</span>"),
              std::string::npos);
    EXPECT_NE(
        page.find("ai_agent, twilio, created 5 min ago, 3 polls failed since the last success"),
        std::string::npos);
    EXPECT_NE(page.find("and <a href=\"./episodes\">20 more</a>"), std::string::npos);
}

TEST_F(StatusPage, NoStuckSessionsMeansNoList) {
    daemon_.report.census.stuck = {};
    daemon_.report.stuck.clear();
    EXPECT_TRUE(shows("No session is stuck"));
    EXPECT_FALSE(shows("Stuck sessions"));
}

TEST_F(StatusPage, CountsByStatusWithABar) {
    EXPECT_TRUE(shows("<td class=\"number\">907</td>"));
    EXPECT_TRUE(shows("<td>all</td><td></td><td class=\"number\">939</td>"));
    // 907 of 939, and one that would be too thin to see.
    EXPECT_TRUE(shows("<rect class=\"active\" width=\"96.59\""));
    EXPECT_TRUE(shows("<rect class=\"ending\" width=\"2.00\""));
    daemon_.report.census.by_status = {};
    EXPECT_TRUE(shows("<rect class=\"active\" width=\"0.00\""));
}

TEST_F(StatusPage, ShowsApiBudgetIntakeStoreAndBuild) {
    daemon_.report.state = api_state::throttled;
    daemon_.report.webhooks_flow = true;
    daemon_.report.store_writable = true;
    gauge_set& gauges = daemon_.report.gauges;
    gauges.set(metric::api_paused_until, 1'800'000'030);
    gauges.set(metric::last_poll_success, 1'799'999'997);
    gauges.set(metric::api_rate_limit, 600);
    gauges.set(metric::api_rate_limit_remaining, 412);
    gauges.set(metric::poll_budget, 4.96);
    gauges.set(metric::poll_demand, 19.2);
    gauges.set(metric::poll_stretch, 4);
    gauges.set(metric::webhook_last_event, 1'799'999'999);
    gauges.set(metric::store_last_commit, 1'799'999'990);
    gauges.set(metric::event_loop_delay, 0.0031);
    for (const char* part : {"<dt>state</dt><dd class=\"care\">throttled</dd>",
                             "<dt>last success</dt><dd>3 s ago</dd>",
                             "<dt>paused for another</dt><dd class=\"care\">30 s</dd>",
                             "<dd>412 of 600</dd>",
                             "<dt>request budget</dt><dd>5.0/s</dd>",
                             "<dt>demand</dt><dd>19/s</dd>",
                             "<dd>4.0 times the configured one</dd>",
                             "<dt>ids from api</dt><dd>2,000</dd>",
                             "<dt>last webhook</dt><dd>1 s ago</dd>",
                             "<dt>store</dt><dd>written 10 s ago</dd>",
                             "<dt>max event loop delay</dt><dd>3.1 ms</dd>",
                             "<dt>uptime</dt><dd>1 min 30 s</dd>",
                             "version 1.2.3, revision abcdef012345, Clang 19.1.7",
                             "08:00:00 UTC"}) {
        EXPECT_TRUE(shows(part)) << part;
    }
}

TEST_F(StatusPage, SaysWhatABudgetThatIsTooSmallDecides) {
    daemon_.report.gauges.set(metric::decisions, 0.584);
    daemon_.report.deciding_rate = 19.16;
    daemon_.report.census.unobserved = 1234;
    EXPECT_TRUE(
        shows("<dt>the budget decides</dt><dd class=\"care\">58 of 100 sessions in time; "
              "webhooks or 1,150 requests a minute would decide all</dd>"));
    EXPECT_TRUE(
        shows("<dt>never observed, past the first threshold</dt><dd class=\"care\">1,234</dd>"));
}

TEST_F(StatusPage, SaysThatTheBudgetDecidesAll) {
    daemon_.report.gauges.set(metric::decisions, 1);
    EXPECT_TRUE(shows("<dt>the budget decides</dt><dd>100 of 100 sessions in time</dd>"));
    EXPECT_FALSE(shows("never observed"));
}

TEST_F(StatusPage, UnwritableStoreIsShown) {
    daemon_.report.store_writable = false;
    EXPECT_TRUE(shows("<dt>store</dt><dd class=\"alarm\">not writable</dd>"));
}

TEST_F(StatusPage, NotReadyPageShowsTheReasonAndNoCounts) {
    daemon_.state = {false, false, "restoring <sessions>"};
    const std::string page = render(false);
    EXPECT_NE(page.find("Not ready: restoring &lt;sessions&gt;"), std::string::npos);
    EXPECT_EQ(page.find("<table>"), std::string::npos);
}

TEST_F(StatusPage, PageHasNoScriptAndNoExternalResource) {
    const std::string page = render();
    for (const char* forbidden : {"<script",
                                  "javascript:",
                                  "http://",
                                  "https://",
                                  "@import",
                                  "url(",
                                  "<img",
                                  " style=",
                                  "onload"}) {
        EXPECT_EQ(page.find(forbidden), std::string::npos) << forbidden;
    }
}

TEST_F(StatusPage, HasABoxThatFindsASession) {
    EXPECT_TRUE(
        shows("<form role=\"search\" method=\"get\" action=\"./sessions\">"
              "<label for=\"id\">Find a session</label><input id=\"id\" name=\"id\""));
    EXPECT_NE(status_page_policy().find("form-action 'self'"), std::string::npos);
}

TEST_F(StatusPage, ItsReloadingCanBeStopped) {
    EXPECT_TRUE(shows("<a href=\"./?reload=off\">stop reloading</a>"));
    status_page_input shown{test::fake_build, daemon_.state, &daemon_.report, {}, 90s};
    shown.reloads = false;
    EXPECT_NE(render_status_page(shown).find("<a href=\"./\">reload</a>"), std::string::npos);
}

TEST(StatusPagePolicy, AllowsTheStyleOfThePageAlone) {
    const std::string policy = status_page_policy();
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(policy.find("default-src 'none'; style-src 'sha256-"), 0U);
    // 32 bytes in base64.
    const auto begin = policy.find("sha256-") + 7;
    EXPECT_EQ(policy.find('\'', begin) - begin, 44U);
}

TEST(EscapeHtml, EscapesAllMarkupCharacters) {
    EXPECT_EQ(escape_html("<a href=\"x\" title='y'>&amp;"),
              "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;");
    EXPECT_EQ(escape_html("plain text, \xC3\xA4"), "plain text, \xC3\xA4");
}

} // namespace
} // namespace kallglot
