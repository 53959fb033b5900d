/// One fault or warning of the configuration: file, line, key and message.
///
/// Faults are values because one run reports all of them. The kind decides the exit code, nothing else.

#ifndef KALLGLOT_CONFIG_CONFIG_FAULT_HPP
#define KALLGLOT_CONFIG_CONFIG_FAULT_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace kallglot::config {

/// Whether a restart can help.
enum class fault_kind {
    invalid,     ///< the text is wrong; exit code 2
    unavailable, ///< a file is missing or unreadable now; exit code 1
};

/// Units: `line` counts from 1; 0 = the fault has no line, for example an unreadable file.
struct config_fault {
    fault_kind kind = fault_kind::invalid;
    std::string file; ///< as the operator named it
    std::size_t line = 0;
    std::string key; ///< full path such as `api.key_file`; empty if the fault is not in a key
    std::string message;
};

/// `config.yml:12: api.key_fil: unknown key, did you mean "api.key_file"?`, one line without a newline.
[[nodiscard]] std::string to_string(const config_fault& fault);

/// Exit code of a process that stops because of these faults: 2 if any fault is `invalid`, otherwise 1. The list is not
/// empty.
[[nodiscard]] int exit_code(const std::vector<config_fault>& faults) noexcept;

} // namespace kallglot::config

#endif
