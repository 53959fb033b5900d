#include "kallglot/config/config_fault.hpp"

#include <algorithm>

namespace kallglot::config {

std::string to_string(const config_fault& fault) {
    std::string text = fault.file;
    if (fault.line != 0) {
        text += ':' + std::to_string(fault.line);
    }
    // The form of compilers, `file:line: `, which editors turn into a link.
    text += ": ";
    if (!fault.key.empty()) {
        text += fault.key + ": ";
    }
    return text + fault.message;
}

int exit_code(const std::vector<config_fault>& faults) noexcept {
    // One invalid value suffices for 2: a restart cannot help, even if other faults are missing files.
    const bool invalid = std::any_of(faults.begin(), faults.end(), [](const config_fault& fault) {
        return fault.kind == fault_kind::invalid;
    });
    return invalid ? 2 : 1;
}

} // namespace kallglot::config
