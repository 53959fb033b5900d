/// Parser of the web configuration, `--web.config.file`: TLS, users and headers of the private listener.
///
/// The format is that of Prometheus' exporter-toolkit, and as strict: an unknown key is an error. Certificates are read
/// by the network code, not here. The key `http2` is accepted without effect, because the listener speaks HTTP/1.1.
///
/// Source: prometheus/exporter-toolkit, docs/web-configuration.md.

#ifndef KALLGLOT_CONFIG_WEB_CONFIG_HPP
#define KALLGLOT_CONFIG_WEB_CONFIG_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/settings/web_settings.hpp"

#include <filesystem>
#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

using web_config_result = std::variant<web_settings, std::vector<config_fault>>;

/// Parses and validates a text. `name` is the name of the file in faults; relative paths start at `folder`.
[[nodiscard]] web_config_result parse_web_config(std::string_view text,
                                                 std::string_view name,
                                                 const std::filesystem::path& folder);

/// Reads, parses and validates a file. With `load_scope::text` the certificates that it names need not exist.
///
/// Errors: as above, and kind `unavailable` if the file is missing or unreadable.
/// Cost:   blocks on the file.
[[nodiscard]] web_config_result load_web_config(const std::filesystem::path& file,
                                                load_scope scope = load_scope::all);

/// Warnings about a valid file: others can read a private key or replace a file, or a check of clients proves nothing.
///
/// `credentials_directory`, if not empty, is the folder that the service manager protects.
/// Cost: blocks on the files that it names.
[[nodiscard]] std::vector<config_fault> web_config_warnings(
    const web_settings& values,
    const std::filesystem::path& file,
    const std::filesystem::path& credentials_directory);

} // namespace kallglot::config

#endif
