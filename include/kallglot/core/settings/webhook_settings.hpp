/// Settings of the section `webhook`: the public listener that Kallglot delivers events to.
///
/// A plain value; the secrets travel apart from it.

#ifndef KALLGLOT_CORE_SETTINGS_WEBHOOK_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_WEBHOOK_SETTINGS_HPP

#include "kallglot/core/settings/endpoint.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

struct webhook_settings {
    std::optional<listen_address> listen; ///< none: webhooks are off
    std::string path = "/webhooks/kallglot";
    std::vector<std::string> secret_files; ///< absolute paths; any of the secrets may match
    std::chrono::milliseconds tolerance = std::chrono::minutes(5);
    std::string tls_cert_file; ///< both or neither; neither: a proxy in front ends TLS
    std::string tls_key_file;
    std::size_t max_body_size_bytes = 64 * 1024;
    std::size_t max_connections = 512;

    [[nodiscard]] bool operator==(const webhook_settings&) const = default;
};

} // namespace kallglot

#endif
