/// How many connections each part may have, given how many files the process may open.
///
/// Running out of descriptors in the middle of the night fails whoever asks next: the store, a reload, a scrape. So it is
/// decided at the start: what does not fit is lowered, in proportion, and what the daemon itself needs is kept free.

#ifndef KALLGLOT_APP_DESCRIPTOR_SHARES_HPP
#define KALLGLOT_APP_DESCRIPTOR_SHARES_HPP

#include <cstddef>
#include <optional>

namespace kallglot {

/// Connections of each part; 0: the part is off.
struct descriptor_shares {
    std::size_t api = 0;
    std::size_t private_listener = 0;
    std::size_t webhook_listener = 0;

    [[nodiscard]] bool operator==(const descriptor_shares&) const = default;
};

/// What the daemon has open besides connections (about 25: store, log, listeners, watches), and what it may need at
/// any moment: files of a reload, a store written anew, a lookup.
inline constexpr std::size_t reserved_descriptors = 64;

/// The least that is of use: a few polls, and a scrape beside people who look.
inline constexpr descriptor_shares least_shares{4, 8, 8};

/// The fewest files with which the daemon starts.
[[nodiscard]] std::size_t least_descriptors(const descriptor_shares& wanted) noexcept;

/// `wanted` as far as it fits into `limit` files. Empty: not even the least fits.
[[nodiscard]] std::optional<descriptor_shares> share_descriptors(const descriptor_shares& wanted,
                                                                 std::size_t limit) noexcept;

} // namespace kallglot

#endif
