#include "simulator/session_life.hpp"

#include <cmath>

namespace kallglot::simulator {

namespace {

using std::chrono::milliseconds;

// The purpose of a draw. Separate streams, so that a new field does not change all durations.
enum class purpose : std::uint64_t {
    generation = 1,
    reduced,
    abandoned,
    created,
    connecting,
    active,
    ending,
    acceptance,
    age,
    decoration,
};

// Random numbers for one attempt to draw a session's life.
class draws {
public:
    draws(std::uint64_t seed, std::uint64_t number, std::uint64_t attempt)
        : base_(scatter(scatter(scatter(seed) ^ number) + attempt)) {}

    [[nodiscard]] std::uint64_t bits(purpose what) const {
        return scatter(base_ + 0x632be59bd9b4e019ULL * static_cast<std::uint64_t>(what));
    }

    // In [0, 1), from the upper 53 bits.
    [[nodiscard]] double share(purpose what) const {
        return std::ldexp(static_cast<double>(bits(what) >> 11), -53);
    }

    [[nodiscard]] milliseconds within(purpose what, duration_range range) const {
        const auto width = static_cast<double>((range.longest - range.shortest).count() + 1);
        return range.shortest + milliseconds{static_cast<std::int64_t>(share(what) * width)};
    }

private:
    std::uint64_t base_;
};

struct course {
    bool abandoned{false};
    milliseconds created{0};
    milliseconds connecting{0};
    milliseconds active{0};
    milliseconds ending{0};

    [[nodiscard]] milliseconds length() const { return created + connecting + active + ending; }
};

course draw_course(const life_settings& settings, const draws& source) {
    course drawn;
    drawn.abandoned = source.share(purpose::abandoned) < settings.abandoned_share;
    drawn.created = source.within(purpose::created, settings.created);
    drawn.connecting = source.within(purpose::connecting, settings.connecting);
    if (!drawn.abandoned) {
        drawn.active = source.within(purpose::active, settings.active);
        drawn.ending = source.within(purpose::ending, settings.ending);
    }
    return drawn;
}

milliseconds longest_life(const life_settings& settings) {
    return settings.created.longest + settings.connecting.longest + settings.active.longest
           + settings.ending.longest;
}

session_life make_outline(const life_settings& settings, std::uint64_t number, session_kind kind) {
    const draws source{settings.seed, number, 0};
    session_life life;
    life.number = number;
    life.kind = kind;
    life.draw = source.bits(purpose::decoration);
    if (source.share(purpose::generation) < settings.second_generation_share) {
        life.generation = json_generation::second;
        life.reduced_status = source.share(purpose::reduced) < settings.reduced_status_share;
    }
    return life;
}

// Sets the moments of a life that begins at `created_at`, up to the status at which its kind stops.
void follow(session_life& life,
            const course& drawn,
            system_time created_at,
            const life_settings& settings) {
    life.created_at = created_at;
    if (life.kind == session_kind::never_started) {
        return;
    }
    life.connecting_at = created_at + drawn.created;
    if (life.kind == session_kind::stuck) {
        if (life.connecting_at > settings.freed || settings.freed == never) {
            return;
        }
        life.kind = session_kind::ordinary;
        life.started_at = settings.freed;
        life.ending_at = life.started_at + drawn.active;
        life.ended_at = life.ending_at + drawn.ending;
        return;
    }
    if (drawn.abandoned) {
        life.kind = session_kind::abandoned;
        life.ended_at = life.connecting_at + drawn.connecting;
        return;
    }
    life.started_at = life.connecting_at + drawn.connecting;
    life.ending_at = life.started_at + drawn.active;
    life.ended_at = life.ending_at + drawn.ending;
}

} // namespace

std::uint64_t scatter(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

session_life make_arriving_life(const life_settings& settings,
                                std::uint64_t number,
                                session_kind kind,
                                system_time created_at) {
    session_life life = make_outline(settings, number, kind);
    follow(life, draw_course(settings, draws{settings.seed, number, 0}), created_at, settings);
    return life;
}

session_life make_standing_life(const life_settings& settings,
                                std::uint64_t number,
                                session_kind kind,
                                system_time epoch) {
    session_life life = make_outline(settings, number, kind);
    if (kind != session_kind::ordinary) {
        const draws source{settings.seed, number, 0};
        const milliseconds age = source.within(purpose::age, settings.held_age);
        follow(life, draw_course(settings, source), epoch - age, settings);
        return life;
    }
    // At any moment long lives are more frequent than in the arrivals, so a drawn life is accepted with a chance that
    // grows with its length. The limit of the attempts matters only if every life has length 0.
    const auto longest = static_cast<double>(longest_life(settings).count());
    constexpr std::uint64_t max_attempts = 256;
    for (std::uint64_t attempt = 0; attempt < max_attempts; ++attempt) {
        const draws source{settings.seed, number, attempt};
        const course drawn = draw_course(settings, source);
        const auto length = static_cast<double>(drawn.length().count());
        if (source.share(purpose::acceptance) * longest < length || attempt + 1 == max_attempts) {
            const milliseconds age{static_cast<std::int64_t>(source.share(purpose::age) * length)};
            follow(life, drawn, epoch - age, settings);
            break;
        }
    }
    return life;
}

session_status status_at(const session_life& life, system_time time) {
    if (time >= life.ended_at) {
        return session_status::ended;
    }
    if (time >= life.started_at) {
        const bool ending = time >= life.ending_at && !life.reduced_status;
        return ending ? session_status::ending : session_status::active;
    }
    const bool connecting = time >= life.connecting_at && !life.reduced_status;
    return connecting ? session_status::connecting : session_status::created;
}

system_time status_since(const session_life& life, system_time time) {
    switch (status_at(life, time)) {
        case session_status::created:
            return life.created_at;
        case session_status::connecting:
            return life.connecting_at;
        case session_status::active:
            return life.started_at;
        case session_status::ending:
            return life.ending_at;
        case session_status::ended:
            return life.ended_at;
    }
    return life.created_at;
}

std::chrono::duration<double> mean_life(const life_settings& settings) {
    const auto mean = [](duration_range range) {
        return std::chrono::duration<double>(range.shortest + range.longest) / 2;
    };
    return mean(settings.created) + mean(settings.connecting)
           + (1.0 - settings.abandoned_share) * (mean(settings.active) + mean(settings.ending));
}

std::string_view to_text(session_status status) {
    switch (status) {
        case session_status::created:
            return "created";
        case session_status::connecting:
            return "connecting";
        case session_status::active:
            return "active";
        case session_status::ending:
            return "ending";
        case session_status::ended:
            return "ended";
    }
    return "unknown";
}

std::string_view to_text(session_kind kind) {
    switch (kind) {
        case session_kind::ordinary:
            return "ordinary";
        case session_kind::stuck:
            return "stuck";
        case session_kind::never_started:
            return "never_started";
        case session_kind::abandoned:
            return "abandoned";
    }
    return "unknown";
}

} // namespace kallglot::simulator
