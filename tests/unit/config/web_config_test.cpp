#include "kallglot/config/web_config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kallglot {
namespace {

using config::parse_web_config;

const std::string hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

web_settings good(const std::string& text) {
    auto read = parse_web_config(text, "web.yml", "/etc/kallglot");
    if (const auto* const faults = std::get_if<std::vector<config::config_fault>>(&read)) {
        ADD_FAILURE() << text << '\n' << to_string(faults->front());
        return {};
    }
    return std::get<web_settings>(std::move(read));
}

TEST(WebConfig, EmptyFileMeansNoTlsAndNoUsers) {
    for (const char* const text : {"",
                                   "# nothing\n",
                                   "tls_server_config:\n",
                                   "tls_server_config: {cert_file: '', key_file: ''}\n",
                                   "basic_auth_users: {}\n",
                                   "http_server_config: {http2: false}\n",
                                   "rate_limit: {interval: 0, burst: 3}\n"}) {
        const web_settings read = good(text);
        EXPECT_FALSE(read.tls) << text;
        EXPECT_TRUE(read.users.empty());
        EXPECT_FALSE(read.rate);
    }
}

TEST(WebConfig, AcceptsEveryKeyOfTheFormat) {
    const web_settings read = good(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example, 10.0.0.1]
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256, X25519, CurveP384, CurveP521]
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "1"
    Strict-Transport-Security: max-age=31536000
rate_limit: {interval: 500ms, burst: 4}
basic_auth_users:
  alice: )" + hash + "\n  bob: '" + hash
                                   + "'\n");
    ASSERT_TRUE(read.tls);
    EXPECT_EQ(read.tls->cert_file, "/etc/kallglot/server.crt");
    EXPECT_EQ(read.tls->key_file, "/keys/server.key");
    EXPECT_EQ(read.tls->client_ca_file, "/etc/kallglot/ca.crt");
    EXPECT_EQ(read.tls->client_auth, tls_client_auth::require_and_verify);
    EXPECT_EQ(read.tls->allowed_sans, (std::vector<std::string>{"prometheus.example", "10.0.0.1"}));
    EXPECT_EQ(read.tls->ciphers, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
    EXPECT_EQ(read.tls->min_version, tls_version::tls_1_3);
    EXPECT_EQ(read.tls->max_version, tls_version::tls_1_3);
    EXPECT_FALSE(read.tls->prefer_server_ciphers);
    EXPECT_EQ(read.tls->groups, "P-256:X25519:P-384:P-521");
    EXPECT_EQ(read.headers,
              (std::vector<std::pair<std::string, std::string>>{
                  {"Content-Security-Policy", "default-src 'self'"},
                  {"X-Frame-Options", "sameorigin"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"X-XSS-Protection", "1"},
                  {"Strict-Transport-Security", "max-age=31536000"}}));
    ASSERT_EQ(read.users.size(), 2U);
    EXPECT_EQ(read.users[0].name, "alice");
    EXPECT_EQ(read.users[0].hash, hash);
    EXPECT_EQ(read.users[1].name, "bob");
    EXPECT_EQ(read.users[1].hash, hash);
    ASSERT_TRUE(read.rate);
    EXPECT_EQ(read.rate->burst, 4U);
    EXPECT_EQ(read.rate->interval, std::chrono::milliseconds(500));
}

TEST(WebConfig, AcceptsPemTextsInPlaceOfFiles) {
    const web_settings read = good(
        "tls_server_config:\n  cert: |\n    -----BEGIN\n    more\n  key: K\n  client_ca: A\n"
        "  client_auth_type: VerifyClientCertIfGiven\n");
    ASSERT_TRUE(read.tls);
    EXPECT_EQ(read.tls->cert_pem, "-----BEGIN\nmore\n");
    EXPECT_EQ(read.tls->key_pem, "K");
    EXPECT_EQ(read.tls->client_ca_pem, "A");
    EXPECT_TRUE(read.tls->prefer_server_ciphers) << "as the toolkit's default";
}

TEST(WebConfig, BooleansAndDurationsOfGoProgramsAreParsed) {
    const web_settings read = good(
        "tls_server_config: {cert_file: c, key_file: k, "
        "prefer_server_cipher_suites: no}\n"
        "http_server_config: {http2: Off}\n"
        "rate_limit: {interval: 0.1s, burst: 2}\n");
    EXPECT_FALSE(read.tls->prefer_server_ciphers);
    EXPECT_EQ(read.rate->interval, std::chrono::milliseconds(100));
    EXPECT_EQ(good("rate_limit: {interval: 250us}").rate->interval, std::chrono::milliseconds(1));
    EXPECT_EQ(good("rate_limit: {interval: 1d}").rate->interval, std::chrono::hours(24));
    EXPECT_TRUE(good("tls_server_config: {cert_file: c, key_file: k, prefer_server_cipher_suites: "
                     "True}")
                    .tls->prefer_server_ciphers);
}

TEST(WebConfig, NamesOfCertificatesThatClientsMakeThemselvesCauseAWarning) {
    const std::string start =
        "tls_server_config: {cert_file: c, key_file: k, client_allowed_sans: "
        "[prometheus.example], client_auth_type: ";
    const auto any =
        config::web_config_warnings(good(start + "RequireAnyClientCert}"), "w.yml", {});
    ASSERT_EQ(any.size(), 1U);
    EXPECT_EQ(any.front().key, "tls_server_config.client_allowed_sans");
    EXPECT_TRUE(
        config::web_config_warnings(good(start + "RequireAndVerifyClientCert}"), "w.yml", {})
            .empty());
}

TEST(WebConfig, EveryClientAuthTypeIsParsed) {
    const std::string base = "tls_server_config: {cert_file: c, key_file: k, client_auth_type: ";
    EXPECT_EQ(good(base + "NoClientCert}").tls->client_auth, tls_client_auth::none);
    EXPECT_EQ(good(base + "RequestClientCert}").tls->client_auth, tls_client_auth::request);
    EXPECT_EQ(good(base + "RequireClientCert}").tls->client_auth, tls_client_auth::require_any);
    EXPECT_EQ(good(base + "RequireAnyClientCert}").tls->client_auth, tls_client_auth::require_any);
    EXPECT_EQ(good(base + "VerifyClientCertIfGiven}").tls->client_auth,
              tls_client_auth::verify_if_given);
}

TEST(WebConfig, OnlyTls13SuitesRaiseTheMinimumVersion) {
    EXPECT_EQ(good("tls_server_config: {cert_file: c, key_file: k, cipher_suites: "
                   "[TLS_AES_256_GCM_SHA384]}")
                  .tls->min_version,
              tls_version::tls_1_3);
}

struct bad_row {
    std::string text;
    std::string fault; ///< the beginning of the first one
};

class BadWebConfig : public testing::TestWithParam<bad_row> {};

TEST_P(BadWebConfig, IsRejectedWithLineAndKey) {
    const auto read = parse_web_config(GetParam().text, "web.yml", "/etc/kallglot");
    const auto* const faults = std::get_if<std::vector<config::config_fault>>(&read);
    ASSERT_NE(faults, nullptr) << GetParam().text;
    EXPECT_TRUE(to_string(faults->front()).starts_with(GetParam().fault))
        << to_string(faults->front()) << "\nexpected " << GetParam().fault;
}

std::string tls(const std::string& more) {
    return "tls_server_config:\n  cert_file: c\n  key_file: k\n  " + more + "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Files,
    BadWebConfig,
    testing::Values(
        bad_row{"tls_server_confi: {}", "web.yml:1: tls_server_confi: unknown key"},
        bad_row{tls("cert_fil: x"), "web.yml:4: tls_server_config.cert_fil: unknown key"},
        bad_row{tls("cert_file: x"), "web.yml:4: tls_server_config.cert_file: repeated key"},
        bad_row{"tls_server_config: [a]", "web.yml:1: tls_server_config: must be a section"},
        bad_row{"tls_server_config: {key_file: k}",
                "web.yml:1: tls_server_config: missing one of cert or cert_file"},
        bad_row{"tls_server_config: {cert_file: c}",
                "web.yml:1: tls_server_config: missing one of key or key_file"},
        bad_row{"tls_server_config: {client_auth_type: RequireAnyClientCert}",
                "web.yml:1: tls_server_config: missing one of cert"},
        bad_row{tls("client_auth_type: Sometimes"),
                "web.yml:4: tls_server_config.client_auth_type: must be NoClientCert, "
                "RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
                "RequireAndVerifyClientCert"},
        bad_row{tls("client_ca_file: ca"), "web.yml:2: tls_server_config: client_ca requires"},
        bad_row{tls("client_allowed_sans: [a]"),
                "web.yml:2: tls_server_config: client_allowed_sans"},
        bad_row{tls("client_auth_type: VerifyClientCertIfGiven\n  client_allowed_sans: [a]"),
                "web.yml:2: tls_server_config: client_allowed_sans"},
        bad_row{tls("min_version: TLS11"),
                "web.yml:4: tls_server_config.min_version: TLS11 is not supported"},
        bad_row{tls("min_version: TLS111"), "web.yml:4: tls_server_config.min_version: must be"},
        bad_row{tls("min_version: TLS13\n  max_version: TLS12"),
                "web.yml:2: tls_server_config: max_version must not be below"},
        bad_row{tls("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]"),
                "web.yml:4: tls_server_config.cipher_suites: unknown cipher suite: must be a name "
                "of Go's crypto/tls"},
        bad_row{tls("cipher_suites: TLS_AES_128_GCM_SHA256"),
                "web.yml:4: tls_server_config.cipher_suites: must be a list"},
        bad_row{tls("cipher_suites: [[a]]"),
                "web.yml:4: tls_server_config.cipher_suites: must be a list of strings"},
        bad_row{tls("curve_preferences: [CurveP257]"),
                "web.yml:4: tls_server_config.curve_preferences: unknown curve: must be a name of "
                "Go's crypto/tls"},
        bad_row{tls("prefer_server_cipher_suites: perhaps"),
                "web.yml:4: tls_server_config.prefer_server_cipher_suites: must be true or false"},
        bad_row{"http_server_config: {http3: true}",
                "web.yml:1: http_server_config.http3: unknown key"},
        bad_row{"http_server_config: {headers: {X-Other: a}}",
                "web.yml:1: http_server_config.headers.X-Other: unknown key"},
        bad_row{
            "http_server_config: {headers: {X-Frame-Options: maybe}}",
            "web.yml:1: http_server_config.headers.X-Frame-Options: must be deny or sameorigin"},
        bad_row{"http_server_config: {headers: {X-Content-Type-Options: sniff}}",
                "web.yml:1: http_server_config.headers.X-Content-Type-Options: must be nosniff"},
        bad_row{"basic_auth_users: [alice]",
                "web.yml:1: basic_auth_users: must be a map of user names"},
        bad_row{"basic_auth_users:\n  alice: secret",
                "web.yml:2: basic_auth_users: password is not a bcrypt hash: make one with "
                "htpasswd -nBC 10 USER"},
        bad_row{"basic_auth_users:\n  'al:ice': " + hash,
                "web.yml:2: basic_auth_users: a user name"},
        bad_row{"basic_auth_users:\n  a: " + hash + "\n  a: " + hash,
                "web.yml:3: basic_auth_users: the user is listed twice"},
        bad_row{"basic_auth_users:\n  a: $2y$03" + hash.substr(6),
                "web.yml:2: basic_auth_users: the cost of the bcrypt hash"},
        bad_row{"basic_auth_users:\n  a: $2y$15" + hash.substr(6),
                "web.yml:2: basic_auth_users: the cost of the bcrypt hash"},
        bad_row{"rate_limit: {interval: soon}", "web.yml:1: rate_limit.interval: "},
        bad_row{"rate_limit: {interval: 1s, burst: -1}", "web.yml:1: rate_limit.burst: "},
        bad_row{"a: &x 1\nb: *x", "web.yml:1: anchors"},
        bad_row{"basic_auth_users: {alice: *Passw0rd}", "web.yml:1: aliases (*) are not supported"},
        bad_row{"? [a, b]\n: c", "web.yml:1: invalid key: must be a plain word"},
        bad_row{"tls_server_config:\n  key_file: '-----BEGIN PRIVATE KEY----- MIGHAgEA'\n  "
                "cert_file: c",
                "web.yml:2: tls_server_config.key_file: must be the path of a file, not the secret "
                "itself"},
        bad_row{"tls_server_config:\n  cert_file: |\n    server.crt\n  key_file: k\n",
                "web.yml:2: tls_server_config.cert_file: must be a string on one line"},
        bad_row{
            tls("client_auth_type: RequireAnyClientCert\n  client_allowed_sans: []"),
            "web.yml:5: tls_server_config.client_allowed_sans: an empty list rejects every client"},
        bad_row{"tls_server_config: {client_allowed_sans: [x]}",
                "web.yml:1: tls_server_config: missing one of cert"},
        bad_row{tls("max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]"),
                "web.yml:2: tls_server_config.cipher_suites: must have a suite of TLS 1.2"},
        bad_row{"a: b\n\"two\\nlines\": c", "web.yml:2: a line break"}));

TEST(WebConfig, FaultsAreInTheOrderOfTheirLines) {
    const auto read = parse_web_config(
        "tls_server_config:\n  cert_file: c\n  key_fil: k\nrate_limit: {burst: -1}\n",
        "web.yml",
        "/");
    std::string lines;
    for (const auto& fault : std::get<std::vector<config::config_fault>>(read)) {
        lines += std::to_string(fault.line) + ' ' + fault.key + '\n';
    }
    EXPECT_EQ(lines, "2 tls_server_config\n3 tls_server_config.key_fil\n4 rate_limit.burst\n");
}

TEST(WebConfig, NonsenseFileGivesABoundedListOfFaults) {
    std::string text;
    for (int i = 0; i < 50000; ++i) {
        text += "nonsense_" + std::to_string(i) + ": 1\n";
    }
    const auto read = parse_web_config(text, "web.yml", "/");
    const auto& faults = std::get<std::vector<config::config_fault>>(read);
    ASSERT_EQ(faults.size(), 101U);
    EXPECT_EQ(faults.back().message, "and 49900 more faults");
}

TEST(WebConfig, KeyInPlaceOfItsFileIsNotRepeated) {
    const auto file = std::filesystem::temp_directory_path()
                      / ("kallglot-web-" + std::to_string(::getpid()) + ".yml");
    const std::string key = "0123456789abcdef0123456789abcdef";
    std::ofstream(file) << "tls_server_config: {cert_file: c.pem, key_file: " << key << "}\n";
    const auto read = config::load_web_config(file);
    std::filesystem::remove(file);
    const auto& faults = std::get<std::vector<config::config_fault>>(read);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults.front().key, "tls_server_config.key_file");
    EXPECT_EQ(to_string(faults.front()).find(key), std::string::npos);
}

TEST(WebConfig, KeyThatMayBeAPasswordIsNotRepeated) {
    for (const std::string text :
         {"swordfish-of-0123456789: x", "http_server_config: {swordfish-of-0123456789: x}"}) {
        const auto read = parse_web_config(text, "web.yml", "/");
        const auto& faults = std::get<std::vector<config::config_fault>>(read);
        EXPECT_EQ(to_string(faults.front()).find("swordfish"), std::string::npos);
    }
}

TEST(WebConfig, FaultsNeverShowAPassword) {
    const auto read = parse_web_config("basic_auth_users: {alice: swordfish}", "web.yml", "/");
    const auto& faults = std::get<std::vector<config::config_fault>>(read);
    EXPECT_EQ(to_string(faults.front()).find("swordfish"), std::string::npos);
}

} // namespace
} // namespace kallglot
