#include "config/config_parsing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot::config {
namespace {

using namespace std::chrono_literals;

parsed_config parse_text(const std::string& text) {
    return parse(text, "config.yml", "/etc/kallglot_exporter", {});
}

std::string all_faults(const parsed_config& parsed) {
    std::string text;
    for (const config_fault& fault : parsed.faults) {
        text += to_string(fault) + '\n';
    }
    return text;
}

TEST(ConfigParsing, MinimalFileGivesTheDefaults) {
    const auto parsed = parse_text("api: {key_file: api_key}\n");
    ASSERT_EQ(all_faults(parsed), "");
    settings expected;
    expected.api.key_file = "/etc/kallglot_exporter/api_key";
    expected.store.path = "/etc/kallglot_exporter/sessions.db";
    EXPECT_EQ(parsed.values, expected);
}

TEST(ConfigParsing, CapitalizedBooleansAndEmptyListsOfFilesAreAccepted) {
    const auto parsed = parse_text(
        "api: {key_file: api_key, allow_plaintext: True}\n"
        "sessions:\n  files:\n"
        "webhook:\n  secret_files:\n");
    EXPECT_EQ(all_faults(parsed), "");
    EXPECT_TRUE(parsed.values.api.allow_plaintext);
    EXPECT_TRUE(parsed.values.sessions.files.empty());
}

// The file that the documentation publishes, word for word, with the one key that it leaves open.
TEST(ConfigParsing, PublishedFileGivesTheDefaults) {
    const auto parsed = parse_text(R"(api:
  base_url: https://api.kallglot.com/v1
  allow_plaintext: false    # true allows http:// to a loopback host, nothing else
  key_file: api_key         # required, e.g. api_key
  ca_file:                  # system trust store if empty
  client_cert_file:         # mutual TLS
  client_key_file:
  proxy_url:                # http://host:port, HTTP CONNECT
  http_version: auto        # auto (ALPN: HTTP/2, else HTTP/1.1), 1.1, or 2
  connect_timeout: 5s       # TCP and TLS together
  request_timeout: 10s      # one GET, from first byte written to last byte read
  idle_timeout: 30s         # an unused connection is closed
  max_requests_in_flight: 256   # what the API feels, whatever the version
  max_connections: 256
  max_streams_per_connection: 100   # HTTP/2
  max_response_size: 256KiB
  rate_limit: auto          # auto = follow X-RateLimit-*; or a fixed rate, all of it ours; or unlimited
  max_rate: 200/1s          # never more, whatever the headers say; or unlimited
  budget_share: 50%         # of the account's limit in auto
  idle_probe: 0s            # e.g. 1m: with nothing to poll, GET an id that cannot exist
poll:
  intervals: {created: 5s, connecting: 2s, active: 30s, ending: 5s, unknown: 30s, audit: 30m}
  ended_retention: 15m      # how long an ended session stays visible
  not_found_after: 10m
  unknown_after: 24h
thresholds:
  created: [1m, 5m, 30m]
  connecting: [15s, 30s, 1m, 2m, 5m]
  active: [1h, 4h]
  ending: [1m, 5m]
  not_started: [30s, 1m, 5m]
sessions:
  files: []
  max_tracked: 1000000
  api_token_file:
webhook:
  listen_address:           # e.g. 0.0.0.0:10456; empty = off
  path: /webhooks/kallglot
  secret_files: []
  tolerance: 5m
  tls: {cert_file: , key_file: }   # optional
  max_body_size: 64KiB
  max_connections: 512
store:
  path: sessions.db
metrics:
  per_session_limit: 200
shutdown_grace: 10s
)");
    ASSERT_EQ(all_faults(parsed), "");
    settings expected;
    expected.api.key_file = "/etc/kallglot_exporter/api_key";
    expected.store.path = "/etc/kallglot_exporter/sessions.db";
    EXPECT_EQ(parsed.values, expected);
}

TEST(ConfigParsing, EveryKeyIsStored) {
    const auto parsed = parse_text(R"(
api: {base_url: "http://[::1]:8080/api/", allow_plaintext: true, key_file: /k, ca_file: ca.pem, client_cert_file: c.pem,
      client_key_file: ../k.pem, proxy_url: "http://localhost:3128", proxy_user: u, proxy_password_file: p, connect_timeout: 1s, request_timeout: 2s, idle_timeout: 3s,
      http_version: 1.1, max_requests_in_flight: 5, max_streams_per_connection: 6,
      max_connections: 4, max_response_size: 5KiB, rate_limit: 600/1m, max_rate: unlimited, budget_share: 70%, idle_probe: 8s}
poll:
  intervals: {created: 11ms, connecting: 12ms, active: 13ms, ending: 14ms, unknown: 15ms, audit: 16ms}
  ended_retention: 0s
  not_found_after: 17s
  unknown_after: 18s
thresholds: {created: [1s], connecting: [2s, 3s], active: [], ending: [4s], not_started: [5s]}
sessions: {files: [a.txt, /b/*.txt], max_tracked: 19, api_token_file: t}
webhook: {listen_address: "[::]:1", path: /w, secret_files: [s1, s2], tolerance: 20s, tls: {cert_file: wc, key_file: wk},
          max_body_size: 2KiB, max_connections: 21}
store: {path: ":memory:"}
metrics: {per_session_limit: 0}
shutdown_grace: 22s
)");
    ASSERT_EQ(all_faults(parsed), "");
    const settings& all = parsed.values;
    EXPECT_EQ(all.api.base_url.host, "::1");
    EXPECT_EQ(all.api.base_url.path_prefix, "/api");
    EXPECT_TRUE(all.api.allow_plaintext);
    EXPECT_EQ(all.api.key_file, "/k");
    EXPECT_EQ(all.api.ca_file, "/etc/kallglot_exporter/ca.pem");
    EXPECT_EQ(all.api.client_cert_file, "/etc/kallglot_exporter/c.pem");
    EXPECT_EQ(all.api.client_key_file, "/etc/kallglot_exporter/../k.pem");
    ASSERT_TRUE(all.api.proxy_url.has_value());
    EXPECT_EQ(all.api.proxy_url->host, "localhost");
    EXPECT_EQ(all.api.proxy_user, "u");
    EXPECT_EQ(all.api.proxy_password_file, "/etc/kallglot_exporter/p");
    EXPECT_EQ(all.api.connect_timeout, 1s);
    EXPECT_EQ(all.api.request_timeout, 2s);
    EXPECT_EQ(all.api.idle_timeout, 3s);
    EXPECT_EQ(all.api.http_version, http_version_choice::http_1_1);
    EXPECT_EQ(all.api.max_requests_in_flight, 5U);
    EXPECT_EQ(all.api.max_streams_per_connection, 6U);
    EXPECT_EQ(all.api.max_connections, 4U);
    EXPECT_EQ(all.api.max_response_size_bytes, 5120U);
    EXPECT_EQ(all.api.rate_limit.mode, rate_limit_mode::fixed);
    EXPECT_DOUBLE_EQ(all.api.rate_limit.fixed_rate.per_second, 10);
    EXPECT_TRUE(all.api.max_rate.is_unlimited());
    EXPECT_DOUBLE_EQ(all.api.budget_share, 0.7);
    EXPECT_EQ(all.api.idle_probe, 8s);
    EXPECT_EQ(all.poll.intervals, (poll_intervals{11ms, 12ms, 13ms, 14ms, 15ms, 16ms}));
    EXPECT_EQ(all.poll.ended_retention, 0s);
    EXPECT_EQ(all.poll.not_found_after, 17s);
    EXPECT_EQ(all.poll.unknown_after, 18s);
    EXPECT_EQ(all.thresholds, (threshold_settings{{1s}, {2s, 3s}, {}, {4s}, {5s}}));
    EXPECT_EQ(all.sessions.files,
              (std::vector<std::string>{"/etc/kallglot_exporter/a.txt", "/b/*.txt"}));
    EXPECT_EQ(all.sessions.max_tracked, 19U);
    EXPECT_EQ(all.sessions.api_token_file, "/etc/kallglot_exporter/t");
    ASSERT_TRUE(all.webhook.listen.has_value());
    EXPECT_EQ(all.webhook.listen->host, "::");
    EXPECT_EQ(all.webhook.listen->port, 1);
    EXPECT_EQ(all.webhook.path, "/w");
    EXPECT_EQ(all.webhook.secret_files.size(), 2U);
    EXPECT_EQ(all.webhook.tolerance, 20s);
    EXPECT_EQ(all.webhook.tls_cert_file, "/etc/kallglot_exporter/wc");
    EXPECT_EQ(all.webhook.tls_key_file, "/etc/kallglot_exporter/wk");
    EXPECT_EQ(all.webhook.max_body_size_bytes, 2048U);
    EXPECT_EQ(all.webhook.max_connections, 21U);
    EXPECT_TRUE(all.store.in_memory());
    EXPECT_EQ(all.metrics.per_session_limit, 0U);
    EXPECT_EQ(all.shutdown_grace, 22s);
}

TEST(ConfigParsing, AllFaultsAreReportedInOrderOfLines) {
    const auto parsed = parse_text(
        "api:\n"
        "  key_fil: k\n"
        "  max_rate: 5\n"
        "  max_rate: 6/1s\n"
        "polll: {}\n"
        "thresholds: {created: [2m, 1m, x]}\n"
        "webhook: {listen_address: \":1\"}\n");
    EXPECT_EQ(all_faults(parsed),
              "config.yml:1: api.key_file: required: the path of the file with the API key\n"
              "config.yml:2: api.key_fil: unknown key, did you mean \"api.key_file\"?\n"
              "config.yml:3: api.max_rate: must be a rate, for example 600/1m, 50/1s or 0.5/1s, "
              "or unlimited\n"
              "config.yml:4: api.max_rate: repeated key, first on line 3\n"
              "config.yml:5: polll: unknown key, did you mean \"poll\"?\n"
              "config.yml:6: thresholds.created: must be in ascending order: 1m follows 2m\n"
              "config.yml:6: thresholds.created: must be a duration, for example 90s, 1m30s or "
              "500ms (units in this order: y w d h m s ms)\n"
              "config.yml:7: webhook.secret_files: required with webhook.listen_address: events "
              "without a secret could be forged\n");
}

TEST(ConfigParsing, NonsenseFileGivesABoundedListOfFaults) {
    std::string text;
    for (int i = 0; i < 50000; ++i) {
        text += "nonsense_" + std::to_string(i) + ": 1\n";
    }
    const auto parsed = parse_text(text);
    ASSERT_EQ(parsed.faults.size(), 101U);
    EXPECT_EQ(parsed.faults.back().message, "and 49901 more faults");
}

TEST(ConfigParsing, KeyThatMayBeASecretIsNotRepeated) {
    for (const std::string secret : {"0123456789abcdef0123456789abcdef",
                                     "correct-horse-battery-staple-of-ours",
                                     "a phrase, with 4 words",
                                     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
                                     "sk_live_canary4711canary"}) {
        for (const char* const text : {"api: {key_file: k}\n\"%\": 1\n",
                                       "api: {key_file: k}\n\"%\"\n",
                                       "api: {key_file: k, \"%\": 1}\n",
                                       "api: {key_file: k, \"%\": 1, \"%\": 2}\n"}) {
            std::string file = text;
            for (auto at = file.find('%'); at != std::string::npos; at = file.find('%')) {
                file.replace(at, 1, secret);
            }
            const std::string faults = all_faults(parse_text(file));
            EXPECT_NE(faults, "") << file;
            EXPECT_EQ(faults.find(secret.substr(0, 16)), std::string::npos) << faults;
        }
    }
}

TEST(ConfigParsing, MistypedKeysAreRepeated) {
    for (const std::string key : {"max_streams_per_conection",
                                  "max-streams-per-connection",
                                  "key2",
                                  "X-Long-Name-Of-A-Field"}) {
        const auto parsed = parse_text("api: {key_file: k, " + key + ": 1}\n");
        ASSERT_EQ(parsed.faults.size(), 1U);
        EXPECT_EQ(parsed.faults.front().key, "api." + key);
    }
}

TEST(ConfigParsing, EmptySectionsAreAccepted) {
    const auto parsed = parse_text("api: {key_file: k}\npoll:\nwebhook: {tls: }\nstore: {}\n");
    EXPECT_EQ(all_faults(parsed), "");
}

TEST(ConfigParsing, SecretInPlaceOfItsFileIsNotRepeated) {
    const auto parsed = parse_text("api: {key_file: sk_live_canary4711canary}\n");
    ASSERT_EQ(parsed.faults.size(), 1U);
    EXPECT_EQ(all_faults(parsed).find("canary"), std::string::npos);
}

TEST(ConfigParsing, TooManyFilesAreOneFault) {
    std::string files;
    for (int i = 0; i < 100000; ++i) {
        files += std::to_string(i) + ',';
    }
    const auto parsed = parse_text("api: {key_file: k}\nsessions: {files: [" + files + "]}\n");
    EXPECT_EQ(all_faults(parsed), "config.yml:2: sessions.files: must have at most 64 files\n");
}

TEST(ConfigParsing, TooManyFaultsLeaveThoseOfTheFirstLines) {
    std::string text = "poll: {}\n";
    for (int i = 0; i < 200; ++i) {
        text += "nonsense_" + std::to_string(i) + ": 1\n";
    }
    const auto parsed = parse_text(text);
    ASSERT_EQ(parsed.faults.size(), 101U);
    EXPECT_EQ(parsed.faults.front().key, "api.key_file");
    EXPECT_EQ(parsed.faults.back().message, "and 101 more faults");
}

TEST(ConfigParsing, TwoNamesOfOneFileAreADuplicate) {
    const auto parsed = parse_text("api: {key_file: k}\nsessions: {files: [a, x/../a]}\n");
    EXPECT_EQ(all_faults(parsed), "config.yml:2: sessions.files: the file is listed twice\n");
}

TEST(ConfigParsing, WildcardsInTheFolderNameAreLiteral) {
    const auto parsed = parse("api: {key_file: k}\nsessions: {files: [\"*.txt\", /a*/b]}\n",
                              "c.yml",
                              "/srv/tenant[1]",
                              {});
    EXPECT_EQ(parsed.values.sessions.files,
              (std::vector<std::string>{"/srv/tenant\\[1]/*.txt", "/a*/b"}));
    EXPECT_EQ(parsed.values.api.key_file, "/srv/tenant[1]/k");
}

TEST(ConfigParsing, StorePathStartsAtTheStateDirectoryIfSet) {
    const environment env{"", "/var/lib/kallglot_exporter"};
    const auto parsed = parse("api: {key_file: k}\n", "c.yml", "/etc/kallglot_exporter", env);
    EXPECT_EQ(parsed.values.store.path, "/var/lib/kallglot_exporter/sessions.db");
    const auto absolute =
        parse("api: {key_file: k}\nstore: {path: /data/x.db}\n", "c.yml", "/etc", env);
    EXPECT_EQ(absolute.values.store.path, "/data/x.db");
}

TEST(ConfigParsing, PlaintextToLoopbackIsAllowedWhenAsked) {
    const auto parsed = parse_text(
        "api: {key_file: k, allow_plaintext: true, base_url: \"http://localhost:8080\"}\n");
    EXPECT_EQ(all_faults(parsed), "");
    EXPECT_FALSE(parsed.values.api.base_url.tls);
}

} // namespace
} // namespace kallglot::config
