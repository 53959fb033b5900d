// The sessions of a run: how they arise, and how and when the daemon learns of them.

#include "bench/policy/simulation.hpp"

#include <algorithm>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

} // namespace

std::size_t simulation::be_born(steady_time created, const life_settings& lives) {
    simulated_session session;
    const auto& outage = plan_.provider_outage;
    const bool fails = outage && created >= start_ + outage->from && created < start_ + outage->to;
    session.life = draw_life(random_, created, lives, fails);
    const steady_time stamped = api_.wall().steady(api_.wall().stamp(created));
    session.owed = std::max(stamped + alert_ledger::alert_age, start_);
    sessions_.push_back(session);
    return sessions_.size() - 1;
}

void simulation::arrive() {
    const steady_duration elapsed = clock_.now() - start_;
    const bool surge = std::any_of(plan_.surges.begin(), plan_.surges.end(), [&](const period& p) {
        return elapsed >= p.from && elapsed < p.to;
    });
    const double a_minute = plan_.new_a_minute * (surge ? 2 : 1);
    const steady_time next = clock_.now() + random_.exponential(60 / a_minute);
    if (next >= end()) {
        return;
    }
    clock_.at(next, [this] {
        const std::size_t number = be_born(clock_.now(), plan_.lives);
        const bool webhooks = policy_ == polling::ours_with_webhooks;
        if (!webhooks || plan_.webhooks.registered_twice) {
            const steady_time registered = clock_.now() + random_.between(100ms, 1s);
            clock_.at(registered, [this, number] { register_by_api(number, false); });
        }
        if (webhooks) {
            arrange_webhooks(number);
        }
        arrive();
    });
}

void simulation::restore_sessions() {
    // The daemon was down for half a minute. Before that it had polled every session within five seconds.
    const steady_time stopped = start_ - 30s;
    for (std::size_t i = 0; i < plan_.restored;) {
        const std::size_t number = be_born(stopped - random_.between(6s, 10min), plan_.lives);
        simulated_session& session = sessions_[number];
        const session_life& life = session.life;
        // A session that has ended by now is drawn again.
        if (life.status_at(start_) == session_status::ended) {
            sessions_.pop_back();
            continue;
        }
        ++i;
        const steady_time seen = stopped - random_.between(0s, 5s);
        session_record record;
        record.status = life.status_at(seen);
        record.since = std::min(life.entered_at(seen) + 1500ms, seen);
        record.observed = seen;
        record.created = std::min(life.created + 1500ms, seen);
        record.started = life.active != no_time && life.active <= seen ? life.active : no_time;
        record.bulk = true;
        record.unverified = true;
        const ledger_change restored =
            tracked_.restore(name_of(number), record, schedule_.policy(), start_);
        const session_slot slot = restored.slot;
        // A session that was counted before the restart is counted again at once; its delay says nothing.
        session.fresh = life.created + alert_ledger::alert_age + 1500ms > seen;
        ledger_.note(session, registry_[slot], seen, start_);
        if (policy_ == polling::fixed_interval) {
            fixed_.add(slot);
        } else {
            changes_.apply(restored, start_);
        }
    }
}

void simulation::add_long_stuck() {
    life_settings lives = plan_.lives;
    lives.stuck_share = 1;
    lives.stuck_recovers = 0;
    lives.stuck_least = lives.stuck_most = plan_.length + 1h;
    for (std::size_t i = 0; i < plan_.long_stuck; ++i) {
        const std::size_t number = be_born(start_ - random_.between(1s, 10min), lives);
        sessions_[number].fresh = false;
        register_by_api(number, true);
    }
}

void simulation::register_by_api(std::size_t number, bool bulk) {
    const ledger_change change =
        tracked_.take_id(name_of(number), session_source::api, bulk, clock_.now());
    if (!change.added) {
        return;
    }
    sessions_[number].registered = clock_.now();
    if (policy_ == polling::fixed_interval) {
        fixed_.add(change.slot);
    } else {
        changes_.apply_and_wake(change, clock_.now());
    }
}

void simulation::arrange_webhooks(std::size_t number) {
    const session_life& life = sessions_[number].life;
    arrange_webhook(number, session_event::created, life.created);
    if (life.active != no_time) {
        arrange_webhook(number, session_event::started, life.active);
    }
    arrange_webhook(number, session_event::ended, life.ended);
}

void simulation::arrange_webhook(std::size_t number, session_event event, steady_time happened) {
    const steady_duration delivery = random_.lognormal(300ms, 0.6);
    if (random_.chance(plan_.webhooks.lost)) {
        return;
    }
    const steady_duration late = random_.chance(plan_.webhooks.late) ? 2min : 0s;
    clock_.at(happened + delivery + late,
              [this, number, event, happened] { deliver(number, event, happened); });
}

void simulation::deliver(std::size_t number, session_event event, steady_time happened) {
    if (sessions_[number].forgotten) {
        return;
    }
    // An event of an unknown id starts tracking it.
    const steady_time now = clock_.now();
    const ledger_change known =
        tracked_.take_id(name_of(number), session_source::webhook, false, now);
    changes_.apply(known, now);
    const remembered_key key{number * 4 + static_cast<std::uint64_t>(event), 0};
    const event_times times{now, api_.wall().stamp(happened), api_clock_.at(now)};
    changes_.apply_and_wake(tracked_.take_event(known.slot, event, key, times), now);
    ledger_.note(sessions_[number], registry_[known.slot], no_time, now);
}

} // namespace kallglot::policy
