// Tests of the division of file descriptors.

#include "app/descriptor_shares.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {

namespace {

constexpr descriptor_shares usual{256, 256, 512};

std::size_t sum(const descriptor_shares& shares) {
    return shares.api + shares.private_listener + shares.webhook_listener;
}

} // namespace

TEST(DescriptorShares, RequestsThatFitAreUnchanged) {
    EXPECT_EQ(share_descriptors(usual, 65'536), usual);
    EXPECT_EQ(share_descriptors(usual, 1024 + reserved_descriptors), usual);
}

TEST(DescriptorShares, SharesAreLoweredInProportionOutsideTheReserve) {
    for (std::size_t limit = min_descriptors(usual); limit < 1024 + reserved_descriptors; ++limit) {
        const auto shares = share_descriptors(usual, limit);
        ASSERT_TRUE(shares) << limit;
        EXPECT_LE(sum(*shares) + reserved_descriptors, limit);
        // Only rounding is left over.
        EXPECT_GE(sum(*shares) + reserved_descriptors + 3, limit);
        EXPECT_GE(shares->api, min_shares.api);
        EXPECT_GE(shares->private_listener, min_shares.private_listener);
        EXPECT_GE(shares->webhook_listener, min_shares.webhook_listener);
        EXPECT_LE(shares->api, usual.api);
    }
    const auto half = share_descriptors(usual, 512 + reserved_descriptors);
    EXPECT_NEAR(static_cast<double>(half->webhook_listener), 256, 4);
}

TEST(DescriptorShares, TooFewDescriptorsAreRejected) {
    EXPECT_EQ(min_descriptors(usual), reserved_descriptors + 20);
    EXPECT_EQ(share_descriptors(usual, reserved_descriptors + 19), std::nullopt);
    EXPECT_EQ(share_descriptors(usual, 0), std::nullopt);
}

TEST(DescriptorShares, ADisabledPartNeedsNoDescriptors) {
    const descriptor_shares off{256, 256, 0};
    EXPECT_EQ(min_descriptors(off), reserved_descriptors + 12);
    EXPECT_EQ(share_descriptors(off, reserved_descriptors + 12), (descriptor_shares{4, 8, 0}));
    // A request below the minimum is granted, not raised.
    EXPECT_EQ(share_descriptors({2, 256, 0}, reserved_descriptors + 10),
              (descriptor_shares{2, 8, 0}));
}

} // namespace kallglot::test
