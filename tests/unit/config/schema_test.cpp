#include "config/schema.hpp"

#include "config/schema_values.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace kallglot::config {
namespace {

// The keys of the published configuration, so that none can be lost or renamed by accident.
const std::set<std::string> published_keys = {"api.base_url",
                                              "api.allow_plaintext",
                                              "api.key_file",
                                              "api.ca_file",
                                              "api.client_cert_file",
                                              "api.client_key_file",
                                              "api.proxy_url",
                                              "api.proxy_user",
                                              "api.proxy_password_file",
                                              "api.http_version",
                                              "api.connect_timeout",
                                              "api.request_timeout",
                                              "api.idle_timeout",
                                              "api.max_requests_in_flight",
                                              "api.max_connections",
                                              "api.max_streams_per_connection",
                                              "api.max_response_size",
                                              "api.rate_limit",
                                              "api.max_rate",
                                              "api.budget_share",
                                              "api.idle_probe",
                                              "poll.intervals.created",
                                              "poll.intervals.connecting",
                                              "poll.intervals.active",
                                              "poll.intervals.ending",
                                              "poll.intervals.unknown",
                                              "poll.intervals.audit",
                                              "poll.ended_retention",
                                              "poll.not_found_after",
                                              "poll.unknown_after",
                                              "thresholds.created",
                                              "thresholds.connecting",
                                              "thresholds.active",
                                              "thresholds.ending",
                                              "thresholds.not_started",
                                              "episodes.thresholds.created",
                                              "episodes.thresholds.connecting",
                                              "episodes.thresholds.ending",
                                              "sessions.files",
                                              "sessions.max_tracked",
                                              "sessions.api_token_file",
                                              "webhook.listen_address",
                                              "webhook.path",
                                              "webhook.secret_files",
                                              "webhook.tolerance",
                                              "webhook.tls.cert_file",
                                              "webhook.tls.key_file",
                                              "webhook.max_body_size",
                                              "webhook.max_connections",
                                              "store.path",
                                              "metrics.per_session_limit",
                                              "shutdown_grace"};

TEST(Schema, HasExactlyTheKeysOfTheContract) {
    std::set<std::string> keys;
    for (const key_spec& key : schema()) {
        EXPECT_TRUE(keys.emplace(key.path).second) << key.path << " stands twice";
        EXPECT_FALSE(key.help.empty()) << key.path;
        EXPECT_TRUE(key.help.ends_with('.')) << key.path;
    }
    EXPECT_EQ(keys, published_keys);
}

TEST(Schema, OnlyListenAddressesAndStoreRequireARestart) {
    std::set<std::string> keys;
    for (const key_spec& key : schema()) {
        if (key.on_change == change_effect::restart) {
            keys.emplace(key.path);
        }
    }
    EXPECT_EQ(keys, (std::set<std::string>{"webhook.listen_address", "store.path"}));
}

TEST(Schema, EveryDefaultIsWithinItsOwnRange) {
    const settings defaults;
    for (const key_spec& key : schema()) {
        const std::string text = print_value(key.binding, defaults);
        const auto tree = parse_yaml(text);
        const auto* node = std::get_if<yaml_node>(&tree);
        ASSERT_NE(node, nullptr) << key.path;
        settings again;
        for (const yaml_fault& fault : read_value(key.binding, *node, {"/", {}}, again)) {
            ADD_FAILURE() << key.path << ": " << fault.message;
        }
    }
}

TEST(Schema, SectionsAreKnown) {
    EXPECT_TRUE(is_section("api"));
    EXPECT_TRUE(is_section("poll.intervals"));
    EXPECT_TRUE(is_section("webhook.tls"));
    EXPECT_FALSE(is_section("ap"));
    EXPECT_FALSE(is_section("api.key_file"));
    EXPECT_FALSE(is_section(""));
}

TEST(Schema, TypingErrorsFindTheNearestKey) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"api.key_fil", "api.key_file"},
        {"api.keyfile", "api.key_file"},
        {"api.kye_file", "api.key_file"},
        {"Api", "api"},
        {"key_file", "api.key_file"},
        {"webhooks", "webhook"},
        {"poll.interval", "poll.intervals"},
        {"poll.intervals.connectng", "poll.intervals.connecting"},
        {"poll.connecting", "poll.intervals.connecting"},
        {"api.shutdown_grace", "shutdown_grace"},
        {"threshold", "thresholds"},
    };
    for (const auto& [wrong, right] : cases) {
        const auto nearest = find_nearest_key(wrong);
        EXPECT_TRUE(nearest.close) << wrong;
        EXPECT_EQ(nearest.path, right) << wrong;
    }
}

TEST(Schema, UnrelatedKeysAreNotClose) {
    EXPECT_FALSE(find_nearest_key("completely_different_thing").close);
    EXPECT_FALSE(find_nearest_key(std::string(100000, 'x')).close);
    EXPECT_FALSE(find_nearest_key("").path.empty());
}

} // namespace
} // namespace kallglot::config
