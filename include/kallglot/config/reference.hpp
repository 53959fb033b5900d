/// Documents generated from the schema: effective configuration, commented example, reference of all keys.
///
/// So the documents cannot differ from what the daemon accepts: a test compares config/example.yml and config/README.md
/// with these texts.

#ifndef KALLGLOT_CONFIG_REFERENCE_HPP
#define KALLGLOT_CONFIG_REFERENCE_HPP

#include "kallglot/settings/settings.hpp"

#include <string>

namespace kallglot::config {

/// Settings as loadable YAML with every key. After the name of a secret file the comment `<secret>` stands for its
/// content, which is not part of the settings.
[[nodiscard]] std::string effective_yaml(const settings& values);

/// The text of config/example.yml: every key with its default and its help, commented out except the required one.
[[nodiscard]] std::string example_yaml();

/// The tables of config/README.md, one a section.
[[nodiscard]] std::string reference_markdown();

} // namespace kallglot::config

#endif
