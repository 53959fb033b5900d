#include "cluster/shard_plan.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {
namespace {

/// A replica that may own shards.
struct place {
    const replica_row* row = nullptr;
    std::uint64_t node_hash = 0; ///< 0 until it is needed
    std::size_t owned = 0;
    std::size_t quota = 0;
};

/// How much a node suits a shard: splitmix64's finish over hashes of both, never 0. Replicas of different versions must compute
/// the same weights, so this must never change.
std::uint64_t weight(place& at, std::size_t shard) noexcept {
    if (at.node_hash == 0) {
        at.node_hash = hash_of_text({}, 0, at.row->node).low | 1;
    }
    std::uint64_t z = at.node_hash + (shard + 1) * 0x9E37'79B9'7F4A'7C15;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return (z ^ (z >> 31)) | 1;
}

class planner {
public:
    planner(const cluster_settings& settings,
            const cluster_view& view,
            incarnation self,
            const lease_watch& watch,
            steady_time now)
        : settings_(settings),
          view_(view),
          self_(self),
          watch_(watch),
          now_(now) {}

    shard_plan run() {
        find_dead();
        make_places();
        assign_orphans();
        choose_surplus();
        return std::move(plan_);
    }

private:
    void find_dead() {
        for (const replica_row& row : view_.replicas) {
            const steady_time at = row.id == self_ ? lease_watch::never : watch_.expires_at(row.id);
            if (at <= now_) {
                plan_.dead.push_back({row.id, row.beat});
            } else {
                plan_.next_at = std::min(plan_.next_at, at);
            }
        }
    }

    [[nodiscard]] bool is_dead(incarnation id) const noexcept {
        return std::ranges::find(plan_.dead, id, &dead_replica::id) != plan_.dead.end();
    }

    // By node name: the first get the remainder.
    void make_places() {
        for (const replica_row& row : view_.replicas) {
            if (!row.draining && !is_dead(row.id)) {
                places_.push_back({.row = &row});
            }
        }
        std::ranges::sort(places_, {}, [](const place& at) -> const std::string& {
            return at.row->node;
        });
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const bool takes_more = i < view_.shards.size() % places_.size();
            places_[i].quota = view_.shards.size() / places_.size() + (takes_more ? 1 : 0);
        }
        for (const place& at : places_) {
            most_beats_ = std::max(most_beats_, std::min(at.row->beat, proven_beat));
        }
        for (const shard_row& shard : view_.shards) {
            if (place* owner = place_of(shard.owner)) {
                ++owner->owned;
            }
        }
    }

    [[nodiscard]] place* place_of(incarnation id) noexcept {
        const auto at =
            std::ranges::find_if(places_, [id](const place& p) { return p.row->id == id; });
        return at == places_.end() ? nullptr : &*at;
    }

    // One that ends soon after each start would keep shards that it never polls. In a new cluster all have just started.
    [[nodiscard]] bool may_claim(const place& at) const noexcept {
        return 2 * at.row->beat >= most_beats_;
    }

    // Each orphan is for the replica with room that has the largest weight for it.
    void assign_orphans() {
        const place* self = place_of(self_);
        const bool claims = self && may_claim(*self);
        for (std::size_t shard = 0; claims && shard < view_.shards.size(); ++shard) {
            const steady_time since = orphan_since(shard);
            if (since == lease_watch::never) {
                continue;
            }
            const place* best = take_place_for(shard);
            // The replica that should claim it may be about to die, or be cut off: after a while any other does.
            const steady_time free_at = since + cluster_settings::orphan_grace;
            if (!best || best->row->id == self_ || free_at <= now_) {
                plan_.claims.set(shard);
            } else {
                plan_.next_at = std::min(plan_.next_at, free_at);
            }
        }
    }

    const place* take_place_for(std::size_t shard) {
        place* best = nullptr;
        std::uint64_t best_weight = 0;
        for (place& at : places_) {
            const bool has_room = at.owned < at.quota && may_claim(at);
            const std::uint64_t here = has_room ? weight(at, shard) : 0;
            if (here > best_weight) {
                best = &at;
                best_weight = here;
            }
        }
        if (best) {
            ++best->owned;
        }
        return best;
    }

    [[nodiscard]] steady_time orphan_since(std::size_t shard) const noexcept {
        const incarnation owner = view_.shards[shard].owner;
        return is_dead(owner) ? watch_.expires_at(owner)
                              : watch_.orphan_since(static_cast<shard_number>(shard));
    }

    [[nodiscard]] bool is_settled() const noexcept {
        const auto is_proven = [](const place& at) {
            return at.row->is_proven();
        };
        return watch_.is_settled(now_) && std::ranges::all_of(places_, is_proven);
    }

    // A replica that stops gives everything away. Balance waits until nothing else is going on, because it can.
    void choose_surplus() {
        place* self = place_of(self_);
        const bool is_above = self && self->owned > self->quota && is_settled();
        if (self && !is_above) {
            return;
        }
        std::vector<std::pair<std::uint64_t, std::size_t>> owned;
        for (std::size_t shard = 0; shard < view_.shards.size(); ++shard) {
            if (view_.shards[shard].owner == self_) {
                owned.emplace_back(self ? weight(*self, shard) : 0, shard);
            }
        }
        // Those that weigh least here go first.
        std::ranges::sort(owned);
        const std::size_t count =
            self ? std::min<std::size_t>(self->owned - self->quota, settings_.max_moves())
                 : owned.size();
        for (std::size_t i = 0; i < count; ++i) {
            plan_.surplus.set(owned[i].second);
        }
    }

    const cluster_settings& settings_;
    const cluster_view& view_;
    incarnation self_;
    const lease_watch& watch_;
    steady_time now_;
    std::vector<place> places_;
    std::int64_t most_beats_ = 0; ///< of one replica, up to `proven_beat`
    shard_plan plan_;
};

} // namespace

shard_plan plan_shards(const cluster_settings& settings,
                       const cluster_view& view,
                       incarnation self,
                       const lease_watch& watch,
                       steady_time now) {
    return planner(settings, view, self, watch, now).run();
}

} // namespace kallglot
