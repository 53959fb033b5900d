/// Hashes of texts from outside, with a key that no client knows: SipHash.
///
/// Clients choose the ids of sessions. With a hash that a client can compute, it makes a million ids that fall into one
/// place of a table, or one id with the hash of another. Written here and not taken from OpenSSL: its EVP_MAC
/// "SIPHASH" takes 57 ns of CPU for an id of 31 characters, this 15, and every look-up of a session pays.
///
/// Source: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012, and its reference code for the
///         output of 128 bits. The test compares with OpenSSL's.

#ifndef KALLGLOT_BASE_KEYED_HASH_HPP
#define KALLGLOT_BASE_KEYED_HASH_HPP

#include <compare>
#include <cstdint>
#include <string_view>

namespace kallglot {

/// 128 random bits.
struct hash_key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    [[nodiscard]] bool operator==(const hash_key&) const = default;
};

/// From the system's random source.
[[nodiscard]] hash_key random_hash_key();

/// For tables in memory, which compare the texts too: SipHash-1-3, 64 bits, evenly distributed.
[[nodiscard]] std::uint64_t table_hash(const hash_key& key, std::string_view text) noexcept;

/// 128 bits that stand for a text: without the key no two texts with the same bits can be found.
struct text_hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    [[nodiscard]] auto operator<=>(const text_hash&) const = default;
};

/// SipHash-2-4 of the eight bytes of `tag` and then `text`. Texts of different tags are different texts.
[[nodiscard]] text_hash hash_of_text(const hash_key& key,
                                     std::uint64_t tag,
                                     std::string_view text) noexcept;

} // namespace kallglot

#endif
