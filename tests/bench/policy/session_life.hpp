/// The true life of one session: when it entered each status, and what the API returns at any moment.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_SESSION_LIFE_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_SESSION_LIFE_HPP

#include "bench/policy/random_source.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session.hpp"

#include <chrono>

namespace kallglot::policy {

/// Parameters for random lives.
struct life_settings {
    steady_duration call_mean = std::chrono::minutes(5);
    double stuck_share = 0.02;  ///< of all sessions
    double stuck_created = 0.3; ///< of the stuck: never leave `created`
    double stuck_recovers =
        0.1;                  ///< of the stuck: become active after all, after ten minutes or more
    double slow_share = 0.03; ///< of the others: take up to a minute longer to start
    double reconnect_share = 0.005; ///< of the others: fall back to `connecting` for a while
    double newer_share = 0.3;       ///< served in the newer JSON, which has no `connecting`
    double provider_share = 0.1;    ///< of all sessions: those of the provider that may fail
    /// The API ends a session after at least 30 minutes without activity.
    steady_duration stuck_least = std::chrono::minutes(30);
    steady_duration stuck_most = std::chrono::minutes(40);
};

/// Moments on the steady clock; no_time where a status was never entered.
struct session_life {
    steady_time created = no_time;
    steady_time connecting = no_time;
    steady_time active = no_time;
    steady_time dropped = no_time;  ///< back in `connecting` ...
    steady_time rejoined = no_time; ///< ... until here
    steady_time ended = no_time;
    bool stuck = false;
    bool of_failing_provider = false;

    [[nodiscard]] session_status status_at(steady_time at) const noexcept;

    /// When it entered the status that it has at `at`.
    [[nodiscard]] steady_time entered_at(steady_time at) const noexcept;

    /// When it first stopped waiting to start: active or ended.
    [[nodiscard]] steady_time left_waiting() const noexcept {
        return active != no_time ? active : ended;
    }
};

[[nodiscard]] session_life draw_life(random_source& random,
                                     steady_time created,
                                     const life_settings& settings,
                                     bool provider_fails = false);

/// The API's clock: its timestamps have whole seconds, and it always differs from the daemon's clock.
class api_wall {
public:
    explicit api_wall(steady_time start) noexcept : start_(start) {}

    [[nodiscard]] api_time at(steady_time moment) const noexcept {
        using namespace std::chrono;
        constexpr api_time begin =
            sys_days{2026y / April / 14} + hours(9) + seconds(37) + milliseconds(412);
        return begin + duration_cast<milliseconds>(moment - start_);
    }

    [[nodiscard]] api_time stamp(steady_time moment) const noexcept {
        return std::chrono::floor<seconds>(at(moment));
    }

    /// The moment at which the API's clock shows `time`.
    [[nodiscard]] steady_time steady(api_time time) const noexcept {
        return start_ + (time - at(start_));
    }

private:
    steady_time start_;
};

/// The response to a GET at `at`, with the status that the session had at `seen`.
[[nodiscard]] session_snapshot snapshot_at(const session_life& life,
                                           steady_time at,
                                           steady_time seen,
                                           const api_wall& wall) noexcept;

} // namespace kallglot::policy

#endif
