/// Divides the file descriptors of the process among the connections of its parts.
///
/// When descriptors run out, the next call that needs one fails: of the store, a reload or a scrape. So the limits of
/// connections are checked at each start and reload. If they do not fit, they are lowered in proportion, and a reserve
/// stays free for the daemon itself.

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

/// Descriptors besides connections: about 25 that are always open (store, log, listeners, watches), and those that may be
/// needed at any moment (files of a reload, a rewrite of the store, a lookup).
inline constexpr std::size_t reserved_descriptors = 64;

/// The smallest useful shares: a few polls, and a scrape beside a few browsers.
inline constexpr descriptor_shares min_shares{4, 8, 8};

/// The minimum number of descriptors with which the daemon starts.
[[nodiscard]] std::size_t min_descriptors(const descriptor_shares& requested) noexcept;

/// `requested`, lowered if it does not fit into `limit` descriptors. Empty: even the minimum does not fit.
[[nodiscard]] std::optional<descriptor_shares> share_descriptors(const descriptor_shares& requested,
                                                                 std::size_t limit) noexcept;

} // namespace kallglot

#endif
