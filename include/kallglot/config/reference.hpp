/// Texts made from the schema: the effective configuration, the commented example, the reference of all keys.
///
/// One source for what the daemon accepts and what its documents say; a test compares config/example.yml and
/// config/README.md with these texts.

#ifndef KALLGLOT_CONFIG_REFERENCE_HPP
#define KALLGLOT_CONFIG_REFERENCE_HPP

#include "kallglot/settings/settings.hpp"

#include <string>

namespace kallglot::config {

/// Settings as YAML with every key, loadable again. Behind the name of a secret file stands the comment
/// `<secret>` for its content, which settings do not have.
[[nodiscard]] std::string effective_yaml(const settings& values);

/// The text of config/example.yml: every key with its default and its help, commented out but for the one that
/// is required.
[[nodiscard]] std::string example_yaml();

/// The tables of config/README.md, one a section.
[[nodiscard]] std::string reference_markdown();

} // namespace kallglot::config

#endif
