// The life of one session as a pure function of seed, number and creation time: its statuses and their times.
//
// Nothing is stored: the state at a moment is always the same. So a test can compute the true state without a request,
// and a million sessions cost nothing.
//
// Deliberately not here: ids (session_id), number and creation times of sessions (population), JSON (session_body).

#ifndef KALLGLOT_SIMULATOR_SESSION_LIFE_HPP
#define KALLGLOT_SIMULATOR_SESSION_LIFE_HPP

#include "simulator/units.hpp"

#include <cstdint>
#include <string_view>

namespace kallglot::simulator {

/// The kinds of lives.
enum class session_kind : std::uint8_t {
    ordinary,      // created, connecting, active, ending, ended
    stuck,         // created, then connecting for ever or until it is freed
    never_started, // created for ever
    abandoned,     // created, connecting, ended: the phone caller hung up early
};

/// The API's statuses.
enum class session_status : std::uint8_t { created, connecting, active, ending, ended };
inline constexpr std::size_t session_status_count = 5;

/// The documented JSON form in which a session is served.
enum class json_generation : std::uint8_t { first, second };

/// Stands for a moment that never comes.
inline constexpr system_time never = system_time::max();

/// Parameters of lives; the defaults are those of the command line.
struct life_settings {
    std::uint64_t seed{1};
    duration_range created{std::chrono::seconds{1}, std::chrono::seconds{3}};
    duration_range connecting{std::chrono::seconds{1}, std::chrono::seconds{6}};
    duration_range active{std::chrono::minutes{1}, std::chrono::minutes{5}};
    duration_range ending{std::chrono::seconds{0}, std::chrono::seconds{2}};
    duration_range held_age{std::chrono::seconds{0}, std::chrono::minutes{2}};
    double second_generation_share{0.5}; // of all sessions
    double reduced_status_share{
        0.0};                    // of the second generation: serves created, active, ended only
    double abandoned_share{0.0}; // of all sessions that are not stuck and start
    system_time freed{never};    // stuck sessions that are connecting then start at that moment
};

/// One life, whole. Moments that do not come are `never`.
struct session_life {
    std::uint64_t number{0};
    session_kind kind{session_kind::ordinary};
    json_generation generation{json_generation::first};
    bool reduced_status{false};
    std::uint64_t draw{0}; // source of mode, provider, languages and other fields
    system_time created_at{};
    system_time connecting_at{never};
    system_time started_at{never};
    system_time ending_at{never};
    system_time ended_at{never};
};

/// A life that begins at `created_at`. `kind` is ordinary, stuck or never_started; an ordinary one
/// may turn out abandoned, by `abandoned_share`.
[[nodiscard]] session_life make_arriving_life(const life_settings& settings,
                                              std::uint64_t number,
                                              session_kind kind,
                                              system_time created_at);

/// A life in progress at `epoch`. Many of them together look like a population whose arrivals and ends balance: long
/// lives are more frequent than short ones, at any point of their course.
[[nodiscard]] session_life make_standing_life(const life_settings& settings,
                                              std::uint64_t number,
                                              session_kind kind,
                                              system_time epoch);

/// The status that the API serves at `time`. Before the creation it is `created`.
[[nodiscard]] session_status status_at(const session_life& life, system_time time);

/// When the status of `time` began.
[[nodiscard]] system_time status_since(const session_life& life, system_time time);

/// Mean time from creation to end. It determines the arrival rate of a constant population.
[[nodiscard]] std::chrono::duration<double> mean_life(const life_settings& settings);

[[nodiscard]] std::string_view to_text(session_status status);
[[nodiscard]] std::string_view to_text(session_kind kind);

/// Scatters `value`: one step of splitmix64's output function.
[[nodiscard]] std::uint64_t scatter(std::uint64_t value);

} // namespace kallglot::simulator

#endif
