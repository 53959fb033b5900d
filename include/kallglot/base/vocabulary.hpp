/// A closed list of words: for each value of an enumeration its text, and the number that stands for it in the store.
///
/// One row a value, checked by the compiler: rows are in the order of the enumeration, no value is without a row, no
/// text is empty or stands twice. So the number of values is the number of rows, and nothing is counted by hand.

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

    /// The number in the store. It belongs to this value for ever: never change it, never use it for another value.
    std::uint8_t stored_as = not_stored;
};

/// Whether a value of an enumeration has a name: the compiler prints a value without one as a number in a cast.
template <auto Value>
[[nodiscard]] consteval bool is_enumerator() {
    constexpr std::string_view signature = __PRETTY_FUNCTION__;
    constexpr std::size_t name = signature.find("Value = ") + sizeof("Value = ") - 1;
    return signature[name] != '(';
}

/// Make one with `make_vocabulary`. Immutable; all at compile time.
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
                check(words[i].text != words[other].text, "a text stands twice");
                check(words[i].stored_as == not_stored
                          || words[i].stored_as != words[other].stored_as,
                      "a number in the store stands twice");
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

    /// As `find`, among the values before `fallback` only: the values behind it are ours, the API never sends them.
    [[nodiscard]] constexpr Enum find_before(std::string_view text, Enum fallback) const noexcept {
        const Enum found = find(text, fallback);
        return found < fallback ? found : fallback;
    }

    [[nodiscard]] constexpr std::uint8_t stored_number(Enum value) const noexcept {
        return words_[static_cast<std::size_t>(value)].stored_as;
    }

    /// Empty for a number that no value has: the row is damaged, or of a newer version.
    [[nodiscard]] constexpr std::optional<Enum> from_stored(std::uint8_t number) const noexcept {
        for (const vocabulary_word<Enum>& word : words_) {
            if (word.stored_as == number) {
                return word.value;
            }
        }
        return std::nullopt;
    }

private:
    // A call of a function that is not constexpr ends the compilation; its argument says why.
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
