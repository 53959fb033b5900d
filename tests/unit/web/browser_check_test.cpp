#include "web/browser_check.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace kallglot {
namespace {

api_endpoint behind_proxy() {
    return {"https://metrics.example.com/kallglot",
            "metrics.example.com",
            443,
            "metrics.example.com",
            "/kallglot",
            true};
}

class BrowserCheck : public testing::Test {
protected:
    BrowserCheck() { request_.client.on_loopback = true; }

    browser_verdict with_host(const std::string& host, bool has_url = false) {
        request_.fields = {{"Host", host}};
        return check_browser(request_, has_url ? &external_ : nullptr);
    }

    browser_verdict post(std::vector<std::pair<std::string, std::string>> fields,
                         bool has_url = false) {
        request_.method = "POST";
        request_.fields = std::move(fields);
        request_.fields.emplace_back("Host", "127.0.0.1:10455");
        return check_browser(request_, has_url ? &external_ : nullptr);
    }

    api_endpoint external_ = behind_proxy();
    http_request request_{"GET", "/metrics", "", {}, "", true, false, {}};
};

TEST_F(BrowserCheck, ALoopbackListenerHasAddressesAndLocalhostForNames) {
    for (const char* host : {"127.0.0.1:10455",
                             "127.0.0.1",
                             "10.1.2.3:80",
                             "[::1]:10455",
                             "[2001:db8::1]",
                             "localhost",
                             "LocalHost:10455",
                             ""}) {
        EXPECT_EQ(with_host(host), browser_verdict::accepted) << host;
    }
    for (const char* host : {"rebind.evil.example",
                             "rebind.evil.example:10455",
                             "localhost.evil.example",
                             "127.0.0.1.evil.example",
                             "xlocalhost",
                             "[evil.example",
                             "evil.example:80@localhost",
                             "localhost,evil.example",
                             "metrics.example.com",
                             "127.0.0.1x"}) {
        EXPECT_EQ(with_host(host), browser_verdict::foreign_host) << host;
    }
}

TEST_F(BrowserCheck, TheExternalUrlAddsItsHost) {
    EXPECT_EQ(with_host("metrics.example.com", true), browser_verdict::accepted);
    EXPECT_EQ(with_host("Metrics.Example.com:443", true), browser_verdict::accepted);
    EXPECT_EQ(with_host("other.example.com", true), browser_verdict::foreign_host);
}

TEST_F(BrowserCheck, OtherListenersMayHaveAnyName) {
    request_.client.on_loopback = false;
    EXPECT_EQ(with_host("exporter.internal:10455"), browser_verdict::accepted);
}

TEST_F(BrowserCheck, AForeignPageChangesNothing) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
        request_.method = method;
        request_.fields = {{"Host", "127.0.0.1:10455"}, {"Origin", "https://evil.example"}};
        EXPECT_EQ(check_browser(request_, nullptr), browser_verdict::foreign_page) << method;
    }
    EXPECT_EQ(post({{"Sec-Fetch-Site", "cross-site"}}), browser_verdict::foreign_page);
    EXPECT_EQ(post({{"Origin", "null"}}), browser_verdict::foreign_page);
    // The same machine, but another program.
    EXPECT_EQ(post({{"Origin", "http://127.0.0.1:8080"}}), browser_verdict::foreign_page);
    EXPECT_EQ(post({{"Origin", "http://127.0.0.1:10455"}, {"Sec-Fetch-Site", "cross-site"}}),
              browser_verdict::foreign_page);
}

TEST_F(BrowserCheck, OurPageAndOtherProgramsMayChangeThings) {
    EXPECT_EQ(post({}), browser_verdict::accepted);
    EXPECT_EQ(post({{"Origin", "http://127.0.0.1:10455"}, {"Sec-Fetch-Site", "same-origin"}}),
              browser_verdict::accepted);
    EXPECT_EQ(post({{"Sec-Fetch-Site", "none"}}), browser_verdict::accepted);
    EXPECT_EQ(post({{"Origin", "https://metrics.example.com"}}, true), browser_verdict::accepted);
    EXPECT_EQ(post({{"Origin", "https://metrics.example.com"}}), browser_verdict::foreign_page);
}

TEST_F(BrowserCheck, ReadingIsAlwaysAllowed) {
    for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
        request_.method = method;
        request_.fields = {{"Host", "127.0.0.1:10455"},
                           {"Origin", "https://evil.example"},
                           {"Sec-Fetch-Site", "cross-site"}};
        EXPECT_EQ(check_browser(request_, nullptr), browser_verdict::accepted) << method;
    }
}

} // namespace
} // namespace kallglot
