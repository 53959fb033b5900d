/// Decides when another replica is dead: its beat stands still for its whole lease, by this replica's own steady clock.
///
/// A failure detector without clocks of others: no time of the database and no wall clock enters, so no step of a clock
/// ends a lease. What was seen counts only within an unbroken series of answers of one server: a server that restarts may
/// forget the last beats, and then an old beat looks as if it stood still. Times are passed in.

#ifndef KALLGLOT_CLUSTER_LEASE_WATCH_HPP
#define KALLGLOT_CLUSTER_LEASE_WATCH_HPP

#include "cluster/cluster_settings.hpp"
#include "kallglot/cluster/cluster_view.hpp"

#include <vector>

namespace kallglot {

/// Loop only.
class lease_watch {
public:
    /// "Never", of moments to come.
    static constexpr steady_time never = steady_time::max();

    /// The series ends: the connection is a new one.
    void restart() noexcept;

    /// Notes one answer. A new generation of the database begins a new series.
    void take(const cluster_view& view, steady_time received);

    /// From when on this replica may be deleted, if its beat is still the same. A lease after the beat was first received,
    /// and never before three answers in a row have shown it.
    [[nodiscard]] steady_time expires_at(incarnation replica) const noexcept;

    /// Whether its beat moved within this series.
    [[nodiscard]] bool has_moved(incarnation replica) const noexcept;

    /// Since when this shard is seen without owner. `never`: it has one.
    [[nodiscard]] steady_time orphan_since(shard_number shard) const noexcept;

    /// Every replica beats, and has been seen for `settle_time`: shards may be moved for balance.
    [[nodiscard]] bool is_settled(steady_time now) const noexcept;

private:
    struct sighting {
        incarnation replica = incarnation::none;
        std::int64_t beat = 0;
        steady_duration lease{};
        int answer_count = 0;     ///< in a row with this beat
        steady_time beat_at{};    ///< the first of these
        steady_time first_seen{}; ///< of the replica, in this series
    };

    [[nodiscard]] const sighting* find(incarnation replica) const noexcept;

    std::vector<sighting> sightings_;
    std::vector<steady_time> orphan_since_; ///< by shard
    database_generation generation_;
};

} // namespace kallglot

#endif
