/// The life of one replica in a cluster, as decisions: which statement the database gets next, and what an answer means.
///
/// A state machine without I/O. Its caller runs one connection, and on it one statement at a time:
///
///     cluster_member member(settings, identity);
///     for each connection, once it works:
///         member.connected();
///         loop:
///             if (auto statement = member.next_statement(now))
///                 send it, wait for the answer at most statement_deadline();
///                 member.take_view(...) or member.take_done(...), or member.take_failure(...) and leave the loop;
///             else wait until member.next_at(), or until a notification calls member.beat_soon(now)
///
/// Between a check of the lease and the request there must be no wait: `lease(now)` is asked with a fresh reading of the
/// clock before each request, and again before its answer is applied.
///
/// A replica that lost its place (`phase::fenced`) ends this object and makes another, with another incarnation.

#ifndef KALLGLOT_CLUSTER_CLUSTER_MEMBER_HPP
#define KALLGLOT_CLUSTER_CLUSTER_MEMBER_HPP

#include "cluster/account_watch.hpp"
#include "cluster/lease_watch.hpp"
#include "cluster/shard_map.hpp"
#include "cluster/shard_plan.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

/// Enters the replica. If the node's row is that of one of `predecessors`, its row and its shards become those of `self`: the
/// process that had it is certainly dead, since `self` has its lock file. The shards of one that was not proven become orphans
/// instead. If it is another one's, nothing changes.
struct join_statement {
    incarnation self = incarnation::none;
    std::string node;
    std::vector<incarnation> predecessors;
    steady_duration lease{};
};

/// Sets the beat of `self` from `expected_beat` to `next_beat`, and reads the cluster. A beat that is executed late, after its
/// connection was given up, finds another number and changes nothing. No number is used twice, so a row that shows the number
/// of a statement shows that it was executed, also if the database forgot beats in between.
struct beat_statement {
    incarnation self = incarnation::none;
    std::int64_t expected_beat = 0;
    std::int64_t next_beat = 0;
    std::int32_t share_ppm = 0; ///< to be granted as far as the rows of the others leave it
    request_demand demand;
    key_mark key{};
    bool draining = false;
    std::optional<account_report> report;
    /// To be on the disk before it is answered: something is reported, or the share grows. That takes the beats to the disk by which others shrank, so a
    /// server that restarts cannot forget that they did. Other beats wait for no disk.
    bool durable = false;
};

/// Deletes the dead, each by compare-and-set, and then claims the shards of `claims` that have no owner or one without a row.
///
/// Only by the server of `generation`. Another one may have forgotten the last beat of a replica, and then the beat that stood
/// still is there again. A pooler sends a statement to the new server without a word.
struct takeover_statement {
    incarnation self = incarnation::none;
    std::vector<dead_replica> dead;
    shard_set claims;
    database_generation generation;
};

/// Takes the owner from these shards, each by its fencing token.
struct release_statement {
    incarnation self = incarnation::none;
    std::vector<released_shard> shards;
};

/// Deletes the row of a replica that owns nothing any more.
struct leave_statement {
    incarnation self = incarnation::none;
};

using cluster_statement = std::
    variant<join_statement, beat_statement, takeover_statement, release_statement, leave_statement>;

/// One class with many members, because one answer changes most of them. What can be decided alone has a class of its own.
///
/// Loop only.
class cluster_member {
public:
    static constexpr std::size_t max_predecessors = 8;

    struct identity {
        incarnation self = incarnation::none;
        std::string node;
        /// Those that the lock file of the state folder names. One is written there before its join is sent. It names several,
        /// because a process may end before it learns whether its join was executed, and a failover may bring an older row
        /// back: the last `max_predecessors`.
        std::vector<incarnation> predecessors;
    };

    enum class phase {
        joining,    ///< no row yet: it enters, or waits until a dead one of its node expires
        member,     ///< beats
        fenced,     ///< its row was deleted: the lease is lost, and everything with it
        node_taken, ///< another live process has this node's name: exit
        left,       ///< its row is deleted, as it asked
    };

    /// What it may do.
    enum class lease_state {
        held, ///< the last answered beat is young enough: no other replica polls these shards
        cut_off, ///< the database does not answer: polls go on at half the share, no write is attempted
        lapsed, ///< neither, as after a pause of the process: no polls until the next attempt shows which
    };

    cluster_member(const cluster_settings& settings, identity id);

    // What happens

    /// A new connection works. What was seen over an older one is no series with what comes.
    void connected() noexcept;

    /// The answer to a join or a beat.
    [[nodiscard]] shard_changes take_view(const cluster_view& view, steady_time received);

    /// Another statement is done. Its effect shows in the answer to the beat that follows at once.
    void take_done(steady_time received) noexcept;

    /// A statement or an attempt to connect that began at `began` failed. Its outcome is unknown.
    void take_failure(steady_time began) noexcept;

    /// Another replica says that something changed: the next beat is due.
    void beat_soon(steady_time now) noexcept;

    /// Requests and writes of these leaving shards are done: they can be released.
    void finish_leaving(const shard_set& shards) noexcept { map_.finish_leaving(shards); }

    /// Graceful stop: claims nothing more, gives everything away, and leaves.
    void drain(steady_time now) noexcept;

    /// What this replica knows of the account. After a report the next beat is due: call `beat_soon`.
    [[nodiscard]] account_watch& account() noexcept { return account_; }

    /// Units: see budget_shares.hpp.
    void set_demand(request_demand demand, std::int64_t account_budget) noexcept;

    // What to do

    /// The statement to send, if any. It is not sent before `now`: the lease counts from that moment.
    [[nodiscard]] std::optional<cluster_statement> next_statement(steady_time now);

    /// When to ask for a statement again, if no answer arrives before.
    [[nodiscard]] steady_time next_at() const noexcept;

    [[nodiscard]] phase state() const noexcept { return phase_; }

    // What it may

    [[nodiscard]] lease_state lease(steady_time now) const noexcept;

    /// When a lease that is held now ends, if no beat is answered before.
    [[nodiscard]] steady_time trusted_until() const noexcept;

    [[nodiscard]] const shard_map& shards() const noexcept { return map_; }

    /// Parts per million of the account's budget that may be spent now: half while cut off, nothing while lapsed.
    [[nodiscard]] std::int32_t share_ppm(steady_time now) const noexcept;

    /// Whether this replica may try a key that is refused: the only one of those that use it, or cut off from them.
    [[nodiscard]] bool is_prober(steady_time now) const noexcept;

    /// The last answer: replicas, shares and owners for people.
    [[nodiscard]] const cluster_view& view() const noexcept { return view_; }

private:
    [[nodiscard]] shard_changes take_member_view(steady_time received);
    void take_joining_view(steady_time received);
    [[nodiscard]] std::optional<cluster_statement> next_joining_statement(steady_time now);
    [[nodiscard]] cluster_statement make_beat(steady_time now);
    [[nodiscard]] bool owns_nothing() const noexcept;
    [[nodiscard]] steady_duration jittered_interval() const noexcept;

    cluster_settings settings_;
    identity id_;
    phase phase_ = phase::joining;
    shard_map map_;
    lease_watch watch_;
    cluster_view view_;
    shard_plan plan_; ///< of the view, until its time
    account_watch account_;
    request_demand demand_;
    std::int64_t account_budget_ = 0;
    bool draining_ = false;
    std::int32_t share_ppm_ = 0; ///< in use: what was granted, or less if less was asked for since
    std::int64_t sent_beat_ = 0; ///< the last number that was sent
    steady_time sent_beat_at_ = no_time;
    steady_time proven_at_ = no_time; ///< sending of the last beat that is known to be executed
    steady_time failed_attempt_ = no_time; ///< beginning of the last attempt, if it failed
    steady_time next_beat_at_ = no_time;
};

} // namespace kallglot

#endif
