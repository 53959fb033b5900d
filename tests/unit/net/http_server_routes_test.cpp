#include "kallglot/net/server/http_server_routes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

http_handler handler() {
    return [](http_request) -> task<http_response> {
        co_return http_response();
    };
}

http_routes make_routes() {
    http_routes routes;
    routes.add("GET", "/", handler());
    routes.add("GET", "/metrics", handler());
    routes.add("POST", "/-/reload", handler());
    routes.add("GET", "/api/v1/sessions", handler());
    routes.add_with_body("POST", "/api/v1/sessions", handler(), [](const http_request&) {
        return std::optional<http_response>();
    });
    routes.add("PUT", "/api/v1/sessions/", handler(), http_routes::match::prefix);
    routes.add("GET", "/api/v1/sessions/", handler(), http_routes::match::prefix);
    return routes;
}

int status_of(std::string_view method, std::string_view path) {
    const http_routes routes = make_routes();
    const http_routes::found found = routes.find(method, path);
    EXPECT_EQ(found.handler != nullptr, found.status == 200);
    return found.status;
}

TEST(HttpRoutes, FindsExactPaths) {
    EXPECT_EQ(status_of("GET", "/"), 200);
    EXPECT_EQ(status_of("GET", "/metrics"), 200);
    EXPECT_EQ(status_of("POST", "/-/reload"), 200);
}

TEST(HttpRoutes, RespondsWith404ToSimilarPaths) {
    for (const char* path : {"/metrics/",
                             "/Metrics",
                             "//metrics",
                             "/metrics/../",
                             "/%6detrics",
                             "/-/",
                             "*",
                             "/api/v1"}) {
        EXPECT_EQ(status_of("GET", path), 404) << path;
    }
}

TEST(HttpRoutes, AnswersHeadOnRoutesOfGet) {
    EXPECT_EQ(status_of("HEAD", "/metrics"), 200);
    EXPECT_EQ(status_of("HEAD", "/-/reload"), 405);
}

TEST(HttpRoutes, NamesTheMethodsOfAPath) {
    const http_routes routes = make_routes();
    EXPECT_EQ(routes.find("DELETE", "/metrics").status, 405);
    EXPECT_EQ(routes.find("DELETE", "/metrics").allow, "GET, HEAD, OPTIONS");
    EXPECT_EQ(routes.find("GET", "/-/reload").allow, "OPTIONS, POST");
    EXPECT_EQ(routes.find("get", "/api/v1/sessions").allow, "GET, HEAD, OPTIONS, POST");
    EXPECT_EQ(routes.find("GET", "/metrics").allow, "");
}

TEST(HttpRoutes, AnswersOptionsOnKnownPaths) {
    const http_routes routes = make_routes();
    EXPECT_EQ(routes.find("OPTIONS", "/metrics").status, 204);
    EXPECT_EQ(routes.find("OPTIONS", "/metrics").allow, "GET, HEAD, OPTIONS");
    EXPECT_EQ(routes.find("OPTIONS", "/api/v1/sessions/sess_1").allow, "GET, HEAD, OPTIONS, PUT");
    EXPECT_EQ(routes.find("OPTIONS", "*").status, 204);
    EXPECT_EQ(routes.find("OPTIONS", "*").allow, "GET, HEAD, OPTIONS, POST, PUT");
    EXPECT_EQ(routes.find("OPTIONS", "/nowhere").status, 404);
    EXPECT_EQ(routes.find("options", "/metrics").status, 405);
}

TEST(HttpRoutes, KnowsWhoNeedsABody) {
    const http_routes routes = make_routes();
    EXPECT_NE(routes.find("POST", "/api/v1/sessions").check, nullptr);
    EXPECT_EQ(routes.find("GET", "/api/v1/sessions").check, nullptr);
    EXPECT_EQ(routes.find("POST", "/-/reload").check, nullptr);
    EXPECT_EQ(routes.find("OPTIONS", "/api/v1/sessions").check, nullptr);
}

TEST(HttpRoutes, FindsPrefixes) {
    EXPECT_EQ(status_of("PUT", "/api/v1/sessions/sess_1"), 200);
    EXPECT_EQ(status_of("HEAD", "/api/v1/sessions/sess_1"), 200);
    EXPECT_EQ(status_of("POST", "/api/v1/sessions/sess_1"), 405);
    EXPECT_EQ(status_of("PUT", "/api/v1/sessions"), 405);
}

} // namespace
} // namespace kallglot
