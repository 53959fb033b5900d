#include "bench/policy/session_life.hpp"

#include <algorithm>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

bool reached(steady_time moment, steady_time at) noexcept {
    return moment != no_time && moment <= at;
}

} // namespace

session_status session_life::status_at(steady_time at) const noexcept {
    if (reached(ended, at)) {
        return session_status::ended;
    }
    if (reached(active, at)) {
        return reached(dropped, at) && !reached(rejoined, at) ? session_status::connecting
                                                              : session_status::active;
    }
    return reached(connecting, at) ? session_status::connecting : session_status::created;
}

steady_time session_life::entered_at(steady_time at) const noexcept {
    steady_time latest = created;
    for (const steady_time moment : {connecting, active, dropped, rejoined, ended}) {
        if (reached(moment, at)) {
            latest = std::max(latest, moment);
        }
    }
    return latest;
}

session_life draw_life(random_source& random,
                       steady_time created,
                       const life_settings& settings,
                       bool provider_fails) {
    session_life life;
    life.created = created;
    const bool newer = random.chance(settings.newer_share);
    life.stuck = random.chance(settings.stuck_share);
    // Drawn only where it matters, so that other scenarios keep their random numbers.
    life.of_failing_provider = provider_fails && random.chance(settings.provider_share);
    life.stuck = life.stuck || life.of_failing_provider;
    const bool in_created = newer || (life.stuck && random.chance(settings.stuck_created));
    const steady_time connecting = created + random.lognormal(2s, 0.6);
    const bool slow = random.chance(settings.slow_share);
    const steady_time active =
        connecting + random.lognormal(3s, 0.6) + (slow ? random.between(10s, 60s) : 0s);
    const steady_duration call =
        std::max<steady_duration>(random.exponential(to_seconds(settings.call_mean)), 5s);
    if (!in_created) {
        life.connecting = connecting;
    }
    if (!life.stuck) {
        life.active = active;
        life.ended = active + call;
        if (!newer && call > 60s && random.chance(settings.reconnect_share)) {
            life.dropped = active + call / 3;
            life.rejoined = life.dropped + random.lognormal(8s, 0.5);
            life.ended = std::max(life.ended, life.rejoined + 5s);
        }
        return life;
    }
    const bool recovers = random.chance(settings.stuck_recovers);
    const steady_time over =
        created
        + (recovers ? random.between(10min, settings.stuck_least)
                    : random.between(settings.stuck_least, settings.stuck_most));
    life.active = recovers ? over : no_time;
    life.ended = recovers ? over + call : over;
    return life;
}

session_snapshot snapshot_at(const session_life& life,
                             steady_time at,
                             steady_time seen,
                             const api_wall& wall) noexcept {
    session_snapshot said;
    said.status = life.status_at(seen);
    said.mode = session_mode::bidirectional_translation;
    said.provider = life.of_failing_provider ? session_provider::twilio : session_provider::sip;
    said.created_at = wall.stamp(std::min(life.created, at));
    if (reached(life.active, seen)) {
        said.started_at = wall.stamp(life.active);
    }
    if (said.status == session_status::ended) {
        said.ended_at = wall.stamp(life.ended);
        said.reason = life.active == no_time ? end_reason::timeout : end_reason::customer_hangup;
    }
    return said;
}

} // namespace kallglot::policy
