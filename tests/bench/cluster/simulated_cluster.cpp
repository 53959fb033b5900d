// Events and faults. The membership connection is in simulated_membership.cpp, sessions in simulated_sessions.cpp, what must
// hold in promises.cpp.

#include "bench/cluster/simulated_cluster.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

namespace kallglot::cluster_simulation {
namespace {

constexpr world_time check_interval = milliseconds(250);

} // namespace

simulated_cluster::simulated_cluster(std::uint64_t seed, protocol_mutant mutant)
    : random_(seed),
      plan_(make_plan(random_)),
      mutant_(mutant),
      database_(plan_.settings.shards, plan_.synchronous_standby, mutant),
      uncovered_since_(plan_.settings.shards, never),
      sessions_of_(plan_.settings.shards) {
    for (std::size_t i = 0; i < session_count; ++i) {
        sessions_of_[database_.shard_of(i)].set(i);
    }
    for (std::uint8_t r = 0; r < plan_.replica_count; ++r) {
        simulated_replica& replica = replicas_[r];
        replica.node = std::string("node-") + static_cast<char>('a' + r);
        replica.settings = plan_.settings;
        replica.settings.lease = plan_.leases[r];
        replica.clock.start = random_.between({}, std::chrono::hours(1));
        replica.clock.rate_ppm = static_cast<std::int64_t>(random_.bits() % 20'001) - 10'000;
        push(random_.between({}, seconds(3)), event_kind::start, r, 0);
    }
    for (std::uint32_t i = 0; i < plan_.faults.size(); ++i) {
        push(plan_.faults[i].at, event_kind::planned, plan_.faults[i].replica, i);
    }
    push(check_interval, event_kind::check, 0, 0);
}

std::optional<violation> simulated_cluster::run() {
    while (!violation_) {
        const event next = events_.top();
        if (next.at > plan_.end) {
            now_ = plan_.end;
            check_end();
            break;
        }
        events_.pop();
        now_ = next.at;
        handle(next);
    }
    return violation_;
}

void simulated_cluster::push(world_time at, event_kind kind, std::uint8_t r, std::uint32_t number) {
    events_.push({at, order_++, number, replicas_[r].process, kind, r});
}

void simulated_cluster::handle(const event& what) {
    switch (what.kind) {
        case event_kind::planned:
            begin_fault(plan_.faults[what.number]);
            return;
        case event_kind::arrival:
            if (messages_[what.number].kind == message_kind::statement) {
                run_statement(messages_[what.number]);
            } else {
                run_session_message(messages_[what.number]);
            }
            answer(what.number);
            return;
        case event_kind::database_up:
            database_is_up_ = true;
            database_up_since_ = now_;
            return;
        case event_kind::check:
            check_all();
            push(now_ + check_interval, event_kind::check, 0, 0);
            return;
        case event_kind::resume:
            resume(what.replica);
            return;
        case event_kind::start:
        case event_kind::wake:
        case event_kind::connect:
        case event_kind::connect_done:
        case event_kind::answer:
        case event_kind::deadline:
        case event_kind::lost:
        case event_kind::quiet:
            handle_at_replica(what);
            return;
    }
}

void simulated_cluster::handle_at_replica(const event& what) {
    simulated_replica& replica = replicas_[what.replica];
    const bool is_void = what.process != replica.process;
    if (!is_void && now_ < replica.halted_until) {
        // In the same order, once it goes on.
        push(replica.halted_until, what.kind, what.replica, what.number);
        return;
    }
    if (what.kind == event_kind::answer) {
        if (!is_void) {
            take_answer(what.replica, messages_[what.number]);
        }
        free_messages_.push_back(what.number);
    }
    if (is_void) {
        return;
    }
    handle_in_process(what);
    pump(what.replica);
}

void simulated_cluster::handle_in_process(const event& what) {
    simulated_replica& replica = replicas_[what.replica];
    switch (what.kind) {
        case event_kind::start:
            start(what.replica);
            break;
        case event_kind::wake:
            replica.wake_at = never;
            break;
        case event_kind::connect:
            connect(what.replica);
            break;
        case event_kind::connect_done:
            finish_connect(what.replica, what.number != 0);
            break;
        case event_kind::deadline:
            if (replica.waiting && replica.statement == what.number) {
                end_late_statement(what.replica);
            }
            break;
        case event_kind::lost:
            if (replica.connected && replica.connection == what.number) {
                fail_connection(what.replica);
            }
            break;
        case event_kind::quiet:
            replica.member->finish_leaving(replica.member->shards().leaving());
            break;
        default:
            break;
    }
}

void simulated_cluster::start(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    if (replica.member) {
        // It had its time to stop.
        end_process(r, {});
        return;
    }
    ++replica.process;
    replica.started_at = now_;
    enter(r);
    replica.known.reset();
    replica.acknowledged.reset();
    replica.to_offer.reset();
    replica.restoring.reset();
    replica.generation = {};
    replica.raised_at = no_time;
    replica.endless_series.emplace();
    replica.is_frozen = false;
    replica.is_stopping = false;
    connect(r);
}

void simulated_cluster::enter(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    replica.self = incarnation(++incarnations_);
    replica.member.emplace(replica.settings,
                           cluster_member::identity{replica.self, replica.node, replica.lock_file});
    if (replica.lock_file.size() == cluster_member::max_predecessors) {
        // A row of the life that is dropped here may come back with a failover. It is not known then, and has to expire.
        replica.has_lost_state = true;
        replica.lock_file.erase(replica.lock_file.begin());
    }
    replica.lock_file.push_back(replica.self);
}

void simulated_cluster::end_process(std::uint8_t r, steady_duration pause) {
    simulated_replica& replica = replicas_[r];
    replica.member.reset();
    ++replica.process;
    replica.connected = false;
    replica.waiting = false;
    replica.wake_at = never;
    replica.halted_until = {};
    replica.clear_since = never;
    replica.healthy_since = never;
    forgive_lost_sessions();
    push(now_ + pause, event_kind::start, r, 0);
}

void simulated_cluster::resume(std::uint8_t r) {
    simulated_replica& replica = replicas_[r];
    if (replica.member && replica.halted_until == now_) {
        check_leases(r);
        check_shares();
    }
}

void simulated_cluster::begin_fault(const planned_fault& planned) {
    if (traced_) {
        std::cerr << to_seconds(now_) << " fault " << fault_words.text_of(planned.kind) << " of "
                  << replicas_[planned.replica].node << " for " << to_seconds(planned.length)
                  << " s\n";
    }
    switch (planned.kind) {
        case fault::restart:
        case fault::fail_over:
            end_database(planned);
            break;
        case fault::registration: {
            const auto number = static_cast<std::uint32_t>(&planned - plan_.faults.data());
            if (!acknowledged_[number % session_count]) {
                register_session(number % session_count);
                push(now_ + seconds(1), event_kind::planned, 0, number);
            }
            break;
        }
        case fault::cut_all:
            for (simulated_replica& each : replicas_) {
                begin_way_fault(each, planned);
            }
            break;
        default:
            if (replicas_[planned.replica].member) {
                begin_replica_fault(planned);
            }
            break;
    }
}

void simulated_cluster::begin_replica_fault(const planned_fault& planned) {
    simulated_replica& replica = replicas_[planned.replica];
    switch (planned.kind) {
        case fault::crash_without_state:
            replica.lock_file.clear();
            replica.has_lost_state = true;
            [[fallthrough]];
        case fault::crash:
            end_process(planned.replica, planned.length);
            break;
        case fault::stop:
            replica.clear_since = never;
            replica.healthy_since = never;
            if (now_ >= replica.halted_until) {
                replica.is_stopping = true;
                replica.member->drain(replica.clock.at(now_));
                push(now_ + planned.length, event_kind::start, planned.replica, 0);
                pump(planned.replica);
            }
            break;
        case fault::pause:
        case fault::freeze:
            halt(planned.replica, planned);
            break;
        case fault::new_demand: {
            const auto some = [this] {
                return static_cast<std::int32_t>(random_.bits() % 5000);
            };
            replica.member->set_demand({some(), some()}, 10'000);
            break;
        }
        case fault::throttled:
            // The world's time serves as cluster time.
            replica.member->account().report_pause(
                stored_moment(std::chrono::duration_cast<milliseconds>(now_ + seconds(30))));
            replica.member->beat_soon(replica.clock.at(now_));
            pump(planned.replica);
            break;
        default:
            begin_way_fault(replica, planned);
            break;
    }
}

void simulated_cluster::begin_way_fault(simulated_replica& replica, const planned_fault& planned) {
    replica.clear_since = never;
    replica.healthy_since = never;
    const world_time end = now_ + planned.length;
    switch (planned.kind) {
        case fault::cut_requests:
            replica.requests_cut_until = end;
            break;
        case fault::cut_answers:
            replica.answers_cut_until = end;
            break;
        case fault::cut_both:
        case fault::cut_all:
            replica.requests_cut_until = end;
            replica.answers_cut_until = end;
            break;
        case fault::slow:
            replica.slow_until = end;
            break;
        case fault::reset:
            push(now_, event_kind::lost, planned.replica, replica.connection);
            break;
        default:
            break;
    }
}

void simulated_cluster::halt(std::uint8_t r, const planned_fault& planned) {
    simulated_replica& replica = replicas_[r];
    if (now_ < replica.halted_until) {
        return;
    }
    replica.clear_since = never;
    replica.healthy_since = never;
    replica.halted_until = now_ + planned.length;
    if (planned.kind == fault::freeze) {
        // The clock is not read before it goes on.
        replica.clock.frozen += planned.length;
        replica.is_frozen = true;
    }
    push(replica.halted_until, event_kind::resume, r, 0);
}

void simulated_cluster::end_database(const planned_fault& planned) {
    if (!database_is_up_) {
        return;
    }
    const std::uint32_t before = database_.lossy_count();
    if (planned.kind == fault::restart) {
        database_.restart(random_);
    } else {
        database_.fail_over(random_);
    }
    counts_.lossy += database_.lossy_count() - before;
    forgive_lost_sessions();
    database_is_up_ = false;
    database_up_since_ = never;
    push(now_ + planned.length, event_kind::database_up, 0, 0);
    for (std::uint8_t r = 0; r < plan_.replica_count; ++r) {
        simulated_replica& replica = replicas_[r];
        replica.clear_since = never;
        replica.healthy_since = never;
        // A pooler keeps the connection. Otherwise a reset may reach the replica, or it finds out.
        if (!plan_.pooler && random_.chance(0.7)) {
            push(now_ + delay(replica), event_kind::lost, r, replica.connection);
        }
    }
}

} // namespace kallglot::cluster_simulation
