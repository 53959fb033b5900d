#include "simulator/session_id.hpp"

#include "simulator/session_life.hpp"

#include <algorithm>
#include <array>

namespace kallglot::simulator {

namespace {

constexpr std::string_view prefix = "sess_";
constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t number_characters = 13;
constexpr std::size_t characters_of_a_word = 12;

// Value of each character, 255 for those outside the alphabet.
constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(255);
    for (std::size_t index = 0; index < alphabet.size(); ++index) {
        values[static_cast<unsigned char>(alphabet[index])] = static_cast<std::uint8_t>(index);
    }
    return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

std::uint32_t round_value(std::uint64_t seed, std::uint64_t round, std::uint32_t half) {
    return static_cast<std::uint32_t>(scatter(seed + (round << 32U) + half));
}

// A Feistel network: a bijection with any round function. The inverse runs the rounds in reverse order.
std::uint64_t scramble(std::uint64_t seed, std::uint64_t number) {
    auto left = static_cast<std::uint32_t>(number >> 32U);
    auto right = static_cast<std::uint32_t>(number);
    for (std::uint64_t round = 1; round <= 4; ++round) {
        const std::uint32_t next = left ^ round_value(seed, round, right);
        left = right;
        right = next;
    }
    return (static_cast<std::uint64_t>(left) << 32U) | right;
}

std::uint64_t unscramble(std::uint64_t seed, std::uint64_t scrambled) {
    auto left = static_cast<std::uint32_t>(scrambled >> 32U);
    auto right = static_cast<std::uint32_t>(scrambled);
    for (std::uint64_t round = 4; round >= 1; --round) {
        const std::uint32_t previous = right ^ round_value(seed, round, left);
        right = left;
        left = previous;
    }
    return (static_cast<std::uint64_t>(left) << 32U) | right;
}

} // namespace

session_id_codec::session_id_codec(std::uint64_t seed, std::size_t length)
    : seed_(scatter(seed ^ 0x5e55'1d00'5e55'1d00ULL)),
      length_(std::clamp(length, min_id_length, max_id_length)) {}

void session_id_codec::append(std::string& out, std::uint64_t number) const {
    const std::size_t start = out.size();
    out += prefix;
    const std::uint64_t scrambled = scramble(seed_, number);
    for (std::size_t place = number_characters; place > 0; --place) {
        out += alphabet[(scrambled >> (5 * (place - 1))) & 31U];
    }
    // The check may be longer than one word of 64 bits has characters for.
    std::uint64_t word = scrambled;
    std::size_t left_in_word = 0;
    while (out.size() - start < length_) {
        if (left_in_word == 0) {
            word = scatter(word ^ seed_);
            left_in_word = characters_of_a_word;
        }
        out += alphabet[(word >> (5 * --left_in_word)) & 31U];
    }
}

std::string session_id_codec::encode(std::uint64_t number) const {
    std::string id;
    id.reserve(length_);
    append(id, number);
    return id;
}

std::optional<std::uint64_t> session_id_codec::decode(std::string_view id) const {
    if (id.size() != length_ || !id.starts_with(prefix)) {
        return std::nullopt;
    }
    std::uint64_t scrambled = 0;
    for (const char character : id.substr(prefix.size(), number_characters)) {
        const std::uint8_t value = values[static_cast<unsigned char>(character)];
        if (value == 255) {
            return std::nullopt;
        }
        scrambled = (scrambled << 5U) | value;
    }
    const std::uint64_t number = unscramble(seed_, scrambled);
    // Writing the id again and comparing checks the rest, and the one bit of the first character that the number does
    // not use.
    if (encode(number) != id) {
        return std::nullopt;
    }
    return number;
}

} // namespace kallglot::simulator
