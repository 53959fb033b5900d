#include "kallglot/base/keyed_hash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <random>

namespace kallglot {

namespace {

/// The four words of SipHash's state. The names are those of the paper.
struct sip_state {
    std::uint64_t v0;
    std::uint64_t v1;
    std::uint64_t v2;
    std::uint64_t v3;

    // The four constants are "somepseudorandomlygeneratedbytes" in ASCII (section 2.1 of the paper).
    explicit sip_state(const hash_key& key) noexcept
        : v0(key.low ^ 0x736F'6D65'7073'6575ULL),
          v1(key.high ^ 0x646F'7261'6E64'6F6DULL),
          v2(key.low ^ 0x6C79'6765'6E65'7261ULL),
          v3(key.high ^ 0x7465'6462'7974'6573ULL) {}

    // SipRound, figure 2.1 of the paper. Only additions, rotations and XOR: no tables, so no timing that depends on
    // the text.
    void mix(int rounds) noexcept {
        for (int i = 0; i < rounds; ++i) {
            v0 += v1;
            v2 += v3;
            v1 = std::rotl(v1, 13) ^ v0;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 = std::rotl(v0, 32) + v3;
            v2 += v1;
            v3 = std::rotl(v3, 21) ^ v0;
            v1 = std::rotl(v1, 17) ^ v2;
            v2 = std::rotl(v2, 32);
        }
    }

    // One word of the text goes in before the rounds and once more after them, so it cannot be cancelled by the next.
    void absorb(std::uint64_t word, int rounds) noexcept {
        v3 ^= word;
        mix(rounds);
        v0 ^= word;
    }

    /// The whole text. Its last word has what is left over, and the number of all bytes in its highest byte.
    void absorb(std::string_view text, std::size_t bytes_before, int rounds) noexcept {
        const std::uint64_t size = bytes_before + text.size();
        for (; text.size() >= 8; text.remove_prefix(8)) {
            absorb(word_at(text.data()), rounds);
        }
        std::uint64_t last = 0;
        // From the last byte back, so that the first one ends lowest, as in word_at().
        for (std::size_t i = text.size(); i > 0; --i) {
            last = (last << 8) | static_cast<unsigned char>(text[i - 1]);
        }
        absorb(last | (size << 56), rounds);
    }

    [[nodiscard]] std::uint64_t sum() const noexcept { return v0 ^ v1 ^ v2 ^ v3; }

    /// Little-endian, as the paper says: a store may move to another machine.
    static std::uint64_t word_at(const char* bytes) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
    }
};

} // namespace

hash_key random_hash_key() {
    std::random_device device;
    // libstdc++ reads the random source of the CPU or of the kernel, 32 bits a call.
    const auto word = [&device] {
        return (std::uint64_t{device()} << 32) | device();
    };
    return {word(), word()};
}

std::uint64_t table_hash(const hash_key& key, std::string_view text) noexcept {
    sip_state state(key);
    // One round a word and three at the end: SipHash-1-3, as Rust and Python use it for tables. An attacker sees no
    // hash here, only time.
    state.absorb(text, 0, 1);
    state.v2 ^= 0xFF;
    state.mix(3);
    return state.sum();
}

text_hash hash_of_text(const hash_key& key, std::uint64_t tag, std::string_view text) noexcept {
    sip_state state(key);
    // What distinguishes the output of 128 bits from that of 64.
    state.v1 ^= 0xEE;
    // Two and four rounds: SipHash-2-4, because these hashes are on disk and stand for the text without it.
    state.absorb(tag, 2);
    state.absorb(text, sizeof tag, 2);
    state.v2 ^= 0xEE;
    state.mix(4);
    const std::uint64_t low = state.sum();
    state.v1 ^= 0xDD;
    state.mix(4);
    return {low, state.sum()};
}

} // namespace kallglot
