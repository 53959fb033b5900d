// Checks a list of faults in a text: bounded, in the order of the lines, each fault one line of UTF-8.

#ifndef KALLGLOT_FUZZ_FAULT_CHECK_HPP
#define KALLGLOT_FUZZ_FAULT_CHECK_HPP

#include "kallglot/base/text.hpp"
#include "kallglot/config/config_fault.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::fuzz {

// Printable UTF-8 only: no line break, and no escape sequence for the operator's terminal.
inline bool is_one_line(std::string_view text) {
    while (!text.empty()) {
        const utf8_character character = decode_utf8(text);
        if (character.length == 0 || character.code < 0x20
            || (character.code >= 0x7F && character.code <= 0x9F)) {
            return false;
        }
        text.remove_prefix(character.length);
    }
    return true;
}

// A missing value may be reported at the end of the text, one line behind the last one.
inline bool are_well_formed(const std::vector<config::config_fault>& faults,
                            std::string_view text) {
    constexpr std::size_t most = 100;
    constexpr std::size_t longest_message = 1024;
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2;
    std::size_t line = 0;
    for (const config::config_fault& fault : faults) {
        // After a hundred faults one entry without a line says how many are left out.
        const bool is_rest = &fault - faults.data() == most && fault.line == 0;
        if ((fault.line < line && !is_rest) || fault.line > lines || fault.message.empty()
            || fault.message.size() > longest_message || !is_one_line(to_string(fault))) {
            return false;
        }
        line = fault.line;
    }
    return faults.size() <= most + 1;
}

} // namespace kallglot::fuzz

#endif
