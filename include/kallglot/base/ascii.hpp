/// Comparison of ASCII words of protocols without case, independent of the locale.

#ifndef KALLGLOT_BASE_ASCII_HPP
#define KALLGLOT_BASE_ASCII_HPP

#include <algorithm>
#include <string_view>

namespace kallglot {

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

} // namespace kallglot

#endif
