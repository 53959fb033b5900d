/// Reads, prints and describes one value of the schema, by its type.
///
/// Values are read from a YAML node into the settings and printed as YAML that reads as the same value. No file is
/// opened; only a bare name of a secret is looked up in the credentials folder.

#ifndef KALLGLOT_CONFIG_SCHEMA_VALUES_HPP
#define KALLGLOT_CONFIG_SCHEMA_VALUES_HPP

#include "config/schema.hpp"
#include "config/yaml_tree.hpp"
#include "kallglot/config/config_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::config {

/// The folders that relative paths start from.
struct path_context {
    std::filesystem::path folder; ///< of the configuration file, absolute
    environment env;
};

/// Reads `node` into `all`.
///
/// Errors: the faults with their lines; the value in `all` is then unchanged. Empty: the value is valid.
[[nodiscard]] std::vector<yaml_fault> read_value(const value_binding& binding,
                                                 const yaml_node& node,
                                                 const path_context& paths,
                                                 settings& all);

/// The value as YAML on one line; empty if it is not set.
[[nodiscard]] std::string print_value(const value_binding& binding, const settings& all);

/// The type in the words of the reference, for example `duration`.
[[nodiscard]] std::string describe_type(const value_binding& binding);

/// The allowed range, for example `10ms to 1d`; empty if the type has none.
[[nodiscard]] std::string describe_range(const value_binding& binding);

/// Bound of the entries of a list of files.
inline constexpr std::size_t max_files = 64;

/// Whether the value names files whose contents are secret.
[[nodiscard]] bool names_secret(const value_binding& binding);

} // namespace kallglot::config

#endif
