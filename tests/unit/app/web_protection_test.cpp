#include "app/web_protection.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

namespace {

using words = std::vector<std::string_view>;

// A private listener with everything that the format offers.
web_settings strict() {
    tls_server_options tls;
    tls.cert_file = "/etc/kallglot_exporter/private-listener.pem";
    tls.key_file = "/etc/kallglot_exporter/private-listener.key";
    tls.client_ca_file = "/etc/kallglot_exporter/clients.pem";
    tls.client_auth = tls_client_auth::require_and_verify;
    tls.allowed_sans = {"prometheus.monitoring.example"};
    tls.min_version = tls_version::tls_1_3;
    web_settings values;
    values.tls = tls;
    values.users = {{"prometheus", "$2b$10$a-hash-of-some-length"}, {"other", "$2b$10$another"}};
    values.rate = request_rate{std::chrono::milliseconds(100), 20};
    values.headers = {{"X-Frame-Options", "deny"}};
    return values;
}

words lost(const web_settings& now, const web_settings& next) {
    return lost_protection(web_protection::of(now), web_protection::of(next));
}

} // namespace

TEST(WebProtection, EmptiedFileLosesEverythingThatTheOldFileHad) {
    EXPECT_EQ(lost(strict(), {}),
              (words{"TLS", "the last user", "the rate limit", "the response headers"}));
}

TEST(WebProtection, FirstSectionAloneLosesTheOthers) {
    web_settings next;
    next.tls = strict().tls;
    EXPECT_EQ(lost(strict(), next),
              (words{"the last user", "the rate limit", "the response headers"}));
}

TEST(WebProtection, FirstKeysOfTheTlsSectionLoseTheChecksOfClients) {
    web_settings next = strict();
    next.tls = tls_server_options{};
    next.tls->cert_file = strict().tls->cert_file;
    next.tls->key_file = strict().tls->key_file;
    EXPECT_EQ(lost(strict(), next),
              (words{"the required client certificate",
                     "the verification of client certificates",
                     "client_allowed_sans",
                     "the minimum TLS version 1.3"}));
}

TEST(WebProtection, RenewedValuesLoseNothing) {
    web_settings next = strict();
    next.tls->cert_file = "/etc/kallglot_exporter/next-year.pem";
    next.tls->allowed_sans = {"another.monitoring.example"};
    next.users = {{"another-user", "$2b$10$a-new-hash-of-some-length"}};
    next.rate->burst = 5;
    EXPECT_TRUE(lost(strict(), next).empty());
}

TEST(WebProtection, MoreProtectionLosesNothing) {
    EXPECT_TRUE(lost({}, strict()).empty());
    EXPECT_TRUE(lost({}, {}).empty());
}

TEST(WebProtection, EachWordOfClientAuthIsComparedByWhatItChecks) {
    const auto from = [](tls_client_auth now, tls_client_auth next) {
        web_settings a = strict();
        web_settings b = strict();
        a.tls->client_auth = now;
        b.tls->client_auth = next;
        return lost(a, b).size();
    };
    using enum tls_client_auth;
    EXPECT_EQ(from(require_and_verify, require_any), 1U);
    EXPECT_EQ(from(require_and_verify, verify_if_given), 1U);
    EXPECT_EQ(from(require_any, verify_if_given), 1U);
    EXPECT_EQ(from(verify_if_given, require_any), 1U);
    EXPECT_EQ(from(require_any, require_and_verify), 0U);
    EXPECT_EQ(from(verify_if_given, require_and_verify), 0U);
    // `request` checks nothing, so it protects no more than `none`.
    EXPECT_EQ(from(request, none), 0U);
}

} // namespace kallglot
