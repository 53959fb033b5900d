/// Table of words for an enumeration: each value has its text and, if it is stored, its number on disk.
///
/// The compiler checks that rows are in the order of the enumeration, that every value has one, and that no text is
/// empty or repeated. So the number of values is the number of rows, and nothing is counted by hand.

#ifndef KALLGLOT_BASE_VOCABULARY_HPP
#define KALLGLOT_BASE_VOCABULARY_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// Rows of enumerations that are not stored.
inline constexpr std::uint8_t not_stored = 0xFF;

/// Numbers in the store have four bits.
inline constexpr std::uint8_t max_stored_number = 15;

template <class Enum>
struct vocabulary_word {
    Enum value;
    std::string_view text;

    /// The number in the store. Never change it and never use it for another value: old stores have it.
    std::uint8_t stored_as = not_stored;
};

/// Whether a value of an enumeration has a name: the compiler prints a value without one as a number in a cast.
template <auto Value>
[[nodiscard]] consteval bool is_enumerator() {
    constexpr std::string_view signature = __PRETTY_FUNCTION__;
    constexpr std::size_t name = signature.find("Value = ") + sizeof("Value = ") - 1;
    return signature[name] != '(';
}

/// Made by make_vocabulary() at compile time. Immutable.
template <class Enum, std::size_t Size>
class vocabulary {
public:
    consteval explicit vocabulary(const std::array<vocabulary_word<Enum>, Size>& words)
        : words_(words) {
        static_assert(!is_enumerator<static_cast<Enum>(Size)>(),
                      "a value of the enumeration has no row");
        for (std::size_t i = 0; i < Size; ++i) {
            check(static_cast<std::size_t>(words[i].value) == i, "rows are not in order");
            check(!words[i].text.empty(), "a text is empty");
            for (std::size_t other = 0; other < i; ++other) {
                check(words[i].text != words[other].text, "a text is repeated");
                check(words[i].stored_as == not_stored
                          || words[i].stored_as != words[other].stored_as,
                      "a number in the store is repeated");
            }
            check(words[i].stored_as <= max_stored_number || words[i].stored_as == not_stored,
                  "a number in the store has more than four bits");
        }
    }

    [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }

    [[nodiscard]] constexpr auto begin() const noexcept { return words_.begin(); }

    [[nodiscard]] constexpr auto end() const noexcept { return words_.end(); }

    [[nodiscard]] constexpr std::string_view text_of(Enum value) const noexcept {
        return words_[static_cast<std::size_t>(value)].text;
    }

    /// The value with this text; `fallback` if there is none.
    [[nodiscard]] constexpr Enum find(std::string_view text, Enum fallback) const noexcept {
        for (const vocabulary_word<Enum>& word : words_) {
            if (word.text == text) {
                return word.value;
            }
        }
        return fallback;
    }

    /// As `find`, among the values before `fallback` only. The API never sends those behind it.
    [[nodiscard]] constexpr Enum find_before(std::string_view text, Enum fallback) const noexcept {
        const Enum found = find(text, fallback);
        return found < fallback ? found : fallback;
    }

    [[nodiscard]] constexpr std::uint8_t stored_number(Enum value) const noexcept {
        return words_[static_cast<std::size_t>(value)].stored_as;
    }

    /// The value with this number. Empty if there is none: the row is damaged, or from a newer version.
    [[nodiscard]] constexpr std::optional<Enum> from_stored(std::uint8_t number) const noexcept {
        for (const vocabulary_word<Enum>& word : words_) {
            if (word.stored_as == number) {
                return word.value;
            }
        }
        return std::nullopt;
    }

private:
    // Calling a function that is not constexpr stops the compiler; the argument appears in its message.
    static constexpr void check(bool holds, const char* rule) {
        if (!holds) {
            broken(rule);
        }
    }

    static void broken(const char* rule) { static_cast<void>(rule); }

    std::array<vocabulary_word<Enum>, Size> words_;
};

template <class Enum, std::size_t Size>
[[nodiscard]] consteval auto make_vocabulary(const vocabulary_word<Enum> (&words)[Size]) {
    return vocabulary<Enum, Size>(std::to_array(words));
}

} // namespace kallglot

#endif
