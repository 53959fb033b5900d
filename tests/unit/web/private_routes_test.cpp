#include "kallglot/web/private_routes.hpp"

#include "fake_daemon.hpp"
#include "support/loop.hpp"
#include "support/virtual_clock.hpp"
#include "web/status_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace kallglot {
namespace {

task<> ask(const http_handler* handler, http_request request, http_response* into) {
    http_response response = co_await (*handler)(std::move(request));
    *into = std::move(response);
}

class PrivateRoutes : public testing::Test {
protected:
    PrivateRoutes() { pages_.install(routes_); }

    http_response get(const std::string& target,
                      std::vector<std::pair<std::string, std::string>> fields = {}) {
        http_request request;
        request.method = "GET";
        const std::size_t end = std::min(target.find('?'), target.size());
        request.path = target.substr(0, end);
        request.query = target.substr(std::min(end + 1, target.size()));
        request.fields = std::move(fields);
        const http_routes::found route = routes_.find("GET", request.path);
        http_response response;
        response.status = route.status;
        if (route.handler != nullptr) {
            EXPECT_TRUE(loop_.run(ask(route.handler, std::move(request), &response)));
        }
        return response;
    }

    static std::string field(const http_response& response, const std::string& name) {
        const auto found =
            std::ranges::find(response.fields, name, &std::pair<std::string, std::string>::first);
        return found == response.fields.end() ? "" : found->second;
    }

    test::loop loop_;
    test::virtual_clock clock_;
    test::fake_daemon daemon_;
    daemon_metrics metrics_{test::fake_build};
    private_routes pages_{daemon_, metrics_, clock_, test::fake_build};
    http_routes routes_;
};

TEST_F(PrivateRoutes, ServesMetricsAsText) {
    const http_response response = get("/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_NE(response.body_text().find("\nkallglot_sessions{status=\"active\"} 907\n"),
              std::string::npos);
    EXPECT_NE(response.body_text().find("\nkallglot_exporter_api_requests_total 0\n"),
              std::string::npos);
    EXPECT_NE(response.body_text().find("\nprocess_open_fds "), std::string::npos);
}

TEST_F(PrivateRoutes, ServesOpenMetricsOnRequest) {
    const http_response response =
        get("/metrics", {{"Accept", "application/openmetrics-text; version=1.0.0"}});
    EXPECT_EQ(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    EXPECT_TRUE(response.body_text().ends_with("# EOF\n"));
}

TEST_F(PrivateRoutes, CompressesWhenTheClientAcceptsGzip) {
    const http_response plain = get("/metrics", {{"Accept-Encoding", "identity"}});
    EXPECT_EQ(field(plain, "Content-Encoding"), "");
    const http_response packed = get("/metrics", {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
    EXPECT_EQ(packed.body_text().substr(0, 2), "\x1F\x8B");
    EXPECT_LT(packed.body_text().size(), plain.body_text().size() / 4);
}

TEST_F(PrivateRoutes, ScrapeShowsTheDurationOfThePreviousOne) {
    EXPECT_EQ(get("/metrics").body_text().find("scrape_duration"), std::string::npos);
    EXPECT_NE(get("/metrics").body_text().find("\nkallglot_exporter_scrape_duration_seconds 0\n"),
              std::string::npos);
}

TEST_F(PrivateRoutes, ScrapesOfOneReportShareItsText) {
    daemon_.keep = std::make_shared<const daemon_report>(daemon_.report);
    const http_response first = get("/metrics");
    const http_response second = get("/metrics");
    EXPECT_EQ(first.body_text().data(), second.body_text().data()) << "one text, twice";
    const http_response packed = get("/metrics", {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(packed.body_text().data(),
              get("/metrics", {{"Accept-Encoding", "gzip"}}).body_text().data());

    // The next census has a text of its own, and an answer still under way keeps the old one.
    daemon_.report.census.by_status[0] = 77;
    daemon_.keep = std::make_shared<const daemon_report>(daemon_.report);
    const http_response third = get("/metrics");
    EXPECT_NE(third.body_text().find("{status=\"created\"} 77\n"), std::string::npos);
    EXPECT_NE(first.body_text().find("{status=\"created\"} 3\n"), std::string::npos);
}

TEST_F(PrivateRoutes, BothFormatsOfOneReportAreSeparate) {
    daemon_.keep = std::make_shared<const daemon_report>(daemon_.report);
    EXPECT_EQ(get("/metrics").body_text().find("# EOF"), std::string::npos);
    EXPECT_TRUE(get("/metrics", {{"Accept", "application/openmetrics-text"}})
                    .body_text()
                    .ends_with("# EOF\n"));
}

TEST_F(PrivateRoutes, MetricsAnswer503BeforeTheRestore) {
    daemon_.state = {false, false, "restoring sessions"};
    const http_response response = get("/metrics");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body_text(), "restoring sessions\n");
    EXPECT_EQ(daemon_.asked, 0);
}

TEST_F(PrivateRoutes, ServesMetricsWhileStopping) {
    daemon_.state = {true, false, "stopping"};
    EXPECT_EQ(get("/metrics").status, 200);
    daemon_.stopped = true;
    EXPECT_EQ(get("/metrics").status, 503);
}

TEST_F(PrivateRoutes, IsHealthyWheneverItAnswers) {
    daemon_.state = {false, false, "restoring sessions"};
    EXPECT_EQ(get("/-/healthy").status, 200);
}

TEST_F(PrivateRoutes, NotReadyAnswers503WithTheReason) {
    EXPECT_EQ(get("/-/ready").status, 200);
    daemon_.state = {true, false, "stopping"};
    const http_response response = get("/-/ready");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body_text(), "stopping\n");
}

TEST_F(PrivateRoutes, ServesAPageForPeopleWithAStrictPolicy) {
    const http_response response = get("/");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(field(response, "Content-Security-Policy"), status_page_policy());
    EXPECT_EQ(field(response, "X-Content-Type-Options"), "") << "the server adds it to all";
    EXPECT_NE(response.body_text().find("21 sessions are stuck</p>"), std::string::npos);
    daemon_.state = {false, false, "restoring sessions"};
    EXPECT_NE(get("/").body_text().find("Not ready"), std::string::npos);
    EXPECT_EQ(field(get("/"), "Refresh"), "15");
}

TEST_F(PrivateRoutes, ThePageForPeopleStopsReloadingWhenAsked) {
    EXPECT_EQ(field(get("/"), "Refresh"), "15");
    const http_response response = get("/?reload=off");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(field(response, "Refresh"), "");
    EXPECT_NE(response.body_text().find(">reload</a>"), std::string::npos);
}

TEST_F(PrivateRoutes, HasNothingElse) {
    for (const char* path :
         {"/config", "/api/v1/sessions", "/-/reload", "/favicon.ico", "/metrics/"}) {
        EXPECT_EQ(get(path).status, 404) << path;
    }
}

TEST_F(PrivateRoutes, TelemetryPathMovesTheMetrics) {
    private_routes elsewhere(daemon_, metrics_, clock_, test::fake_build, "/other/metrics");
    http_routes routes;
    elsewhere.install(routes);
    EXPECT_NE(routes.find("GET", "/other/metrics").handler, nullptr);
    EXPECT_EQ(routes.find("GET", "/metrics").handler, nullptr);
}

} // namespace
} // namespace kallglot
