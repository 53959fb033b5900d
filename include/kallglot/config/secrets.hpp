/// Secrets from files: the API key, webhook signing secrets, the token of the session API.
///
/// A secret is always the content of a file, so that it is in no command line, environment or configuration.
/// What cannot be a secret (empty, a placeholder of an example, bytes that would break a header) is refused here,
/// before it reaches the network. No text of this module repeats any part of a secret.

#ifndef KALLGLOT_CONFIG_SECRETS_HPP
#define KALLGLOT_CONFIG_SECRETS_HPP

#include "kallglot/config/config_fault.hpp"
#include "kallglot/settings/secret.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace kallglot::config {

/// Largest secret file that is read.
inline constexpr std::size_t max_secret_size_bytes = 4096;

/// Where a secret will be used, which decides the bytes it may have.
enum class secret_use {
    header,  ///< in an HTTP header: visible ASCII, no spaces
    signing, ///< keys a MAC: any text on one line
};

struct secret_file {
    secret value;        ///< never empty
    std::string warning; ///< empty if there is nothing to warn of
};

struct secret_fault {
    fault_kind kind = fault_kind::invalid;
    std::string message; ///< names the path, never the content
};

using secret_result = std::variant<secret_file, secret_fault>;

/// Reads a secret. Line ends at the end (LF or CRLF) do not belong to it.
///
/// `credentials_directory`, if not empty, is the folder whose files are guarded by the service manager; for others
/// permissions of group and world cause a warning.
///
/// Errors:   `unavailable` if the file is missing or unreadable, `invalid` if its content cannot be a secret.
/// Executor: Any thread.
/// Cost:     blocks on the file.
[[nodiscard]] secret_result read_secret_file(const std::filesystem::path& path,
                                             secret_use use,
                                             const std::filesystem::path& credentials_directory);

/// Whether this text stands where a secret should be: `changeme`, `<your key>`, `sk_live_xxx`.
[[nodiscard]] bool is_placeholder(std::string_view text);

} // namespace kallglot::config

#endif
