/// The file of `--web.config.file`: TLS, users and headers of the private listener, in the format of Prometheus'
/// exporter-toolkit.
///
/// Source: prometheus/exporter-toolkit, docs/web-configuration.md. Strict as there: an unknown key is an error. Parsed
/// only: certificates are read by the network code, and HTTP/2 is accepted as a wish, since HTTP/1.1 is what is spoken.

#ifndef KALLGLOT_CONFIG_WEB_CONFIG_HPP
#define KALLGLOT_CONFIG_WEB_CONFIG_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/settings/web_settings.hpp"

#include <filesystem>
#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

using web_config_result = std::variant<web_settings, std::vector<config_fault>>;

/// Validates a text. `name` is what faults call the file; relative paths start at `folder`.
[[nodiscard]] web_config_result parse_web_config(std::string_view text,
                                                 std::string_view name,
                                                 const std::filesystem::path& folder);

/// Reads and validates a file. Errors: as above, and kind `unavailable` if it cannot be read. Blocking.
[[nodiscard]] web_config_result load_web_config(const std::filesystem::path& file);

} // namespace kallglot::config

#endif
