/// The whole configuration as one value: one struct for each section, each member with its documented default.
///
/// One immutable snapshot is active at a time; a reload replaces it as a whole. A default-constructed `settings`
/// equals an empty file, except that `api.key_file` has no default. Values only: `config` parses and validates them.
/// The contents of secret files are not part of them. Paths of files are absolute or empty; empty means "not
/// configured".

#ifndef KALLGLOT_SETTINGS_SETTINGS_HPP
#define KALLGLOT_SETTINGS_SETTINGS_HPP

#include "kallglot/settings/poll_settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Largest number of events a second.
///
/// Units: events a second, above 0; `unlimited()` is the infinity of double, so that std::min works.
struct rate {
    double per_second = std::numeric_limits<double>::infinity();

    [[nodiscard]] static constexpr rate unlimited() noexcept { return rate{}; }

    [[nodiscard]] constexpr bool is_unlimited() const noexcept {
        return per_second > std::numeric_limits<double>::max();
    }

    [[nodiscard]] constexpr bool operator==(const rate&) const noexcept = default;
};

/// Where the allowed rate of API requests comes from.
enum class rate_limit_mode {
    automatic, ///< `auto`: follow the X-RateLimit headers and leave the operator's share unused
    fixed,     ///< use the configured rate and ignore the headers
    unlimited, ///< no account limit; `max_rate` still applies
};

/// The setting `api.rate_limit`.
struct rate_limit_setting {
    rate_limit_mode mode = rate_limit_mode::automatic;
    rate fixed_rate{}; ///< used in mode `fixed` only

    [[nodiscard]] constexpr bool operator==(const rate_limit_setting&) const noexcept = default;
};

/// The setting `api.http_version`.
enum class http_version_choice : std::uint8_t {
    automatic, ///< `auto`: HTTP/2 if the API agrees during the TLS handshake, otherwise HTTP/1.1
    http_1_1,
    http_2, ///< no other; an API without it is an error
};

/// The value as in the configuration file.
[[nodiscard]] constexpr std::string_view text_of(http_version_choice choice) noexcept {
    switch (choice) {
        case http_version_choice::automatic:
            return "auto";
        case http_version_choice::http_1_1:
            return "1.1";
        case http_version_choice::http_2:
            return "2";
    }
    return {};
}

/// Base URL of the API and its parts.
struct api_endpoint {
    std::string text = "https://api.kallglot.com/v1"; ///< as configured, for people
    std::string host = "api.kallglot.com"; ///< name or address; IPv6 without brackets, lower case
    std::uint16_t port = 443;
    std::string host_header = "api.kallglot.com"; ///< value of `Host:`; with brackets and odd ports
    std::string path_prefix = "/v1"; ///< empty or begins with a slash; no slash at the end
    bool tls = true;
    bool is_absolute = false; ///< the name had a dot at the end: the DNS appends no search domain

    /// The name to resolve.
    [[nodiscard]] std::string lookup_host() const { return is_absolute ? host + '.' : host; }

    [[nodiscard]] bool operator==(const api_endpoint&) const = default;
};

/// An HTTP proxy that tunnels with CONNECT.
struct proxy_endpoint {
    std::string text; ///< as configured, for people
    std::string host; ///< IPv6 without brackets
    std::uint16_t port = 0;

    [[nodiscard]] bool operator==(const proxy_endpoint&) const = default;
};

/// Address a listener binds to.
struct listen_address {
    std::string text; ///< as configured, for people
    std::string
        host; ///< IPv4 or IPv6 address without brackets, or a host name; empty = all addresses
    std::uint16_t port = 0; ///< 0 = the system picks one

    [[nodiscard]] bool operator==(const listen_address&) const = default;
};

/// Section `api`: how to reach the Kallglot API, and how many requests to send.
///
/// Units: `budget_share` is a part of the account's limit, above 0 and up to 1; `idle_probe` 0 = off.
struct api_settings {
    api_endpoint base_url{};
    bool allow_plaintext = false; ///< only to a loopback host
    std::string key_file;
    std::string ca_file; ///< empty: the system's trust store
    std::string client_cert_file;
    std::string client_key_file;
    std::optional<proxy_endpoint> proxy_url;
    std::string proxy_user; ///< empty: no login at the proxy
    std::string proxy_password_file;
    http_version_choice http_version = http_version_choice::automatic;
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5); ///< TCP and TLS together
    std::chrono::milliseconds request_timeout =
        std::chrono::seconds(10); ///< first byte sent to last byte received
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
    std::size_t max_requests_in_flight = 256;
    std::size_t max_connections = 256;
    std::size_t max_streams_per_connection = 100; ///< HTTP/2
    std::size_t max_response_size_bytes = 256 * 1024;
    rate_limit_setting rate_limit{};
    rate max_rate{200.0};
    double budget_share = 0.5;
    std::chrono::milliseconds idle_probe{0};

    [[nodiscard]] bool operator==(const api_settings&) const = default;
};

/// Section `sessions`: where session ids come from besides webhooks.
struct sessions_settings {
    std::vector<std::string> files; ///< absolute globs; one id a line in each file
    std::size_t max_tracked = 1'000'000;
    std::string api_token_file; ///< absolute path; empty: the session API is off

    [[nodiscard]] bool operator==(const sessions_settings&) const = default;
};

/// Section `webhook`: the public listener that receives events.
struct webhook_settings {
    std::optional<listen_address> listen; ///< empty: webhooks are off
    std::string path = "/webhooks/kallglot";
    std::vector<std::string> secret_files; ///< absolute paths; any of the secrets may match
    std::chrono::milliseconds tolerance = std::chrono::minutes(5);
    std::string tls_cert_file; ///< both or neither; neither: a proxy in front terminates TLS
    std::string tls_key_file;
    std::size_t max_body_size_bytes = 64 * 1024;
    std::size_t max_connections = 512;

    [[nodiscard]] bool operator==(const webhook_settings&) const = default;
};

/// Section `store`: where session ids are persisted.
struct store_settings {
    std::string path = "sessions.db"; ///< absolute once loaded, or ":memory:" for trials

    [[nodiscard]] bool in_memory() const { return path == ":memory:"; }

    [[nodiscard]] bool operator==(const store_settings&) const = default;
};

/// Section `metrics`: limits on the number of series.
struct metrics_settings {
    std::size_t per_session_limit = 200; ///< sessions with series of their own; 0 = none

    [[nodiscard]] bool operator==(const metrics_settings&) const = default;
};

struct settings {
    api_settings api{};
    poll_settings poll{};
    threshold_settings thresholds{};
    sessions_settings sessions{};
    webhook_settings webhook{};
    store_settings store{};
    metrics_settings metrics{};
    std::chrono::milliseconds shutdown_grace = std::chrono::seconds(10);

    [[nodiscard]] bool operator==(const settings&) const = default;
};

} // namespace kallglot

#endif
