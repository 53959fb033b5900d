/// Decides which replica should own which shard. Every replica computes the same plan from the same answer, so there is no
/// leader.
///
/// Each replica has a quota: the shards divided by the replicas that are not about to stop. Only orphans and the surplus
/// above a quota move, so a fourth replica that joins three moves 64 of 256 shards, and a death moves those of the dead.
/// Which replica with a free place gets which orphan: rendezvous hashing (highest random weight) of node and shard. A replica that
/// has just started gets none while there are others, because it may end again at once.

#ifndef KALLGLOT_CLUSTER_SHARD_PLAN_HPP
#define KALLGLOT_CLUSTER_SHARD_PLAN_HPP

#include "cluster/lease_watch.hpp"

#include <vector>

namespace kallglot {

/// A replica to be deleted by compare-and-set: only if its beat is still this one.
struct dead_replica {
    incarnation id = incarnation::none;
    std::int64_t beat = 0;

    [[nodiscard]] bool operator==(const dead_replica&) const = default;
};

struct shard_plan {
    std::vector<dead_replica> dead;
    shard_set claims;  ///< orphans for this replica: without owner, or of the dead
    shard_set surplus; ///< to be given away now
    steady_time next_at = lease_watch::never; ///< when the plan changes without another answer
};

/// The plan of `self`, whose row is in `view`. `watch` has taken `view`.
///
/// Cost: O(orphans x replicas).
[[nodiscard]] shard_plan plan_shards(const cluster_settings& settings,
                                     const cluster_view& view,
                                     incarnation self,
                                     const lease_watch& watch,
                                     steady_time now);

} // namespace kallglot

#endif
