#include "config/secret_text.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace kallglot::config {

namespace {

// Below this a secret can be guessed; generated ones have 32 characters and more.
constexpr std::size_t min_secret_characters = 16;

struct code_range {
    char32_t first;
    char32_t last;
};

// Characters without a shape of their own, besides ASCII: C1 controls, spaces, joiners, direction marks, fillers, variation
// selectors and tags.
constexpr auto invisible = std::to_array<code_range>({{0x80, 0xA0},
                                                      {0xAD, 0xAD},
                                                      {0x034F, 0x034F},
                                                      {0x061C, 0x061C},
                                                      {0x115F, 0x1160},
                                                      {0x1680, 0x1680},
                                                      {0x17B4, 0x17B5},
                                                      {0x180B, 0x180F},
                                                      {0x2000, 0x200F},
                                                      {0x2028, 0x202F},
                                                      {0x205F, 0x206F},
                                                      {0x2800, 0x2800},
                                                      {0x3000, 0x3000},
                                                      {0x3164, 0x3164},
                                                      {0xFE00, 0xFE0F},
                                                      {0xFEFF, 0xFEFF},
                                                      {0xFFA0, 0xFFA0},
                                                      {0xFFF9, 0xFFFB},
                                                      {0xE0000, 0xE0FFF}});

// `U+200B`. Its code gives nothing of the secret away: no generator makes such a character.
std::string name_of(char32_t code) {
    std::string digits;
    for (; code != 0 || digits.size() < 4; code /= 16) {
        // At least four digits, as Unicode writes them.
        digits.insert(digits.begin(), "0123456789ABCDEF"[code % 16]);
    }
    return "U+" + digits;
}

// `contains a character that cannot be seen (U+200B)`; empty if there is none.
std::string invisible_character(std::string_view text) {
    while (!text.empty()) {
        const utf8_character next = decode_utf8(text);
        const bool hidden = std::ranges::any_of(invisible, [&](const code_range& range) {
            return next.code >= range.first && next.code <= range.last;
        });
        if (hidden) {
            return "contains a character that cannot be seen (" + name_of(next.code) + ")";
        }
        // Bytes that are no UTF-8 are passed one by one.
        text.remove_prefix(std::max<std::size_t>(1, next.length));
    }
    return {};
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Letters, digits and underscores.
bool is_name_character(char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

// `KEY=`, `export KEY=`, `key: `, as in an environment file or YAML. A base64 text has its `=` only at the end.
bool has_name_in_front(std::string_view text) {
    // A line that was copied out of a shell script.
    constexpr std::string_view exported = "export ";
    if (text.starts_with(exported)) {
        text.remove_prefix(exported.size());
    }
    const auto end = std::find_if_not(text.begin(), text.end(), is_name_character);
    if (end == text.begin() || (text.front() >= '0' && text.front() <= '9')) {
        return false;
    }
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.begin()));
    // Something must follow the equals sign, or it is the padding of base64.
    const bool assigned = rest.starts_with('=') && rest.find_first_not_of('=') != rest.npos;
    return assigned || rest.starts_with(": ");
}

// Straight or curly quotes at both ends.
bool is_quoted(std::string_view text) {
    constexpr auto pairs =
        std::to_array<std::array<std::string_view, 2>>({{"\"", "\""},
                                                        {"'", "'"},
                                                        {"`", "`"},
                                                        {"\xE2\x80\x9C", "\xE2\x80\x9D"},
                                                        {"\xE2\x80\x98", "\xE2\x80\x99"}});
    return std::ranges::any_of(pairs, [&](const auto& pair) {
        return text.size() > pair[0].size() + pair[1].size() && text.starts_with(pair[0])
               && text.ends_with(pair[1]);
    });
}

bool has_scheme_in_front(std::string_view text) {
    // substr() of a shorter text is the whole text, which is then not equal.
    return ascii_iequals(text.substr(0, 7), "Bearer ")
           || ascii_iequals(text.substr(0, 14), "Authorization:");
}

// The prefixes of keys in base64: encoded once more than the template that fills the file expects.
bool is_encoded_twice(std::string_view text) {
    // Of sk_live_, sk_test_, whsec_ and `Bearer `, as far as the text that follows does not change the last
    // character.
    constexpr std::array<std::string_view, 4> prefixes = {"c2tfbGl2ZV",
                                                          "c2tfdGVzdF",
                                                          "d2hzZWNf",
                                                          "QmVhcmVyI"};
    return std::ranges::any_of(prefixes,
                               [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// What is around or inside the secret, the clearest first; empty if nothing is.
std::string flaw_of(std::string_view text) {
    // The text is not empty: fault_of_secret() has rejected that before.
    if (is_blank(text.front()) || is_blank(text.back())) {
        return is_blank(text.front()) ? "begins with a space" : "ends with a space";
    }
    if (has_scheme_in_front(text)) {
        return "begins with the name of a header or scheme: the file must contain only the secret";
    }
    if (has_name_in_front(text)) {
        return "begins with a name as in KEY=: the file must contain only the secret";
    }
    if (is_quoted(text)) {
        return "is in quotes, which are part of the secret in this file";
    }
    // From `echo` without -e, or a template that did not interpret the escape.
    if (text.ends_with("\\n") || text.ends_with("\\r")) {
        return "ends with a backslash and a letter in place of a line end";
    }
    if (is_encoded_twice(text)) {
        return "looks base64-encoded: the file must contain the secret itself";
    }
    return invisible_character(text);
}

} // namespace

std::string fault_of_secret(std::string_view text, secret_use use) {
    // Each check is a mistake that operators make: saved as "UTF-8 with BOM", two keys in one file, a pasted tab.
    if (text.starts_with("\xEF\xBB\xBF")) {
        return "begins with a byte order mark: save the file as plain text without it";
    }
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        return "is UTF-16: save the file as plain text";
    }
    if (text.find_first_of("\r\n") != std::string_view::npos) {
        return "must have exactly one line";
    }
    // `char` may be signed: bytes above 0x7F are negative then, and are no control characters.
    const bool control =
        std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
    if (control) {
        return "contains a control character";
    }
    if (std::ranges::all_of(text, is_blank)) {
        return "is empty: it contains only spaces";
    }
    // A line break in a header would let the secret inject further headers; a space would truncate it.
    const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
    if (use != secret_use::header || visible) {
        return {};
    }
    // The flaw that explains it, if there is one: "a space" does not say which one.
    const std::string flaw = flaw_of(text);
    const bool space = text.find(' ') != std::string_view::npos;
    return !flaw.empty() ? flaw
           : space       ? "contains a space, which is not allowed in an HTTP header"
                         : "contains a character not allowed in an HTTP header: it is not ASCII";
}

std::vector<std::string> warnings_of_secret(std::string_view text, secret_use use) {
    std::vector<std::string> warnings;
    if (std::string flaw = flaw_of(text); !flaw.empty()) {
        warnings.push_back(std::move(flaw));
    }
    // The password of a proxy is the proxy's affair.
    if (use != secret_use::password && text.size() < min_secret_characters) {
        warnings.push_back("has fewer than " + std::to_string(min_secret_characters)
                           + " characters: it can be guessed");
    }
    return warnings;
}

} // namespace kallglot::config
