// The membership connection of each replica, and the network.

#include "bench/cluster/simulated_cluster.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <variant>

namespace kallglot::cluster_simulation {
namespace {

/// A statement in a trace.
struct describer {
    std::string operator()(const join_statement&) const { return "joins"; }

    std::string operator()(const beat_statement& beat) const {
        return "beats " + std::to_string(beat.expected_beat) + " to "
               + std::to_string(beat.next_beat) + ", share " + std::to_string(beat.share_ppm)
               + (beat.durable ? ", durable" : "") + (beat.draining ? ", draining" : "");
    }

    std::string operator()(const takeover_statement& takeover) const {
        std::string text = "claims " + std::to_string(takeover.claims.count()) + " shards";
        for (const dead_replica& dead : takeover.dead) {
            text += ", deletes " + std::to_string(static_cast<std::int64_t>(dead.id)) + " at beat "
                    + std::to_string(dead.beat);
        }
        return text;
    }

    std::string operator()(const release_statement& release) const {
        return "releases " + std::to_string(release.shards.size()) + " shards";
    }

    std::string operator()(const leave_statement&) const { return "leaves"; }
};

} // namespace

void simulated_cluster::connect(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    replica.sent = replica.clock.at(now_);
    const bool is_cut = now_ < replica.requests_cut_until || now_ < replica.answers_cut_until;
    const steady_duration deadline = replica.settings.statement_deadline();
    // A server that is down refuses, a network that is cut swallows.
    const steady_duration length = is_cut ? deadline : delay(replica) + delay(replica);
    const bool works = database_is_up_ && length < deadline;
    push(now_ + std::min(length, deadline), event_kind::connect_done, r, works ? 1 : 0);
}

void simulated_cluster::finish_connect(std::uint8_t r, bool works) {
    simulated_replica& replica = replicas_[r];
    if (!works) {
        replica.member->take_failure(replica.sent);
        push(now_ + random_.between(milliseconds(10), replica.settings.max_reconnect_pause()),
             event_kind::connect,
             r,
             0);
        return;
    }
    ++replica.connection;
    replica.connected = true;
    replica.waiting = false;
    replica.server = database_.life();
    replica.member->connected();
}

void simulated_cluster::fail_connection(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    if (replica.waiting) {
        replica.member->take_failure(replica.sent);
    }
    replica.connected = false;
    replica.waiting = false;
    replica.healthy_since = never;
    push(now_ + random_.between(milliseconds(10), replica.settings.max_reconnect_pause()),
         event_kind::connect,
         r,
         0);
}

// Clocks run at other rates than the world's, and may have stood still: its own says when the deadline is over.
void simulated_cluster::end_late_statement(std::uint8_t r) {
    const simulated_replica& replica = replicas_[r];
    const steady_time due = replica.sent + replica.settings.statement_deadline();
    if (replica.clock.at(now_) < due) {
        push(replica.clock.when(due), event_kind::deadline, r, replica.statement);
    } else {
        fail_connection(r);
    }
}

void simulated_cluster::pump(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    if (!replica.member || now_ < replica.halted_until || !replica.connected || replica.waiting) {
        return;
    }
    const steady_time local = replica.clock.at(now_);
    std::optional<cluster_statement> statement = replica.member->next_statement(local);
    if (!statement && mutant_ == protocol_mutant::series_survives_reconnect) {
        statement = mutated_takeover(replica, local);
    }
    if (statement) {
        send_statement(r, std::move(*statement));
        return;
    }
    if (replica.member->state() == cluster_member::phase::left
        || replica.member->state() == cluster_member::phase::node_taken) {
        end_process(r, random_.between(milliseconds(100), seconds(1)));
        return;
    }
    const steady_time next = replica.member->next_at();
    if (next == lease_watch::never) {
        return;
    }
    const world_time at = std::max(now_, replica.clock.when(next));
    if (at < replica.wake_at) {
        replica.wake_at = at;
        push(at, event_kind::wake, r, 0);
    }
}

std::optional<cluster_statement> simulated_cluster::mutated_takeover(
    const simulated_replica& replica,
    steady_time local) const {
    if (replica.member->state() != cluster_member::phase::member) {
        return std::nullopt;
    }
    const cluster_view& view = replica.member->view();
    for (const replica_row& row : view.replicas) {
        if (row.id != replica.self && replica.endless_series->expires_at(row.id) <= local) {
            takeover_statement takeover{replica.self, {{row.id, row.beat}}, {}, view.generation};
            for (std::size_t shard = 0; shard < view.shards.size(); ++shard) {
                takeover.claims[shard] = view.shards[shard].owner == row.id;
            }
            return takeover;
        }
    }
    return std::nullopt;
}

void simulated_cluster::send_statement(std::uint8_t r, cluster_statement statement) {
    simulated_replica& replica = replicas_[r];
    if (traced_) {
        std::cerr << to_seconds(now_) << ' ' << replica.node << " ("
                  << static_cast<std::int64_t>(replica.self) << ") "
                  << std::visit(describer{}, statement) << '\n';
    }
    const std::uint32_t number = new_message(message_kind::statement, r);
    replica.waiting = true;
    replica.sent = replica.clock.at(now_);
    replica.sent_at = now_;
    message& what = messages_[number];
    what.statement = ++replica.statement;
    what.server = plan_.pooler ? database_.life() : replica.server;
    what.request = std::move(statement);
    push(replica.clock.when(replica.sent + replica.settings.statement_deadline()),
         event_kind::deadline,
         r,
         replica.statement);
    send(number);
}

// At the database.
void simulated_cluster::run_statement(message& what) {
    const bool reaches_it = database_is_up_ && what.server == database_.life();
    if (!reaches_it) {
        what.server = 0;
        return;
    }
    bool is_sign_of_life = false;
    if (const auto* join = std::get_if<join_statement>(&what.request)) {
        is_sign_of_life = database_.run(*join);
    } else if (const auto* beat = std::get_if<beat_statement>(&what.request)) {
        const account_row before = database_.now().account;
        what.raised = database_.run(*beat);
        is_sign_of_life = what.raised && database_.beat_of(what.self) > 1;
        if (before != database_.now().account) {
            paused_since_ = now_;
        }
    } else if (const auto* takeover = std::get_if<takeover_statement>(&what.request)) {
        const std::size_t before = database_.now().replicas.size();
        database_.run(*takeover);
        counts_.takeovers += before - database_.now().replicas.size();
        is_sign_of_life = database_.beat_of(what.self) > 1;
        notify_others(what.replica);
    } else if (const auto* release = std::get_if<release_statement>(&what.request)) {
        database_.run(*release);
        counts_.releases += release->shards.size();
        notify_others(what.replica);
    } else if (const auto* leave = std::get_if<leave_statement>(&what.request)) {
        database_.run(*leave);
        notify_others(what.replica);
    }
    // Of the owner, or of a new one: it has its own time to go on, or to be replaced. A beat may be executed after its replica
    // died. A process that has just started may be in a crash loop, which extends no time.
    if (is_sign_of_life) {
        for (std::size_t shard = 0; shard < uncovered_since_.size(); ++shard) {
            if (database_.now().shards[shard].owner == what.self) {
                uncovered_since_[shard] = never;
            }
        }
    }
    database_.look(what.view);
    what.lossy_seen = database_.lossy_count();
}

// Notifications are hints: some are lost.
void simulated_cluster::notify_others(std::uint8_t r) {
    for (std::uint8_t other = 0; other < plan_.replica_count; ++other) {
        simulated_replica& replica = replicas_[other];
        if (other != r && replica.member && is_clear(replica) && random_.chance(0.7)) {
            replica.member->beat_soon(replica.clock.at(now_));
            const world_time at = now_ + delay(replica);
            if (at < replica.wake_at) {
                replica.wake_at = at;
                push(at, event_kind::wake, other, 0);
            }
        }
    }
}

void simulated_cluster::take_answer(std::uint8_t r, message& what) {
    simulated_replica& replica = replicas_[r];
    if (what.kind != message_kind::statement) {
        take_session_answer(r, what);
        return;
    }
    if (!replica.connected || !replica.waiting || what.statement != replica.statement) {
        return;
    }
    if (what.server == 0) {
        fail_connection(r);
        return;
    }
    replica.waiting = false;
    if (std::holds_alternative<join_statement>(what.request)
        || std::holds_alternative<beat_statement>(what.request)) {
        take_view(r, what);
    } else {
        replica.member->take_done(replica.clock.at(now_));
    }
}

void simulated_cluster::trace_view(const simulated_replica& replica) const {
    std::cerr << to_seconds(now_) << ' ' << replica.node << " is answered:";
    for (const replica_row& row : replica.member->view().replicas) {
        std::cerr << ' ' << row.node << " (" << static_cast<std::int64_t>(row.id) << ") beat "
                  << row.beat << " share " << row.share_ppm << ',';
    }
    std::cerr << " uses " << replica.member->share_ppm(replica.clock.at(now_)) << '\n';
}

void simulated_cluster::take_view(std::uint8_t r, message& what) {
    simulated_replica& replica = replicas_[r];
    const steady_time received = replica.clock.at(now_);
    const database_generation generation = what.view.generation;
    const shard_changes changes = replica.member->take_view(what.view, received);
    if (traced_) {
        trace_view(replica);
    }
    if (mutant_ == protocol_mutant::series_survives_reconnect) {
        what.view.generation = {};
        replica.endless_series->take(what.view, received);
    }
    replica.lossy_seen = what.lossy_seen;
    // Before anything leaves its memory.
    if (replica.generation != generation) {
        replica.generation = generation;
        offer_again(r);
    }
    if (what.raised) {
        ++counts_.beats;
        replica.raised_at = received;
        replica.is_frozen = replica.is_frozen && replica.sent_at < replica.halted_until;
        if (replica.clear_since <= replica.sent_at && replica.healthy_since == never) {
            replica.healthy_since = now_;
        }
    }
    if (replica.member->state() == cluster_member::phase::fenced) {
        ++counts_.fenced;
        enter(r);
        replica.known.reset();
        replica.restoring.reset();
        replica.is_frozen = false;
        replica.healthy_since = never;
        return;
    }
    do_session_work(r, changes);
    check_leases(r);
    check_shares();
}

// Network

std::uint32_t simulated_cluster::new_message(message_kind kind, std::uint8_t r) {
    if (free_messages_.empty()) {
        free_messages_.push_back(static_cast<std::uint32_t>(messages_.size()));
        messages_.emplace_back();
    }
    const std::uint32_t number = free_messages_.back();
    free_messages_.pop_back();
    // Buffers are kept: most of the time goes into copying views.
    message& what = messages_[number];
    what.kind = kind;
    what.replica = r;
    what.process = replicas_[r].process;
    what.server = database_.life();
    what.self = replicas_[r].self;
    what.sessions.reset();
    what.with_inbox = true;
    what.tokens.clear();
    what.inbox.clear();
    what.raised = false;
    return number;
}

steady_duration simulated_cluster::delay(simulated_replica& replica) {
    const steady_duration most =
        now_ < replica.slow_until ? replica.settings.statement_deadline() : plan_.max_delay;
    return random_.between(std::chrono::microseconds(50), most);
}

// A connection that was cut sends again what was in flight, unless it was closed meanwhile: half of it arrives late.
void simulated_cluster::send(std::uint32_t number) {
    const std::uint8_t r = messages_[number].replica;
    simulated_replica& replica = replicas_[r];
    world_time at = std::max(now_, replica.requests_cut_until) + delay(replica);
    if (at > now_ + replica.settings.statement_deadline() && random_.chance(0.5)) {
        free_messages_.push_back(number);
        return;
    }
    // The server may execute it long after its connection was given up.
    const bool is_write = messages_[number].kind == message_kind::write;
    const bool may_be_late = plan_.late_statements && now_ < plan_.faults_end;
    if (random_.chance(is_write ? 0.1 : may_be_late ? 0.02 : 0)) {
        at += random_.between({}, plan_.settings.lease);
        if (!is_write) {
            replica.clear_since = never;
            replica.healthy_since = never;
        }
    }
    push(at, event_kind::arrival, r, number);
}

void simulated_cluster::answer(std::uint32_t number) {
    const std::uint8_t r = messages_[number].replica;
    simulated_replica& replica = replicas_[r];
    const world_time at = std::max(now_, replica.answers_cut_until) + delay(replica);
    const bool is_lost = at > now_ + replica.settings.statement_deadline() && random_.chance(0.5);
    if (is_lost || messages_[number].process != replica.process) {
        free_messages_.push_back(number);
        return;
    }
    push(at, event_kind::answer, r, number);
}

bool simulated_cluster::is_clear(const simulated_replica& replica) const {
    return database_is_up_ && replica.member && !replica.is_stopping && now_ >= replica.halted_until
           && now_ >= replica.requests_cut_until && now_ >= replica.answers_cut_until
           && now_ >= replica.slow_until;
}

} // namespace kallglot::cluster_simulation
