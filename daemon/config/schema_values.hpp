/// Reading, printing and describing one value of the schema, by its type.
///
/// Values are read from a YAML node straight into the settings and printed back as YAML that reads as the same
/// value. No file is opened; only a bare name of a secret is looked for in the credentials folder.

#ifndef KALLGLOT_CONFIG_SCHEMA_VALUES_HPP
#define KALLGLOT_CONFIG_SCHEMA_VALUES_HPP

#include "config/schema.hpp"
#include "config/yaml_tree.hpp"
#include "kallglot/config/config_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::config {

/// What relative paths start from.
struct path_context {
    std::filesystem::path folder; ///< of the configuration file, absolute
    environment env;
};

/// Reads `node` into its place in `all`.
///
/// Errors: what is wrong and on which line; the place is then unchanged. Empty = all is well.
[[nodiscard]] std::vector<yaml_fault> read_value(const value_binding& binding,
                                                 const yaml_node& node,
                                                 const path_context& paths,
                                                 settings& all);

/// The value as YAML on one line; empty if it is not set.
[[nodiscard]] std::string print_value(const value_binding& binding, const settings& all);

/// The type in the words of the reference, such as `duration`.
[[nodiscard]] std::string describe_type(const value_binding& binding);

/// The allowed range, such as `10ms to 1d`; empty if the type says it all.
[[nodiscard]] std::string describe_range(const value_binding& binding);

/// Most entries of a list of files.
inline constexpr std::size_t max_files = 64;

/// Whether the value names files whose contents are secret.
[[nodiscard]] bool names_secret(const value_binding& binding);

} // namespace kallglot::config

#endif
