/// Whose shards are this replica's, by which fencing token, and until when: what the gate in front of every request asks.
///
/// What a replica owns is what the last answer says, and nothing else: the outcome of a claim is read, not remembered. What
/// it gives away it never uses again under the same epoch, so a statement that was given up and is executed late does no
/// harm. Times are passed in.

#ifndef KALLGLOT_CLUSTER_SHARD_MAP_HPP
#define KALLGLOT_CLUSTER_SHARD_MAP_HPP

#include "kallglot/cluster/cluster_view.hpp"

#include <span>
#include <vector>

namespace kallglot {

/// A shard that this replica gives away, if it still has it by this epoch.
struct released_shard {
    shard_number shard = 0;
    std::int64_t epoch = 0;

    [[nodiscard]] bool operator==(const released_shard&) const = default;
};

/// What changed with an answer. A shard in both was another replica's in between: drop it, then restore it.
struct shard_changes {
    shard_set lost;   ///< drop their sessions from memory; drop their writes
    shard_set gained; ///< restore their sessions, then poll them
    shard_set
        leaving; ///< poll them no more, finish requests, write all notes; then `finish_leaving`
};

/// Loop only.
class shard_map {
public:
    /// Follows the rows of an answer. Reports what was lost and gained.
    [[nodiscard]] shard_changes update(std::span<const shard_row> rows, incarnation self);

    /// Gives up all.
    [[nodiscard]] shard_set clear() noexcept;

    /// To be given away: not polled any more. Shards that are not owned are left out.
    void begin_leaving(const shard_set& shards) noexcept;

    /// All writes of these are answered: they can be released.
    void finish_leaving(const shard_set& shards) noexcept;

    /// Owned, and not about to be given away.
    [[nodiscard]] const shard_set& held() const noexcept { return held_; }

    /// Begun to leave, or to be released.
    [[nodiscard]] shard_set leaving() const noexcept { return leaving_ | finished_; }

    /// To be released: also those whose release was sent, until an answer shows that they are gone.
    [[nodiscard]] std::vector<released_shard> to_release() const;

    /// The token of a shard that is held or leaving: writes carry it.
    [[nodiscard]] std::int64_t epoch(shard_number shard) const noexcept { return epochs_[shard]; }

private:
    // A shard is in one of these at most.
    shard_set held_;
    shard_set leaving_;  ///< requests or writes are in flight
    shard_set finished_; ///< nothing is in flight
    std::vector<std::int64_t> epochs_;
};

} // namespace kallglot

#endif
