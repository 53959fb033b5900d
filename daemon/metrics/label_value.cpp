// Sanitising of label values: Prometheus rejects a whole scrape for one invalid byte of UTF-8, and control bytes garble
// terminals. Only values from outside get here; plain ones are recognised earlier.

#include "kallglot/metrics/exposition_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot {

namespace {

// What Go's decoder, and so Prometheus, puts in place of invalid bytes.
constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

[[nodiscard]] std::uint8_t byte_at(std::string_view text, std::size_t place) noexcept {
    return static_cast<std::uint8_t>(text[place]);
}

// A byte 10xxxxxx: the second or a later one of a character.
[[nodiscard]] bool is_continuation(std::string_view text, std::size_t place) noexcept {
    return place < text.size() && (byte_at(text, place) & 0xC0U) == 0x80U;
}

// The size of the well-formed character at the start of the text; 0 if there is none (Unicode 15, table 3-7).
[[nodiscard]] std::size_t character_size(std::string_view text) noexcept {
    const std::uint8_t first = byte_at(text, 0);
    if (first < 0x80) {
        return 1;
    }
    // C0 and C1 would be overlong, F5 and above beyond Unicode; a lone continuation byte is below C2 too.
    if (first < 0xC2 || first > 0xF4 || !is_continuation(text, 1)) {
        return 0;
    }
    // Two bytes: 80 to 7FF.
    if (first < 0xE0) {
        return 2;
    }
    const std::uint8_t second = byte_at(text, 1);
    if (!is_continuation(text, 2)) {
        return 0;
    }
    if (first < 0xF0) {
        // Three bytes: overlong forms and surrogates are invalid.
        const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F);
        return bad ? 0 : 3;
    }
    // Four bytes: overlong forms and code points above 10FFFF are invalid.
    const bool bad = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad || !is_continuation(text, 3) ? 0 : 4;
}

// Except the line feed, which both formats can escape.
[[nodiscard]] bool is_control(std::uint8_t byte) noexcept {
    return (byte < 0x20 && byte != '\n') || byte == 0x7F;
}

} // namespace

std::string sanitise_label_value(std::string_view value) {
    std::string clean;
    while (!value.empty()) {
        const std::size_t size = character_size(value);
        // One replacement character for each invalid byte, as Go does.
        const bool good = size != 0 && !is_control(byte_at(value, 0));
        const std::string_view next = good ? value.substr(0, size) : replacement;

        // Cut between characters.
        if (clean.size() + next.size() > max_label_value_bytes) {
            break;
        }
        clean += next;
        value.remove_prefix(good ? size : 1);
    }
    return clean;
}

} // namespace kallglot
