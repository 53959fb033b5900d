/// From the file of the operator to settings: the one entrance of the configuration.
///
/// Strict on purpose: a misspelt key that is silently ignored is an alert that never fires. Every fault of a
/// file is found in one run. This reads files and resolves paths; it opens no socket, parses no certificate and
/// changes nothing, so that start, reload and check go the same way.

#ifndef KALLGLOT_CONFIG_CONFIG_FILE_HPP
#define KALLGLOT_CONFIG_CONFIG_FILE_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/config/environment.hpp"
#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace kallglot::config {

/// Largest configuration file that is read.
inline constexpr std::size_t max_file_size_bytes = 1024 * 1024;

/// The contents of the secret files; wiped when it goes.
struct secret_values {
    secret api_key;
    std::vector<secret> webhook_secrets;
    secret api_token; ///< empty: the session API is off
};

/// What a good file means. Paths in `values` are absolute.
struct loaded_config {
    settings values;
    secret_values secrets;
    std::vector<config_fault> warnings;
    std::map<std::string, std::size_t, std::less<>> lines; ///< where each key stands
};

/// All that is wrong, in order of lines; never empty.
using config_faults = std::vector<config_fault>;

using load_result = std::variant<loaded_config, config_faults>;

/// Reads and validates a configuration file, its secrets, and that the files it names can be read.
///
/// Errors: faults with kind `unavailable` for files that are missing or unreadable, else `invalid`; see
///         `exit_code`.
/// Executor: Any thread.
/// Cost: blocks on files.
[[nodiscard]] load_result load(const std::filesystem::path& file, const environment& env);

} // namespace kallglot::config

#endif
