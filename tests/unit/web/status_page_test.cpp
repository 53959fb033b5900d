#include "kallglot/web/landing_page.hpp"

#include "fake_daemon.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

std::string render(const test::fake_daemon& daemon, bool counted = true) {
    return render_landing_page(test::fake_build,
                               daemon.state,
                               counted ? &daemon.report : nullptr,
                               "/metrics");
}

TEST(LandingPage, TellsWhatIsStuckInWords) {
    const test::fake_daemon daemon;
    const std::string page = render(daemon);
    EXPECT_NE(page.find("21 sessions are stuck."), std::string::npos);
    EXPECT_NE(page.find("<tr><td>connecting</td><td>20</td></tr>"), std::string::npos);
}

TEST(LandingPage, SaysSoWhenNothingIsStuck) {
    test::fake_daemon daemon;
    daemon.report.census.over_threshold[1] = {0, 0, 0, 0, 0};
    daemon.report.census.over_threshold[3] = {};
    // Long calls are no fault.
    EXPECT_NE(render(daemon).find("No session is stuck."), std::string::npos);
}

TEST(LandingPage, SpeaksOfOneSessionAsOne) {
    test::fake_daemon daemon;
    daemon.report.census.over_threshold[1] = {};
    EXPECT_NE(render(daemon).find("1 session is stuck."), std::string::npos);
}

TEST(LandingPage, CountsByStatus) {
    const test::fake_daemon daemon;
    const std::string page = render(daemon);
    EXPECT_NE(page.find("<tr><td>active</td><td>907</td></tr>"), std::string::npos);
    EXPECT_NE(page.find("<tr><td>all</td><td>939</td></tr>"), std::string::npos);
}

TEST(LandingPage, NamesTheBuildAndLinksToTheRest) {
    const test::fake_daemon daemon;
    const std::string page = render(daemon);
    EXPECT_NE(page.find("version 1.2.3, revision abcdef012345, Clang 19.1.7"), std::string::npos);
    EXPECT_NE(page.find("<a href=\"/metrics\">/metrics</a>"), std::string::npos);
    EXPECT_NE(page.find("<a href=\"/-/ready\">"), std::string::npos);
}

TEST(LandingPage, SaysWhyItIsNotReadyAndCountsNothingThen) {
    test::fake_daemon daemon;
    daemon.state = {false, false, "restoring <sessions>"};
    const std::string page = render(daemon, false);
    EXPECT_NE(page.find("Not ready: restoring &lt;sessions&gt;"), std::string::npos);
    EXPECT_EQ(page.find("<td>"), std::string::npos);
}

TEST(LandingPage, NeedsNoScriptAndNothingFromElsewhere) {
    const test::fake_daemon daemon;
    const std::string page = render(daemon);
    for (const char* forbidden :
         {"<script", "javascript:", "http://", "https://", "@import", "<img", "<form", "onload"}) {
        EXPECT_EQ(page.find(forbidden), std::string::npos) << forbidden;
    }
}

TEST(EscapeHtml, LeavesNothingThatMarkupIsMadeOf) {
    EXPECT_EQ(escape_html("<a href=\"x\" title='y'>&amp;"),
              "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;");
    EXPECT_EQ(escape_html("plain text, \xC3\xA4"), "plain text, \xC3\xA4");
}

} // namespace
} // namespace kallglot
