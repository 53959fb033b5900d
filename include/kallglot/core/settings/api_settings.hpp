/// Settings of the section `api`: how the Kallglot API is reached and how much of it may be used.
///
/// A plain value whose defaults are the contract's. Validation lives in config; the key itself is a `secret`
/// that travels apart from the settings.

#ifndef KALLGLOT_CORE_SETTINGS_API_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_API_SETTINGS_HPP

#include "kallglot/core/settings/endpoint.hpp"
#include "kallglot/core/settings/rate.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace kallglot {

/// Paths of files are absolute or empty; empty means "not configured".
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
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5); ///< TCP and TLS together
    std::chrono::milliseconds request_timeout =
        std::chrono::seconds(10); ///< first byte out, last in
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
    std::size_t max_connections = 256;
    std::size_t max_response_size_bytes = 256 * 1024;
    rate_limit_setting rate_limit{};
    rate max_rate{200.0};
    double budget_share = 0.5;
    std::chrono::milliseconds idle_probe{0};

    [[nodiscard]] bool operator==(const api_settings&) const = default;
};

} // namespace kallglot

#endif
