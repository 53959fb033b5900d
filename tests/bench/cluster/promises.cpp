// What must hold at every moment, by the time of the world.

#include "bench/cluster/simulated_cluster.hpp"

#include <algorithm>
#include <numeric>

namespace kallglot::cluster_simulation {
namespace {

// A process that has just started reads the sessions of its shards before it polls them.
constexpr steady_duration time_to_read = seconds(1);

std::string shard_text(const shard_set& shards) {
    std::string text;
    for (std::size_t shard = 0; shard < shards.size(); ++shard) {
        if (shards[shard]) {
            text += ' ' + std::to_string(shard);
        }
    }
    return text;
}

} // namespace

void simulated_cluster::break_promise(const char* promise, std::string detail) {
    if (!violation_) {
        violation_ = violation{promise, now_, std::move(detail)};
    }
}

cluster_member::lease_state simulated_cluster::lease_of(const simulated_replica& replica) const {
    if (!replica.member || now_ < replica.halted_until) {
        return cluster_member::lease_state::lapsed;
    }
    const steady_time local = replica.clock.at(now_);
    const cluster_member::lease_state lease = replica.member->lease(local);
    const bool is_mutant =
        mutant_ == protocol_mutant::trust_from_answer && replica.raised_at != no_time;
    return is_mutant && local < replica.raised_at + replica.settings.trust()
               ? cluster_member::lease_state::held
               : lease;
}

bool simulated_cluster::holds_lease(const simulated_replica& replica) const {
    return lease_of(replica) == cluster_member::lease_state::held;
}

// A lease begins only with an answer, so this is checked after each, and when a process goes on.
void simulated_cluster::check_leases(std::uint8_t r) {
    const simulated_replica& replica = replicas_[r];
    if (!holds_lease(replica)) {
        return;
    }
    const shard_set& held = replica.member->shards().held();
    const bool has_read = now_ >= replica.started_at + time_to_read;
    for (std::size_t shard = 0; has_read && shard < uncovered_since_.size(); ++shard) {
        if (held[shard]) {
            uncovered_since_[shard] = never;
        }
    }
    for (std::uint8_t other = 0; other < plan_.replica_count; ++other) {
        const simulated_replica& second = replicas_[other];
        // Nearly always none, and quicker to find than whether its lease is held.
        if (other == r || !second.member || (held & second.member->shards().held()).none()) {
            continue;
        }
        // The clock of a paused machine stands still: its replica notices with its next beat. A failover that lost a change
        // of owners makes two leases, until the older one ends.
        const bool is_excused =
            replica.is_frozen || second.is_frozen || replica.lossy_seen != second.lossy_seen;
        if (!is_excused && holds_lease(second)) {
            const shard_set both = held & second.member->shards().held();
            break_promise("no two replicas hold the lease of one shard",
                          replica.node + " and " + second.node + ":" + shard_text(both));
        }
    }
}

void simulated_cluster::check_shares() {
    std::int64_t total = 0;
    for (const simulated_replica& replica : replicas_) {
        if (holds_lease(replica) && !replica.is_frozen
            && replica.lossy_seen == database_.lossy_count()) {
            total += replica.member->share_ppm(replica.clock.at(now_));
        }
    }
    if (total > 1'000'000) {
        std::string detail;
        for (const simulated_replica& replica : replicas_) {
            if (holds_lease(replica)) {
                detail += ' ' + replica.node + ' '
                          + std::to_string(replica.member->share_ppm(replica.clock.at(now_)));
            }
        }
        for (const replica_row& row : database_.now().replicas) {
            detail += ", row of " + row.node + ' ' + std::to_string(row.share_ppm);
        }
        break_promise("shares never add up to more than 1", detail);
    }
}

void simulated_cluster::check_all() {
    for (std::uint8_t r = 0; r < plan_.replica_count; ++r) {
        check_replica(r);
    }
    check_coverage();
}

void simulated_cluster::check_replica(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    if (!is_clear(replica)) {
        replica.clear_since = never;
        replica.healthy_since = never;
        return;
    }
    if (replica.clear_since == never) {
        replica.clear_since = now_;
    }
    check_leases(r);
    note_sessions(replica);
    const cluster_settings& settings = plan_.settings;
    const steady_duration clear = now_ - replica.clear_since;
    const steady_duration to_connect =
        settings.statement_deadline() + settings.max_reconnect_pause();
    // Its own old row may have to expire first, if it does not know that it is its own.
    const steady_duration to_expire = settings.lease + settings.lease / 50 + seconds(1);
    const steady_duration to_enter = replica.has_lost_state ? to_expire : steady_duration::zero();
    if (clear > to_connect + to_enter + seconds(2) && !holds_lease(replica)) {
        break_promise("a replica that reaches the database holds a lease", replica.node);
    }
    // The statement that the pause interrupted, another connection, and the next beat.
    if (replica.is_frozen && clear > to_connect + milliseconds(1500) && holds_lease(replica)) {
        break_promise("a machine that was paused notices", replica.node);
    }
    const bool should_know = std::min(clear, now_ - paused_since_) > to_connect + seconds(2);
    if (should_know && replica.member->state() == cluster_member::phase::member
        && replica.member->account().paused_until() < database_.now().account.paused_until) {
        break_promise("a pause of one replica is that of all", replica.node);
    }
    // Writes at any time, also by a replica that does not yet know that it lost the shard.
    const shard_set& held = replica.member->shards().held();
    if (held.any() && random_.chance(0.1)) {
        const std::vector<released_shard> tokens = tokens_of(replica, held);
        send_write(r, tokens[random_.bits() % tokens.size()], {});
    }
}

void simulated_cluster::note_sessions(const simulated_replica& replica) {
    if (now_ >= plan_.settled && holds_lease(replica)) {
        seen_at_owner_ |= replica.known & sessions_of(replica.member->shards().held());
    }
}

void simulated_cluster::check_coverage() {
    shard_set covered;
    world_time healthy_since = never;
    for (const simulated_replica& replica : replicas_) {
        // One whose answers take too long beats all the same, and polls without a lease.
        const bool polls =
            lease_of(replica) == cluster_member::lease_state::cut_off && now_ < replica.slow_until;
        const bool has_read = now_ >= replica.started_at + time_to_read;
        if (has_read && (holds_lease(replica) || polls)) {
            covered |= replica.member->shards().held();
        }
        healthy_since = std::min(healthy_since, replica.healthy_since);
    }
    // Clocks may run 1 % slow.
    const steady_duration lease = plan_.settings.lease;
    const steady_duration bound = lease + lease / 99 + seconds(3);
    const world_time since = std::max(healthy_since, database_up_since_);
    for (std::size_t shard = 0; shard < uncovered_since_.size(); ++shard) {
        if (covered[shard]) {
            uncovered_since_[shard] = never;
        } else if (uncovered_since_[shard] == never) {
            uncovered_since_[shard] = now_;
        } else if (now_ - std::max(uncovered_since_[shard], std::min(since, now_)) > bound) {
            break_promise("a shard is without owner for at most a lease and 3 s",
                          "shard " + std::to_string(shard));
        }
    }
}

void simulated_cluster::check_end() {
    const session_set lost = acknowledged_ & ~forgiven_ & ~seen_at_owner_;
    if (lost.any()) {
        break_promise("an acknowledged session is known to the owner of its shard",
                      lost.to_string());
    }
    if (plan_.ends_balanced) {
        check_balance();
    }
}

void simulated_cluster::check_balance() {
    std::int64_t total_share = 0;
    const auto count = static_cast<std::size_t>(plan_.replica_count);
    for (std::uint8_t r = 0; r < plan_.replica_count; ++r) {
        const simulated_replica& replica = replicas_[r];
        if (!holds_lease(replica)) {
            break_promise("all replicas are back at the end", replica.node);
            return;
        }
        const std::size_t quota =
            plan_.settings.shards / count + (r < plan_.settings.shards % count ? 1 : 0);
        const std::size_t held = replica.member->shards().held().count();
        if (held != quota) {
            break_promise("each replica has its quota at the end",
                          replica.node + " has " + std::to_string(held));
        }
        total_share += replica.member->share_ppm(replica.clock.at(now_));
    }
    // Changes below a twentieth are not made.
    if (total_share < 940'000) {
        break_promise("the whole budget is given out at the end", std::to_string(total_share));
    }
}

} // namespace kallglot::cluster_simulation
