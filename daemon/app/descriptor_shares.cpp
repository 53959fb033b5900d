#include "app/descriptor_shares.hpp"

#include <algorithm>

namespace kallglot {

namespace {

std::size_t sum(const descriptor_shares& shares) noexcept {
    return shares.api + shares.private_listener + shares.webhook_listener;
}

/// The minimum of each part, or its request if that is smaller.
descriptor_shares min_of(const descriptor_shares& requested) noexcept {
    return {std::min(requested.api, min_shares.api),
            std::min(requested.private_listener, min_shares.private_listener),
            std::min(requested.webhook_listener, min_shares.webhook_listener)};
}

} // namespace

std::size_t min_descriptors(const descriptor_shares& requested) noexcept {
    return reserved_descriptors + sum(min_of(requested));
}

std::optional<descriptor_shares> share_descriptors(const descriptor_shares& requested,
                                                   std::size_t limit) noexcept {
    // The caller does not start then: a daemon that cannot accept or connect would fail at random.
    if (limit < min_descriptors(requested)) {
        return std::nullopt;
    }
    const std::size_t available = limit - reserved_descriptors;
    if (sum(requested) <= available) {
        return requested;
    }
    // Each part gets its minimum. The rest is divided in proportion to the requests beyond the minimum.
    const descriptor_shares min = min_of(requested);
    const double fraction =
        // Not a division by zero: the requests exceed what is available, and so the minimum.
        static_cast<double>(available - sum(min)) / static_cast<double>(sum(requested) - sum(min));
    // Rounded down, so that the sum never exceeds what is available.
    const auto share = [fraction](std::size_t own_min, std::size_t own_request) {
        return own_min
               + static_cast<std::size_t>(fraction * static_cast<double>(own_request - own_min));
    };
    return descriptor_shares{share(min.api, requested.api),
                             share(min.private_listener, requested.private_listener),
                             share(min.webhook_listener, requested.webhook_listener)};
}

} // namespace kallglot
