/// Texts generated from the schema: effective configuration, differences of two, commented example, reference of all keys.
///
/// So the documents cannot differ from what the daemon accepts: a test compares config/example.yml and config/README.md
/// with these texts.

#ifndef KALLGLOT_CONFIG_REFERENCE_HPP
#define KALLGLOT_CONFIG_REFERENCE_HPP

#include "config/schema.hpp"
#include "kallglot/settings/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// Settings as loadable YAML with every key. After the name of a secret file the comment `<secret>` stands for its
/// content, which is not part of the settings.
[[nodiscard]] std::string effective_yaml(const settings& values);

/// The text of config/example.yml: every key with its default and its help, commented out except the required one.
[[nodiscard]] std::string example_yaml();

/// The tables of config/README.md, one a section.
[[nodiscard]] std::string reference_markdown();

/// The paths of all secrets that the settings name.
[[nodiscard]] std::vector<std::string> secret_files(const settings& values);

/// One changed key with both values as YAML; an empty text means "not set". Secrets are not part of the settings, so a
/// changed secret in a file of the same name does not appear.
struct config_change {
    std::string_view path;
    std::string before;
    std::string after;
    change_effect effect = change_effect::reload;
};

/// All keys whose values differ, in the order of the schema.
[[nodiscard]] std::vector<config_change> diff(const settings& before, const settings& after);

/// `api.max_connections: 256 -> 512`, with ` (requires a restart)` for a key that a reload does not apply.
[[nodiscard]] std::string to_string(const config_change& change);

} // namespace kallglot::config

#endif
