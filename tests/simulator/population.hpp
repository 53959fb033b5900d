// Which sessions exist: those of the start, those that arrive, and those that a client adds.
//
// A session's number contains its cohort (one of these three) and its index in the cohort, so finding a session needs
// no table. Only what cannot be computed is stored: the added batches, and the number of requests for each session.

#ifndef KALLGLOT_SIMULATOR_POPULATION_HPP
#define KALLGLOT_SIMULATOR_POPULATION_HPP

#include "simulator/session_id.hpp"
#include "simulator/session_life.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::simulator {

/// The number of sessions of each kind.
struct population_settings {
    life_settings life;
    std::uint64_t sessions{2000};   // standing at the start, those below included
    std::uint64_t stuck{0};         // exactly so many of them are stuck in connecting
    std::uint64_t never_started{0}; // exactly so many of them never leave created
    double arrivals_per_second{0};  // 0: no session arrives, and the initial ones end over time
    bool keep_level{false};         // computes the arrival rate from the mean life instead
    double arriving_stuck_share{0}; // of the arriving sessions
    double arriving_never_started_share{0};
    std::size_t id_length{session_id_codec::usual_id};
};

/// Counts at one moment.
struct population_counts {
    std::array<std::uint64_t, session_status_count> by_status{};
    std::array<std::uint64_t, session_status_count> over_threshold{};
    std::uint64_t sessions{0};
    std::uint64_t stuck{0};         // of kind stuck and connecting by now
    std::uint64_t never_started{0}; // of kind never_started
};

/// The number of requests for the sessions of one cohort.
struct asked_range {
    std::uint64_t sessions{0};
    std::uint64_t least{0};
    std::uint64_t most{0};
    std::uint64_t never_asked{0};
};

/// All sessions. Loop only.
class population {
public:
    population(const population_settings& settings, system_time epoch);

    /// The life behind an id, if that session exists at `now`.
    [[nodiscard]] std::optional<session_life> find(std::string_view id, system_time now) const;

    /// Counts a request for an existing session; returns its number among the requests for this session, from 1.
    std::uint32_t count_question(std::uint64_t number);
    [[nodiscard]] std::uint32_t questions(std::uint64_t number) const;
    [[nodiscard]] asked_range questions_about_standing() const;
    [[nodiscard]] asked_range questions_about_arrived(system_time now) const;

    /// Adds sessions that are created at `now`; returns their ids.
    std::vector<std::string> add(std::uint64_t count, session_kind kind, system_time now);

    /// The stuck sessions that are connecting at `now` start at that moment.
    void free_stuck(system_time now) { settings_.life.freed = now; }

    /// Ids of the sessions that arrived since the last call (the first call starts at the epoch).
    [[nodiscard]] std::vector<std::string> take_arrived(system_time now);

    /// Calls `visit` for every session that exists at `now`, in the order of their numbers.
    ///
    /// Cost: some 100 ns a session
    void for_each(system_time now, const std::function<void(const session_life&)>& visit) const;

    /// Cost: as for_each
    [[nodiscard]] population_counts count(system_time now,
                                          std::chrono::milliseconds threshold) const;

    [[nodiscard]] std::string id_of(std::uint64_t number) const { return codec_.encode(number); }

    [[nodiscard]] double arrivals_per_second() const { return arrivals_per_second_; }

private:
    struct batch {
        std::uint64_t first;
        std::uint64_t count;
        session_kind kind;
        system_time created_at;
    };

    [[nodiscard]] std::uint64_t arrived(system_time now) const;
    [[nodiscard]] session_life standing_life(std::uint64_t index) const;
    [[nodiscard]] session_life arrived_life(std::uint64_t index) const;
    [[nodiscard]] std::optional<session_life> added_life(std::uint64_t index) const;

    population_settings settings_;
    session_id_codec codec_;
    system_time epoch_;
    double arrivals_per_second_;
    std::uint64_t announced_{0};
    std::vector<batch> batches_;
    std::array<std::vector<std::uint32_t>, 3> questions_;
};

} // namespace kallglot::simulator

#endif
