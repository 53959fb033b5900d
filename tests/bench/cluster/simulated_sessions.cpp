// Sessions: registered at any replica, restored and read from the inbox by the owner of their shard, offered again after a
// failover. A model of the engine that is to come, as far as the protocol depends on it.

#include "bench/cluster/simulated_cluster.hpp"

#include <algorithm>
#include <utility>

namespace kallglot::cluster_simulation {

session_set simulated_cluster::sessions_of(const shard_set& shards) const {
    session_set sessions;
    for (std::size_t shard = 0; shards.any() && shard < sessions_of_.size(); ++shard) {
        if (shards[shard]) {
            sessions |= sessions_of_[shard];
        }
    }
    return sessions;
}

std::vector<released_shard> simulated_cluster::tokens_of(const simulated_replica& replica,
                                                         const shard_set& shards) const {
    std::vector<released_shard> tokens;
    for (std::size_t shard = 0; shard < plan_.settings.shards; ++shard) {
        if (shards[shard]) {
            const auto number = static_cast<shard_number>(shard);
            tokens.push_back({number, replica.member->shards().epoch(number)});
        }
    }
    return tokens;
}

// A caller repeats it until it is acknowledged, at any replica.
void simulated_cluster::register_session(std::size_t session) {
    const auto r = static_cast<std::uint8_t>(random_.bits() % plan_.replica_count);
    const simulated_replica& replica = replicas_[r];
    if (!replica.member || now_ < replica.halted_until) {
        return;
    }
    const std::uint32_t number = new_message(message_kind::registration, r);
    message& what = messages_[number];
    what.sessions.set(session);
    const bool is_own = replica.member->shards().held()[database_.shard_of(session)];
    what.with_inbox = mutant_ != protocol_mutant::own_ids_without_inbox || !is_own;
    send(number);
}

// The database is another one now. What it forgot is registered again: by the replicas that acknowledged it, and by those that
// have it in memory, also if they have just lost its shard.
void simulated_cluster::offer_again(std::uint8_t r) {
    replicas_[r].to_offer |= replicas_[r].acknowledged | replicas_[r].known;
}

void simulated_cluster::do_session_work(std::uint8_t r, const shard_changes& changes) {
    simulated_replica& replica = replicas_[r];
    const shard_map& shards = replica.member->shards();
    replica.known &= ~sessions_of(changes.lost);
    replica.restoring |= changes.gained;
    replica.restoring &= shards.held();
    if (replica.restoring.any()) {
        ask(message_kind::restore, r, replica.restoring);
    }
    if (replica.to_offer.any()) {
        const std::uint32_t number = new_message(message_kind::registration, r);
        messages_[number].sessions = replica.to_offer;
        send(number);
    }
    // Reading an empty inbox changes nothing.
    if (!database_.now().inbox.empty()) {
        ask(message_kind::read_inbox, r, shards.held());
    }
    if (changes.leaving.any()) {
        push(now_ + random_.between({}, milliseconds(300)), event_kind::quiet, r, 0);
    }
}

void simulated_cluster::ask(message_kind kind, std::uint8_t r, const shard_set& shards) {
    const std::uint32_t number = new_message(kind, r);
    messages_[number].tokens = tokens_of(replicas_[r], shards);
    send(number);
}

void simulated_cluster::send_write(std::uint8_t r,
                                   released_shard token,
                                   std::span<const inbox_row> applied) {
    const std::uint32_t number = new_message(message_kind::write, r);
    messages_[number].tokens.push_back(token);
    messages_[number].inbox.assign(applied.begin(), applied.end());
    send(number);
}

// At the database.
void simulated_cluster::run_session_message(message& what) {
    if (!database_is_up_ || what.server != database_.life()) {
        what.server = 0;
        return;
    }
    switch (what.kind) {
        case message_kind::registration:
            database_.register_sessions(what.sessions, what.with_inbox);
            break;
        case message_kind::restore:
            what.sessions = database_.now().sessions;
            break;
        case message_kind::read_inbox:
            what.inbox = database_.now().inbox;
            break;
        case message_kind::write: {
            const incarnation owner = database_.now().shards[what.tokens.front().shard].owner;
            if (!database_.write(what.self, what.tokens.front(), what.inbox)) {
                ++counts_.refused;
            } else if (owner != what.self) {
                break_promise("a write lands only in a shard of its replica",
                              "shard " + std::to_string(what.tokens.front().shard));
            }
            break;
        }
        case message_kind::statement:
            break;
    }
}

void simulated_cluster::take_session_answer(std::uint8_t r, message& what) {
    simulated_replica& replica = replicas_[r];
    if (what.server == 0) {
        return;
    }
    const shard_map& shards = replica.member->shards();
    const auto is_mine = [&](const released_shard& token) {
        return shards.held()[token.shard] && shards.epoch(token.shard) == token.epoch;
    };
    switch (what.kind) {
        case message_kind::registration:
            if (what.server == database_.life()) {
                replica.acknowledged |= what.sessions;
                replica.to_offer &= ~what.sessions;
                acknowledged_ |= what.sessions;
                counts_.sessions += what.sessions.count();
            }
            if (!what.with_inbox) {
                replica.known |= what.sessions & sessions_of(shards.held());
            }
            break;
        case message_kind::restore:
            for (const released_shard& token : what.tokens) {
                if (is_mine(token)) {
                    replica.restoring.reset(token.shard);
                    replica.known |= what.sessions & sessions_of(shard_set().set(token.shard));
                }
            }
            break;
        case message_kind::read_inbox:
            for (const released_shard& token : what.tokens) {
                std::vector<inbox_row> applied;
                for (const inbox_row& row : what.inbox) {
                    if (is_mine(token) && database_.shard_of(row.session) == token.shard) {
                        replica.known.set(row.session);
                        applied.push_back(row);
                    }
                }
                if (!applied.empty()) {
                    send_write(r, token, applied);
                }
            }
            break;
        case message_kind::write:
        case message_kind::statement:
            break;
    }
}

// What the database forgot and no process remembers is lost: a failover to an asynchronous standby, and the death of all that
// knew it.
void simulated_cluster::forgive_lost_sessions() {
    session_set remembered = database_.now().sessions;
    for (const simulated_replica& replica : replicas_) {
        if (replica.member) {
            remembered |= replica.known | replica.acknowledged | replica.to_offer;
        }
    }
    forgiven_ |= acknowledged_ & ~remembered;
}

} // namespace kallglot::cluster_simulation
