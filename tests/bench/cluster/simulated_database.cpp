#include "bench/cluster/simulated_database.hpp"

#include "cluster/budget_shares.hpp"

#include <algorithm>

namespace kallglot::cluster_simulation {

simulated_database::simulated_database(std::uint16_t shards,
                                       bool synchronous_standby,
                                       protocol_mutant mutant)
    : synchronous_standby_(synchronous_standby),
      mutant_(mutant) {
    now_.shards.resize(shards);
}

// Keeps the state before a commit, in case that it is lost.
void simulated_database::begin(durability level) {
    before_[commits_ % max_lost] = now_;
    ++commits_;
    losable_ = std::min(losable_ + 1, max_lost);
    // A commit that waits for the disk takes all earlier ones there; one that waits for a standby likewise.
    asynchronous_ = level == durability::asynchronous ? std::min(asynchronous_ + 1, max_lost) : 0;
    if (level == durability::synchronous && synchronous_standby_) {
        losable_ = 0;
    }
}

replica_row* simulated_database::find(incarnation id) noexcept {
    const auto at = std::ranges::find(now_.replicas, id, &replica_row::id);
    return at == now_.replicas.end() ? nullptr : &*at;
}

std::int64_t simulated_database::beat_of(incarnation id) noexcept {
    const replica_row* const row = find(id);
    return row ? row->beat : 0;
}

bool simulated_database::is_orphan(const shard_row& row) noexcept {
    return row.owner == incarnation::none || !find(row.owner);
}

bool simulated_database::run(const join_statement& statement) {
    begin(durability::local);
    const auto at = std::ranges::find(now_.replicas, statement.node, &replica_row::node);
    bool was_proven = false;
    if (at != now_.replicas.end()) {
        const incarnation predecessor = at->id;
        was_proven = at->is_proven();
        const bool is_inherited = was_proven || mutant_ == protocol_mutant::crash_loop_inherits;
        if (std::ranges::find(statement.predecessors, predecessor)
            == statement.predecessors.end()) {
            return false;
        }
        now_.replicas.erase(at);
        for (shard_row& shard : now_.shards) {
            if (shard.owner == predecessor && is_inherited) {
                shard = {statement.self, shard.epoch + 1};
            }
        }
    }
    replica_row row;
    row.id = statement.self;
    row.node = statement.node;
    row.lease = statement.lease;
    now_.replicas.push_back(std::move(row));
    return was_proven;
}

bool simulated_database::run(const beat_statement& statement) {
    const bool durable = statement.durable && mutant_ != protocol_mutant::growth_not_durable;
    begin(durable ? durability::local : durability::asynchronous);
    replica_row* row = find(statement.self);
    const bool compares = mutant_ != protocol_mutant::beat_without_compare;
    if (!row || (compares && row->beat != statement.expected_beat)) {
        return false;
    }
    std::int32_t left = whole_budget_ppm;
    for (const replica_row& other : now_.replicas) {
        left -= other.id == statement.self ? 0 : other.share_ppm;
    }
    row->beat = statement.next_beat;
    row->share_ppm = mutant_ == protocol_mutant::grow_before_shrink
                         ? statement.share_ppm
                         : std::max(0, std::min(statement.share_ppm, left));
    row->demand = statement.demand;
    row->draining = statement.draining;
    row->key = statement.key;
    if (statement.report) {
        take(*statement.report);
    }
    return true;
}

void simulated_database::take(const account_report& report) {
    account_row& account = now_.account;
    account.paused_until = std::max(account.paused_until, report.paused_until);
    if (report.has_verdict && report.expected_number == account.number) {
        account.verdict = report.verdict;
        ++account.number;
    }
}

void simulated_database::run(const takeover_statement& statement) {
    begin(durability::local);
    if (statement.generation != generation_ && mutant_ != protocol_mutant::takeover_at_any_server) {
        return;
    }
    for (const dead_replica& dead : statement.dead) {
        std::erase_if(now_.replicas, [&](const replica_row& row) {
            return row.id == dead.id
                   && (row.beat == dead.beat
                       || mutant_ == protocol_mutant::takeover_without_compare);
        });
    }
    for (std::size_t shard = 0; shard < now_.shards.size(); ++shard) {
        shard_row& row = now_.shards[shard];
        if (statement.claims[shard] && is_orphan(row)) {
            row = {statement.self, row.epoch + 1};
        }
    }
}

void simulated_database::run(const release_statement& statement) {
    begin(durability::local);
    for (const released_shard& released : statement.shards) {
        shard_row& row = now_.shards[released.shard];
        if (row.owner == statement.self && row.epoch == released.epoch) {
            row.owner = incarnation::none;
        }
    }
}

void simulated_database::run(const leave_statement& statement) {
    begin(durability::local);
    std::erase_if(now_.replicas, [&](const replica_row& row) { return row.id == statement.self; });
}

void simulated_database::look(cluster_view& view) const {
    view.replicas = now_.replicas;
    view.shards = now_.shards;
    view.generation = generation_;
    view.account = now_.account;
}

void simulated_database::register_sessions(const session_set& sessions, bool with_inbox) {
    begin(durability::synchronous);
    now_.sessions |= sessions;
    for (std::size_t i = 0; with_inbox && i < session_count; ++i) {
        if (sessions[i]) {
            now_.inbox.push_back({++inbox_number_, static_cast<std::uint8_t>(i)});
        }
    }
}

bool simulated_database::write(incarnation self,
                               released_shard token,
                               std::span<const inbox_row> applied) {
    begin(durability::local);
    const shard_row& row = now_.shards[token.shard];
    const bool is_owner =
        row.owner == self || mutant_ == protocol_mutant::epoch_without_incarnation;
    if (!is_owner || row.epoch != token.epoch) {
        return false;
    }
    std::erase_if(now_.inbox, [&](const inbox_row& one) {
        return shard_of(one.session) == token.shard
               && std::ranges::find(applied, one.number, &inbox_row::number) != applied.end();
    });
    return true;
}

// What the bounds of a lossy failover are for: a lease or a share that another has by now.
bool simulated_database::is_same(const tables& then, bool with_shares) const {
    const auto same_row = [with_shares](const replica_row& a, const replica_row& b) {
        return a.id == b.id && (!with_shares || a.share_ppm == b.share_ppm);
    };
    return then.shards == now_.shards && std::ranges::equal(then.replicas, now_.replicas, same_row);
}

void simulated_database::lose(std::size_t count, bool with_shares) {
    if (count > 0) {
        const tables& then = before_[(commits_ - count) % max_lost];
        lossy_count_ += is_same(then, with_shares) ? 0 : 1;
        now_ = then;
    }
    commits_ -= count;
    // All that is left has reached the new server.
    losable_ = 0;
    asynchronous_ = 0;
    ++life_;
}

void simulated_database::restart(policy::random_source& random) {
    ++generation_.started_at;
    lose(random.bits() % (asynchronous_ + 1), false);
}

void simulated_database::fail_over(policy::random_source& random) {
    ++generation_.started_at;
    ++generation_.timeline;
    lose(random.bits() % (losable_ + 1), true);
}

} // namespace kallglot::cluster_simulation
