/// Recognises secrets among the session files: their content must never become session ids.
///
/// Session ids are shown in metrics, on pages and in URLs. A program that may write into a folder of session files must
/// not be able to publish the API key by a link to it.

#ifndef KALLGLOT_INTAKE_SECRET_FILES_HPP
#define KALLGLOT_INTAKE_SECRET_FILES_HPP

#include "kallglot/files/operator_file.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {

/// Where the secrets of the configuration are.
struct secret_paths {
    std::vector<std::string> files;
    std::string credentials_directory; ///< of the service manager; may be empty
};

/// The files that must not be read, however a path leads to them.
struct secret_identities {
    /// Device and inode of each secret, also of one that was replaced or renamed since.
    std::vector<std::pair<dev_t, ino_t>> files;
    std::string credentials_directory;       ///< without links; may be empty
    std::optional<dev_t> credentials_device; ///< if the folder is a file system of its own
};

/// Adds what the paths lead to now; what was found before stays. Blocking, any thread.
[[nodiscard]] secret_identities find_secrets(const secret_paths& paths, secret_identities found);

/// Why this file is a secret; empty if it is none.
[[nodiscard]] std::string why_secret(const opened_file& file, const secret_identities& secrets);

/// Whether a line begins as keys and secrets of the API do.
[[nodiscard]] bool looks_like_a_secret(std::string_view line) noexcept;

} // namespace kallglot

#endif
