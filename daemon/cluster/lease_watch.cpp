#include "cluster/lease_watch.hpp"

#include <algorithm>

namespace kallglot {
namespace {

constexpr int min_answer_count = 3;

} // namespace

void lease_watch::restart() noexcept {
    sightings_.clear();
    orphan_since_.clear();
}

void lease_watch::take(const cluster_view& view, steady_time received) {
    if (view.generation != generation_) {
        restart();
        generation_ = view.generation;
    }
    std::erase_if(sightings_, [&](const sighting& seen) { return !view.find(seen.replica); });
    for (const replica_row& row : view.replicas) {
        const auto at = std::ranges::find(sightings_, row.id, &sighting::replica);
        if (at == sightings_.end()) {
            sightings_.push_back({row.id, row.beat, row.lease, 1, received, received});
        } else if (at->beat != row.beat) {
            // Any change is a sign of life, also a change backwards.
            at->beat = row.beat;
            at->answer_count = 1;
            at->beat_at = received;
        } else {
            ++at->answer_count;
        }
    }
    orphan_since_.resize(view.shards.size(), never);
    for (std::size_t shard = 0; shard < view.shards.size(); ++shard) {
        const incarnation owner = view.shards[shard].owner;
        if (owner != incarnation::none && view.find(owner)) {
            orphan_since_[shard] = never;
        } else if (orphan_since_[shard] == never) {
            orphan_since_[shard] = received;
        }
    }
}

const lease_watch::sighting* lease_watch::find(incarnation replica) const noexcept {
    const auto at = std::ranges::find(sightings_, replica, &sighting::replica);
    return at == sightings_.end() ? nullptr : &*at;
}

steady_time lease_watch::expires_at(incarnation replica) const noexcept {
    const sighting* seen = find(replica);
    return seen && seen->answer_count >= min_answer_count ? seen->beat_at + seen->lease : never;
}

bool lease_watch::has_moved(incarnation replica) const noexcept {
    const sighting* seen = find(replica);
    return seen && seen->beat_at != seen->first_seen;
}

steady_time lease_watch::orphan_since(shard_number shard) const noexcept {
    return shard < orphan_since_.size() ? orphan_since_[shard] : never;
}

bool lease_watch::is_settled(steady_time now) const noexcept {
    return std::ranges::all_of(sightings_, [&](const sighting& seen) {
        return now - seen.beat_at <= 5 * cluster_settings::beat_interval / 2
               && now - seen.first_seen >= cluster_settings::settle_time;
    });
}

} // namespace kallglot
