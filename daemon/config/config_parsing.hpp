/// Parses and validates the text of a configuration: YAML, the schema, the rules between keys.
///
/// No file is opened; only a bare name of a secret is looked up in the credentials folder.

#ifndef KALLGLOT_CONFIG_CONFIG_PARSING_HPP
#define KALLGLOT_CONFIG_CONFIG_PARSING_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// The valid values of a text, and all its faults.
struct parsed_config {
    settings values;                  ///< keys with faults have their default; paths are absolute
    std::vector<config_fault> faults; ///< in order of lines; empty: the text is valid
    std::map<std::string, std::size_t, std::less<>> lines; ///< line of each key in the text
};

/// Parses and validates a text. `name` is the name of the file in faults; relative paths start at `folder`.
[[nodiscard]] parsed_config parse(std::string_view text,
                                  std::string_view name,
                                  const std::filesystem::path& folder,
                                  const environment& env);

} // namespace kallglot::config

#endif
