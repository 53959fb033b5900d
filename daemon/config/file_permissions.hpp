/// Warnings about other users that can read or write a file that the daemon relies on. Private to this room.

#ifndef KALLGLOT_CONFIG_FILE_PERMISSIONS_HPP
#define KALLGLOT_CONFIG_FILE_PERMISSIONS_HPP

#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::config {

/// What others must not do with a file.
enum class file_guard {
    secret, ///< neither read nor replace it
    trust,  ///< not replace it: a configuration, a CA certificate
};

/// Each begins with the path. None if the file is well protected, or cannot be looked at, or the path is empty.
///
/// Warnings, not faults: containers often mount secrets readable, and a daemon that does not start raises no alerts. In
/// `credentials_directory`, if not empty, systemd grants access by access control lists, which appear as permissions of
/// the group; there they are no warning.
///
/// Executor: Any thread.
/// Cost:     blocks on the file and its folder.
[[nodiscard]] std::vector<std::string> permission_warnings(
    const std::filesystem::path& path,
    file_guard guard,
    const std::filesystem::path& credentials_directory);

} // namespace kallglot::config

#endif
