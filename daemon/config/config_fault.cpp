#include "kallglot/config/config_fault.hpp"

#include <algorithm>

namespace kallglot::config {

std::string to_string(const config_fault& fault) {
    std::string text = fault.file;
    if (fault.line != 0) {
        text += ':' + std::to_string(fault.line);
    }
    text += ": ";
    if (!fault.key.empty()) {
        text += fault.key + ": ";
    }
    return text + fault.message;
}

int exit_code(const std::vector<config_fault>& faults) noexcept {
    const bool invalid = std::any_of(faults.begin(), faults.end(), [](const config_fault& fault) {
        return fault.kind == fault_kind::invalid;
    });
    return invalid ? 2 : 1;
}

} // namespace kallglot::config
