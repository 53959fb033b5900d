/// UTF-8 decoder: one character at a time, with detection of invalid bytes.
///
/// Text from outside passes through here before it reaches a log line or the configuration.

#ifndef KALLGLOT_BASE_UTF8_HPP
#define KALLGLOT_BASE_UTF8_HPP

#include <cstddef>
#include <string_view>

namespace kallglot {

/// The character at the front of a text.
///
/// Units: `length` in bytes; 0 = the text is empty or does not begin with valid UTF-8.
struct utf8_character {
    char32_t code = 0;
    std::size_t length = 0;
};

/// Decodes the first character. Overlong forms, surrogates and codes above U+10FFFF are not valid.
///
/// Source: RFC 3629 section 4.
[[nodiscard]] constexpr utf8_character decode_utf8(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) -> char32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) {
        return (byte(i) & 0xC0U) == 0x80U;
    };
    const char32_t first = byte(0);
    if (text.empty()) {
        return {};
    }
    if (first < 0x80) {
        return {first, 1};
    }
    if (first >= 0xC2 && first <= 0xDF && tail(1)) {
        return {((first & 0x1FU) << 6U) | (byte(1) & 0x3FU), 2};
    }
    if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2)) {
        const char32_t code =
            ((first & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
        const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code >= 0x800 && !surrogate ? utf8_character{code, 3} : utf8_character{};
    }
    if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
        const char32_t code = ((first & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U)
                              | ((byte(2) & 0x3FU) << 6U) | (byte(3) & 0x3FU);
        return code >= 0x10000 && code <= 0x10FFFF ? utf8_character{code, 4} : utf8_character{};
    }
    return {};
}

} // namespace kallglot

#endif
