/// Reads secrets from files: the API key, webhook signing secrets, the token of the session API.
///
/// A secret is always the content of a file, so that it is in no command line, environment or configuration. Invalid
/// content (empty, a placeholder, bytes not allowed in a header) is rejected here, before it reaches the network. No
/// message repeats any part of a secret.

#ifndef KALLGLOT_CONFIG_SECRETS_HPP
#define KALLGLOT_CONFIG_SECRETS_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/settings/secret.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

/// Larger secret files are rejected.
inline constexpr std::size_t max_secret_size_bytes = 4096;

/// The use of a secret; it decides which bytes are allowed.
enum class secret_use {
    header,   ///< in an HTTP header: visible ASCII, no spaces
    signing,  ///< key of a MAC: any text on one line
    password, ///< of a proxy: any text on one line, of any length
};

struct secret_file {
    secret value;                      ///< never empty
    std::vector<std::string> warnings; ///< each names the path, never the content
};

struct secret_fault {
    fault_kind kind = fault_kind::invalid;
    std::string message; ///< names the path, never the content
};

using secret_result = std::variant<secret_file, secret_fault>;

/// Reads a secret. Line ends at the end of the file (LF or CRLF) are not part of it.
///
/// Warnings: others can read or replace the file; the secret is short, or something invisible is around or inside it.
/// `credentials_directory`, if not empty, is the folder that the service manager protects.
///
/// Errors:   `unavailable` if the file is missing or unreadable, `invalid` if its content cannot be a secret.
/// Executor: Any thread.
/// Cost:     blocks on the file.
[[nodiscard]] secret_result read_secret_file(const std::filesystem::path& path,
                                             secret_use use,
                                             const std::filesystem::path& credentials_directory);

/// Whether the text is a placeholder and not a secret: `changeme`, `<your key>`, `sk_live_xxx`.
[[nodiscard]] bool is_placeholder(std::string_view text);

} // namespace kallglot::config

#endif
