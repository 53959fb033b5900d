// The life of one replica: which statement it sends, what an answer means, and what it may do until when.

#include "cluster/cluster_member.hpp"

#include "unit/cluster/cluster_views.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace kallglot {
namespace {

using phase = cluster_member::phase;
using lease_state = cluster_member::lease_state;

constexpr incarnation self{1};
constexpr incarnation other{2};

struct ClusterMember : testing::Test {
    cluster_settings settings;
    cluster_member member{settings, {self, "a", {incarnation(76), incarnation(77)}}};
    cluster_view view = make_view(2, 4);
    steady_time now{std::chrono::hours(1)};

    template <class Statement>
    Statement next() {
        const std::optional<cluster_statement> statement = member.next_statement(now);
        if (!statement || !std::holds_alternative<Statement>(*statement)) {
            ADD_FAILURE() << "another statement: " << (statement ? statement->index() : 99);
            return {};
        }
        return std::get<Statement>(*statement);
    }

    shard_changes answer() { return member.take_view(view, now); }

    /// Joined, with an answered beat that was sent now.
    shard_changes join() {
        member.connected();
        static_cast<void>(next<join_statement>());
        static_cast<void>(answer());
        return beat_once();
    }

    shard_changes beat_once() {
        const beat_statement beat = next<beat_statement>();
        view.replicas[0].beat = beat.next_beat;
        view.replicas[0].share_ppm = beat.share_ppm;
        view.replicas[0].draining = beat.draining;
        ++view.replicas[1].beat;
        return answer();
    }
};

TEST_F(ClusterMember, JoinsThenBeatsAndHoldsWhatItOwns) {
    view.shards[1] = {self, 5};
    member.connected();
    const join_statement join = next<join_statement>();
    EXPECT_EQ(join.node, "a");
    EXPECT_EQ(join.predecessors, (std::vector<incarnation>{incarnation(76), incarnation(77)}));
    EXPECT_EQ(join.lease, settings.lease);
    EXPECT_TRUE(answer().gained[1]);
    EXPECT_EQ(member.lease(now), lease_state::lapsed) << "no beat is answered";
    static_cast<void>(beat_once());
    EXPECT_EQ(member.state(), phase::member);
    EXPECT_EQ(member.lease(now), lease_state::held);
    EXPECT_TRUE(member.shards().held()[1]);
}

TEST_F(ClusterMember, LeaseCountsFromTheSending) {
    const steady_time sent = now;
    member.connected();
    static_cast<void>(next<join_statement>());
    static_cast<void>(answer());
    const beat_statement beat = next<beat_statement>();
    view.replicas[0].beat = beat.next_beat;
    now += seconds(1);
    static_cast<void>(answer());
    EXPECT_EQ(member.trusted_until(), sent + settings.trust());
    EXPECT_EQ(member.lease(sent + settings.trust() - milliseconds(1)), lease_state::held);
    EXPECT_EQ(member.lease(sent + settings.trust()), lease_state::lapsed);
}

TEST_F(ClusterMember, BeatThatWasNotExecutedRenewsNothing) {
    static_cast<void>(join());
    const steady_time until = member.trusted_until();
    now += seconds(2);
    const beat_statement beat = next<beat_statement>();
    view.replicas[0].beat = beat.expected_beat + 100;
    static_cast<void>(answer());
    EXPECT_EQ(member.trusted_until(), until);
    const beat_statement again = next<beat_statement>();
    EXPECT_EQ(again.expected_beat, beat.expected_beat + 100);
    EXPECT_GT(again.next_beat, again.expected_beat);
}

TEST_F(ClusterMember, NumbersOfBeatsAreNeverUsedTwice) {
    static_cast<void>(join());
    now += seconds(2);
    const beat_statement beat = next<beat_statement>();
    member.take_failure(now);
    view.replicas[0].beat = 0;
    ++view.generation.timeline;
    member.connected();
    static_cast<void>(next<beat_statement>());
    static_cast<void>(answer());
    const beat_statement after = next<beat_statement>();
    EXPECT_EQ(after.expected_beat, 0);
    EXPECT_GT(after.next_beat, beat.next_beat);
}

TEST_F(ClusterMember, PollsAtHalfItsShareWithoutDatabase) {
    static_cast<void>(join());
    const std::int32_t share = member.share_ppm(now);
    ASSERT_GT(share, 0);
    now = member.trusted_until();
    EXPECT_EQ(member.share_ppm(now), 0) << "it may have been stopped";
    member.take_failure(now);
    EXPECT_EQ(member.lease(now), lease_state::cut_off);
    EXPECT_EQ(member.share_ppm(now), share / 2);
    EXPECT_EQ(member.lease(now + settings.trust()), lease_state::lapsed)
        << "the failure is too old";
}

TEST_F(ClusterMember, OutageLeavesNoMomentWithoutPolls) {
    for (int lease = 3; lease <= 17; ++lease) {
        settings.lease = seconds(lease);
        EXPECT_LT(2 * settings.statement_deadline() + settings.max_reconnect_pause(),
                  settings.trust());
    }
}

TEST_F(ClusterMember, LosesAllWhenItsRowIsGone) {
    view.shards[1] = {self, 5};
    static_cast<void>(join());
    now += seconds(2);
    static_cast<void>(next<beat_statement>());
    view.replicas.erase(view.replicas.begin());
    EXPECT_TRUE(answer().lost[1]);
    EXPECT_EQ(member.state(), phase::fenced);
    EXPECT_EQ(member.lease(now), lease_state::lapsed);
    EXPECT_FALSE(member.next_statement(now));
}

TEST_F(ClusterMember, ClaimsItsPartOfTheOrphans) {
    static_cast<void>(join());
    const takeover_statement takeover = next<takeover_statement>();
    EXPECT_EQ(takeover.claims.count(), 2U);
    EXPECT_TRUE(takeover.dead.empty());
    member.take_done(now);
    static_cast<void>(next<beat_statement>());
}

TEST_F(ClusterMember, TakesOverADeadReplicaAtTheMoment) {
    for (shard_row& row : view.shards) {
        row.owner = other;
    }
    static_cast<void>(join());
    const steady_time seen = now;
    const std::int64_t last = view.replicas[1].beat;
    for (int i = 0; i < 5; ++i) {
        now = std::max(now, member.next_at());
        static_cast<void>(beat_once());
        view.replicas[1].beat = last;
        static_cast<void>(answer());
    }
    // Answers of the loop moved the beat once: from here on it stands still.
    const steady_time stands = now;
    while (member.next_at() < stands + settings.lease) {
        now = member.next_at();
        view.replicas[0].beat = next<beat_statement>().next_beat;
        static_cast<void>(answer());
    }
    now = member.next_at();
    const takeover_statement takeover = next<takeover_statement>();
    EXPECT_EQ(takeover.dead, (std::vector<dead_replica>{{other, last}}));
    EXPECT_TRUE(takeover.claims[3]);
    EXPECT_EQ(takeover.generation, view.generation) << "another server may have forgotten beats";
    EXPECT_GE(now, seen + settings.lease);
}

TEST_F(ClusterMember, GivesAllAwayBeforeItLeaves) {
    view.shards[1] = {self, 5};
    view.shards[0].owner = view.shards[2].owner = view.shards[3].owner = other;
    static_cast<void>(join());
    member.drain(now);
    const shard_changes changes = beat_once();
    EXPECT_TRUE(changes.leaving[1]);
    EXPECT_TRUE(member.shards().held().none());
    EXPECT_FALSE(member.next_statement(now)) << "requests are in flight";
    member.finish_leaving(changes.leaving);
    EXPECT_EQ(next<release_statement>().shards, (std::vector<released_shard>{{1, 5}}));
    member.take_done(now);
    view.shards[1].owner = incarnation::none;
    static_cast<void>(beat_once());
    static_cast<void>(next<leave_statement>());
    EXPECT_EQ(member.state(), phase::left);
    EXPECT_EQ(member.share_ppm(now), 0) << "its share is free for others";
}

TEST_F(ClusterMember, ShareShrinksWithTheRequestAndGrowsWithTheAnswer) {
    static_cast<void>(join());
    const std::int32_t half = member.share_ppm(now);
    view.replicas[1].demand = {0, 1000};
    now += seconds(2);
    static_cast<void>(beat_once());
    EXPECT_EQ(member.share_ppm(now), half) << "it has not yet asked for less";
    now += seconds(2);
    const beat_statement less = next<beat_statement>();
    EXPECT_LT(less.share_ppm, half);
    EXPECT_FALSE(less.durable);
    EXPECT_EQ(member.share_ppm(now), less.share_ppm);
    view.replicas[0].beat = less.next_beat;
    view.replicas[0].share_ppm = less.share_ppm;
    view.replicas[1].demand = {};
    static_cast<void>(answer());
    now += seconds(2);
    const beat_statement more = next<beat_statement>();
    EXPECT_GT(more.share_ppm, less.share_ppm);
    EXPECT_TRUE(more.durable);
    EXPECT_EQ(member.share_ppm(now), less.share_ppm);
}

TEST_F(ClusterMember, ReportsAPauseWithTheNextBeat) {
    static_cast<void>(join());
    const stored_moment until(seconds(1'700'000'030));
    member.account().set_key(key_mark(7));
    member.account().report_pause(until);
    member.beat_soon(now);
    const beat_statement beat = next<beat_statement>();
    ASSERT_TRUE(beat.report);
    EXPECT_EQ(beat.report->paused_until, until);
    EXPECT_EQ(beat.key, key_mark(7));
    EXPECT_TRUE(beat.durable);
    view.replicas[0].beat = beat.next_beat;
    view.account.paused_until = until;
    static_cast<void>(answer());
    EXPECT_EQ(member.account().paused_until(), until);
    now = member.next_at();
    EXPECT_FALSE(next<beat_statement>().report);
}

TEST_F(ClusterMember, ProbesARefusedKeyAloneOrCutOff) {
    view.replicas[0].node = "z";
    member = cluster_member(settings, {self, "z", {}});
    static_cast<void>(join());
    EXPECT_FALSE(member.is_prober(now)) << "b is the first";
    now = member.trusted_until();
    member.take_failure(now);
    EXPECT_TRUE(member.is_prober(now));
}

TEST_F(ClusterMember, LiveProcessOfItsNodeIsLeftAlone) {
    view.replicas[0].id = incarnation(55);
    member.connected();
    for (int i = 0; i < 2; ++i) {
        now = std::max(now, member.next_at());
        static_cast<void>(next<join_statement>());
        ++view.replicas[0].beat;
        static_cast<void>(answer());
    }
    EXPECT_EQ(member.state(), phase::node_taken);
    EXPECT_FALSE(member.next_statement(now));
}

TEST_F(ClusterMember, DeadProcessOfItsNodeIsReplacedAfterALease) {
    view.replicas[0].id = incarnation(55);
    member.connected();
    const steady_time begin = now;
    std::optional<cluster_statement> statement;
    while ((statement = member.next_statement(now))
           && std::holds_alternative<join_statement>(*statement)) {
        static_cast<void>(answer());
        now = member.next_at();
    }
    ASSERT_TRUE(statement && std::holds_alternative<takeover_statement>(*statement));
    const auto& takeover = std::get<takeover_statement>(*statement);
    EXPECT_EQ(takeover.dead.front().id, incarnation(55));
    EXPECT_EQ(takeover.generation, view.generation);
    EXPECT_GE(now, begin + settings.lease);
}

} // namespace
} // namespace kallglot
