/// The pure part of reading the configuration: a text, the schema, the rules between keys.
///
/// It touches no file, except that it looks whether a bare name of a secret exists in the credentials folder.

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

/// What a text means as far as it is right, and all that is wrong with it.
struct parsed_config {
    settings values;                  ///< keys with faults keep their default; paths are absolute
    std::vector<config_fault> faults; ///< in order of lines; empty: the text is good
    std::map<std::string, std::size_t, std::less<>> lines; ///< where each key stands
};

/// Validates a text. `name` is what faults call the file, `folder` what relative paths start from.
[[nodiscard]] parsed_config parse(std::string_view text,
                                  std::string_view name,
                                  const std::filesystem::path& folder,
                                  const environment& env);

} // namespace kallglot::config

#endif
