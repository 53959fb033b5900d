// What one replica learns of the account's API, all know: the end of a pause, and whether a key is refused.

#include "cluster/account_watch.hpp"

#include "unit/cluster/cluster_views.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace kallglot {
namespace {

constexpr key_mark old_key{11};
constexpr key_mark new_key{22};

stored_moment at(int second) {
    return stored_moment(seconds(1'700'000'000 + second));
}

/// The row of the account, as the database keeps it.
struct AccountWatch : testing::Test {
    account_row row;
    account_watch one;
    account_watch two;

    AccountWatch() {
        one.set_key(old_key);
        two.set_key(old_key);
    }

    void write(const account_watch& by) {
        const std::optional<account_report> report = by.report();
        ASSERT_TRUE(report);
        row.paused_until = std::max(row.paused_until, report->paused_until);
        if (report->has_verdict && report->expected_number == row.number) {
            row.verdict = report->verdict;
            ++row.number;
        }
    }

    void read() {
        one.take(row);
        two.take(row);
    }
};

TEST_F(AccountWatch, NothingIsReportedWithoutCause) {
    EXPECT_FALSE(one.report());
    one.report_key(key_state::good, one.number());
    EXPECT_FALSE(one.report());
    EXPECT_EQ(one.state(), key_state::good);
    EXPECT_EQ(one.paused_until(), no_pause);
}

TEST_F(AccountWatch, PauseOfOneIsThatOfAll) {
    one.report_pause(at(30));
    write(one);
    read();
    EXPECT_EQ(two.paused_until(), at(30));
    EXPECT_FALSE(one.report()) << "it is in the row";
}

TEST_F(AccountWatch, PauseIsOnlyProlonged) {
    one.report_pause(at(30));
    two.report_pause(at(20));
    write(two);
    write(one);
    read();
    EXPECT_EQ(two.paused_until(), at(30));
    two.report_pause(at(25));
    EXPECT_FALSE(two.report());
}

TEST_F(AccountWatch, ReportIsRepeatedUntilItIsInTheRow) {
    one.report_pause(at(30));
    one.report_key(key_state::unauthorized, one.number());
    const std::optional<account_report> report = one.report();
    read();
    EXPECT_EQ(one.report(), report) << "the beat was lost";
    write(one);
    read();
    EXPECT_FALSE(one.report());
}

TEST_F(AccountWatch, RefusedKeyOfOneIsThatOfAll) {
    one.report_key(key_state::unauthorized, one.number());
    write(one);
    read();
    EXPECT_EQ(two.state(), key_state::unauthorized);
    two.report_key(key_state::good, two.number());
    write(two);
    read();
    EXPECT_EQ(one.state(), key_state::good);
}

TEST_F(AccountWatch, FirstOfSeveralReportsCounts) {
    one.report_key(key_state::unauthorized, one.number());
    two.report_key(key_state::unauthorized, two.number());
    write(one);
    write(two);
    read();
    EXPECT_EQ(row.number, 1);
    EXPECT_FALSE(two.report());
}

// A request that was sent before the key was good again is refused a little later.
TEST_F(AccountWatch, LateAnswerSaysNothingAgainstALaterVerdict) {
    const std::int64_t sent = two.number();
    one.report_key(key_state::unauthorized, one.number());
    write(one);
    read();
    one.report_key(key_state::good, one.number());
    write(one);
    read();
    two.report_key(key_state::unauthorized, sent);
    EXPECT_FALSE(two.report());
}

// While an operator replaces the key at one replica after the other.
TEST_F(AccountWatch, OtherKeysAreNotRefused) {
    one.set_key(new_key);
    two.report_key(key_state::unauthorized, two.number());
    write(two);
    read();
    EXPECT_EQ(one.state(), key_state::good);
    EXPECT_EQ(two.state(), key_state::unauthorized);
    one.report_key(key_state::good, one.number());
    EXPECT_FALSE(one.report()) << "it says nothing of the other key";
    two.set_key(new_key);
    EXPECT_EQ(two.state(), key_state::good);
}

TEST_F(AccountWatch, NewKeyForgetsAReportOnTheOldOne) {
    one.report_key(key_state::unauthorized, one.number());
    one.set_key(new_key);
    EXPECT_FALSE(one.report());
}

TEST_F(AccountWatch, FirstReplicaByNameWithThatKeyTriesIt) {
    cluster_view view = make_view(3);
    for (replica_row& each : view.replicas) {
        each.key = old_key;
    }
    EXPECT_TRUE(one.is_prober(view.replicas, "a"));
    EXPECT_FALSE(one.is_prober(view.replicas, "b"));
    view.replicas[0].draining = true;
    EXPECT_TRUE(one.is_prober(view.replicas, "b"));
    view.replicas[0].draining = false;
    view.replicas[0].key = new_key;
    EXPECT_TRUE(one.is_prober(view.replicas, "b"));
    EXPECT_FALSE(one.is_prober(view.replicas, "c"));
}

} // namespace
} // namespace kallglot
