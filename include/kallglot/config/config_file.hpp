/// Loads the configuration file: text, secrets and named files, validated as a whole.
///
/// Strict by design: a misspelt key that is silently ignored is an alert that never fires. One run reports every fault.
/// Loading reads files and resolves paths. It opens no socket, parses no certificate and changes nothing, so that
/// start, reload and check share it.

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

/// Larger configuration files are rejected.
inline constexpr std::size_t max_file_size_bytes = 1024 * 1024;

/// The contents of the secret files; wiped on destruction.
struct secret_values {
    secret api_key;
    std::vector<secret> webhook_secrets;
    secret api_token;      ///< empty: the session API is disabled
    secret proxy_password; ///< empty: no login at the proxy
};

/// A valid configuration. Paths in `values` are absolute.
struct loaded_config {
    settings values;
    secret_values secrets;
    std::vector<config_fault> warnings;
    std::map<std::string, std::size_t, std::less<>> lines; ///< line of each key in the file
};

/// All faults in order of lines; never empty.
using config_faults = std::vector<config_fault>;

using load_result = std::variant<loaded_config, config_faults>;

/// What to check.
enum class load_scope {
    all,  ///< the file, its secrets, and the files that it names
    text, ///< the file alone, for example where the secrets are not
};

/// Reads and validates a configuration file and its secrets, and checks that the files it names are readable. With
/// `load_scope::text` the secrets are empty, and there are no warnings.
///
/// Errors: faults with kind `unavailable` for files that are missing or unreadable, else `invalid`; see
///         `exit_code`.
/// Executor: Any thread.
/// Cost: blocks on files.
[[nodiscard]] load_result load(const std::filesystem::path& file,
                               const environment& env,
                               load_scope scope = load_scope::all);

} // namespace kallglot::config

#endif
