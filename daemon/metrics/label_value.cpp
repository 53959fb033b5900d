// The door into label values: what Prometheus refuses or what could forge a series never passes.

#include "kallglot/metrics/exposition_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

[[nodiscard]] std::uint8_t byte_at(std::string_view text, std::size_t place) noexcept {
    return static_cast<std::uint8_t>(text[place]);
}

[[nodiscard]] bool is_continuation(std::string_view text, std::size_t place) noexcept {
    return place < text.size() && (byte_at(text, place) & 0xC0U) == 0x80U;
}

// Size of the well-formed character at the beginning, 0 if there is none (Unicode 15, table 3-7).
[[nodiscard]] std::size_t character_size(std::string_view text) noexcept {
    const std::uint8_t first = byte_at(text, 0);
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4 || !is_continuation(text, 1)) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    const std::uint8_t second = byte_at(text, 1);
    if (!is_continuation(text, 2)) {
        return 0;
    }
    if (first < 0xF0) {
        // Overlong forms and the surrogates.
        const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F);
        return bad ? 0 : 3;
    }
    const bool bad = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad || !is_continuation(text, 3) ? 0 : 4;
}

[[nodiscard]] bool is_control(std::uint8_t byte) noexcept {
    return (byte < 0x20 && byte != '\n') || byte == 0x7F;
}

} // namespace

std::string sanitise_label_value(std::string_view value) {
    std::string clean;
    while (!value.empty()) {
        const std::size_t size = character_size(value);
        const bool good = size != 0 && !is_control(byte_at(value, 0));
        const std::string_view next = good ? value.substr(0, size) : replacement;

        // Cut between characters, never inside one.
        if (clean.size() + next.size() > max_label_value_bytes) {
            break;
        }
        clean += next;
        value.remove_prefix(good ? size : 1);
    }
    return clean;
}

} // namespace kallglot
