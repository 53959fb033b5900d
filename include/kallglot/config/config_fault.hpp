/// One thing that is wrong, or doubtful, in the configuration: where it is and what to do about it.
///
/// Faults are values because all of them are reported in one run. The kind decides the exit code, nothing else.

#ifndef KALLGLOT_CONFIG_CONFIG_FAULT_HPP
#define KALLGLOT_CONFIG_CONFIG_FAULT_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace kallglot::config {

/// Whether a restart could help.
enum class fault_kind {
    invalid,     ///< what is written is wrong; exit code 2
    unavailable, ///< a file is missing or unreadable just now; exit code 1
};

/// Units: `line` counts from 1; 0 = the fault has no line, for example a key that is missing.
struct config_fault {
    fault_kind kind = fault_kind::invalid;
    std::string file; ///< as the operator named it
    std::size_t line = 0;
    std::string key; ///< full path such as `api.key_file`; empty if the fault is not in a key
    std::string message;
};

/// `config.yml:12: api.key_fil: unknown key, did you mean "api.key_file"?`, one line without a newline.
[[nodiscard]] std::string to_string(const config_fault& fault);

/// Exit code of a process that cannot go on because of these faults: 2 if any of them is in what is written,
/// 1 if files are merely missing. The list is not empty.
[[nodiscard]] int exit_code(const std::vector<config_fault>& faults) noexcept;

} // namespace kallglot::config

#endif
