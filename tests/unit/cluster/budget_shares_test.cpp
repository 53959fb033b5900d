// The account's budget goes to urgent demand first, then to routine demand, and a little to everyone.

#include "cluster/budget_shares.hpp"

#include "unit/cluster/cluster_views.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kallglot {
namespace {

struct BudgetShares : testing::Test {
    std::vector<replica_row> rows = make_view(2).replicas;

    std::int32_t ask(std::size_t replica, std::int64_t budget = 10'000) {
        return share_to_ask_for(rows, rows[replica], rows[replica].demand, budget);
    }
};

TEST_F(BudgetShares, EqualWithoutDemand) {
    EXPECT_EQ(ask(0), 500'000);
    EXPECT_EQ(share_to_ask_for({&rows[0], 1}, rows[0], {}, 0), 1'000'000);
}

TEST_F(BudgetShares, FollowDemandAboveAQuarterOfAnEqualPart) {
    rows[0].demand = {0, 3000};
    rows[1].demand = {0, 1000};
    EXPECT_EQ(ask(0), 125'000 + 562'500);
    EXPECT_EQ(ask(1), 125'000 + 187'500);
    rows[1].demand = {};
    EXPECT_EQ(ask(0), 875'000);
    EXPECT_EQ(ask(1), 125'000);
}

TEST_F(BudgetShares, UrgentDemandGoesFirst) {
    rows[0].demand = {4000, 0};
    rows[1].demand = {0, 100'000};
    // Of 5,000, urgent polls take 4,000 and routine polls what is left.
    EXPECT_EQ(ask(0, 5000), 125'000 + 600'000);
    EXPECT_EQ(ask(0, 4000), 875'000);
    EXPECT_EQ(ask(0, 3000), 875'000);
}

TEST_F(BudgetShares, SmallChangesAreNotMade) {
    rows[0].share_ppm = 490'000;
    EXPECT_EQ(ask(0), 490'000);
    rows[0].share_ppm = 470'000;
    EXPECT_EQ(ask(0), 500'000);
}

TEST_F(BudgetShares, WhatAllAskForIsTheWhole) {
    for (int replicas = 1; replicas <= 16; ++replicas) {
        rows = make_view(replicas).replicas;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows[i].demand = {static_cast<std::int32_t>(i * i * 100),
                              static_cast<std::int32_t>(i * 700)};
        }
        std::int64_t total = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            total += ask(i);
        }
        EXPECT_LE(total, 1'000'000);
        EXPECT_GE(total, 1'000'000 - replicas) << "rounded down";
    }
}

} // namespace
} // namespace kallglot
