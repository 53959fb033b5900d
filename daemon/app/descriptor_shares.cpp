#include "app/descriptor_shares.hpp"

#include <algorithm>

namespace kallglot {

namespace {

std::size_t sum(const descriptor_shares& shares) noexcept {
    return shares.api + shares.private_listener + shares.webhook_listener;
}

/// Whoever asks for less than the least gets what it asks for.
descriptor_shares least_of(const descriptor_shares& wanted) noexcept {
    return {std::min(wanted.api, least_shares.api),
            std::min(wanted.private_listener, least_shares.private_listener),
            std::min(wanted.webhook_listener, least_shares.webhook_listener)};
}

} // namespace

std::size_t least_descriptors(const descriptor_shares& wanted) noexcept {
    return reserved_descriptors + sum(least_of(wanted));
}

std::optional<descriptor_shares> share_descriptors(const descriptor_shares& wanted,
                                                   std::size_t limit) noexcept {
    if (limit < least_descriptors(wanted)) {
        return std::nullopt;
    }
    const std::size_t there = limit - reserved_descriptors;
    if (sum(wanted) <= there) {
        return wanted;
    }
    // The least for everybody; of what is left, each the same part of what it wants beyond that.
    const descriptor_shares least = least_of(wanted);
    const double part =
        static_cast<double>(there - sum(least)) / static_cast<double>(sum(wanted) - sum(least));
    const auto share = [part](std::size_t own_least, std::size_t own_wish) {
        return own_least
               + static_cast<std::size_t>(part * static_cast<double>(own_wish - own_least));
    };
    return descriptor_shares{share(least.api, wanted.api),
                             share(least.private_listener, wanted.private_listener),
                             share(least.webhook_listener, wanted.webhook_listener)};
}

} // namespace kallglot
