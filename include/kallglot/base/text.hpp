/// Texts of protocols: ASCII words without case, UTF-8, URL paths.
///
/// Independent of the locale. Text from outside passes decode_utf8() before it reaches a log line or the configuration.

#ifndef KALLGLOT_BASE_TEXT_HPP
#define KALLGLOT_BASE_TEXT_HPP

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace kallglot {

/// Not std::isdigit, which depends on the locale and is not defined for negative bytes.
[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Equality without case, for field names, codings and schemes. Other bytes than ASCII letters must be equal.
///
/// Used instead of boost::beast::iequals. In Boost 1.81 that one reads a byte behind the end of two texts of equal
/// length that differ in case.
[[nodiscard]] constexpr bool ascii_iequals(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return ascii_lower(x) == ascii_lower(y);
    });
}

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

/// Whether a path of a URL equals `place` or is below it: `/api/v1` is below `/api`, `/apis` is not.
///
/// Paths are compared as received: nothing is unescaped or normalized.
[[nodiscard]] constexpr bool is_below(std::string_view path, std::string_view place) noexcept {
    return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

static_assert(is_below("/api", "/api") && is_below("/api/v1", "/api"));
static_assert(!is_below("/apis", "/api") && !is_below("/ap", "/api"));

} // namespace kallglot

#endif
