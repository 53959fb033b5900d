/// Comparing the words of protocols, which are ASCII, without case and whatever the locale.

#ifndef KALLGLOT_BASE_ASCII_HPP
#define KALLGLOT_BASE_ASCII_HPP

#include <algorithm>
#include <string_view>

namespace kallglot {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Field names, codings, schemes. Bytes beyond ASCII are compared as they are.
///
/// In place of boost::beast::iequals, which in Boost 1.81 reads one byte behind the end of two texts of one length that
/// differ in case.
[[nodiscard]] constexpr bool ascii_iequals(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return ascii_lower(x) == ascii_lower(y);
    });
}

} // namespace kallglot

#endif
