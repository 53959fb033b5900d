/// Environment variables of the daemon: read once at the start and passed on as values.
///
/// No other file reads an environment variable; a lint checks this.

#ifndef KALLGLOT_CONFIG_ENVIRONMENT_HPP
#define KALLGLOT_CONFIG_ENVIRONMENT_HPP

#include <filesystem>
#include <string>

namespace kallglot::config {

/// Unset variables are empty.
struct environment {
    std::filesystem::path credentials_directory{}; ///< `$CREDENTIALS_DIRECTORY`
    std::filesystem::path state_directory{};       ///< `$STATE_DIRECTORY`, the first of several
    std::string boot_id{}; ///< `$KALLGLOT_BOOT_ID`: the unit's sandbox hides the kernel's file
    std::string journal_stream{}; ///< `$JOURNAL_STREAM`: set if stderr is connected to the journal
    std::string ssl_cert_file{};  ///< `$SSL_CERT_FILE`: OpenSSL's system trust, a bundle
    std::string ssl_cert_dir{};   ///< `$SSL_CERT_DIR`: OpenSSL's system trust, a folder

    /// Reads the variables of this process.
    [[nodiscard]] static environment from_process();
};

} // namespace kallglot::config

#endif
