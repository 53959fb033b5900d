/// Compares the sessions counted over a threshold with the truth: false alerts, missed alerts, delays.
///
/// Stores for each session the set of thresholds that it counts for, by the same predicates as the census, and the sum
/// of all sets, so that the real census can be checked.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_ALERT_LEDGER_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_ALERT_LEDGER_HPP

#include "bench/policy/api_model.hpp"
#include "bench/policy/outcome.hpp"
#include "bench/policy/session_life.hpp"
#include "kallglot/report/census.hpp"
#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace kallglot::policy {

/// One session of the model.
struct simulated_session {
    session_life life;
    steady_time asked = no_time;      ///< when the API handled the poll in flight
    steady_time registered = no_time; ///< with the daemon, to be polled
    bool seen = false;                ///< a poll was answered
    steady_time owed =
        no_time; ///< when its alert is due: the crossing, or the start if it was restored later
    std::uint64_t counted = 0; ///< thresholds that it counts for now, one bit each
    bool fresh = true;         ///< its delay counts: created during the run, or restored
    steady_time alerted_at =
        no_time; ///< when it was first counted for `not_started` or `connecting` at 30 s
    bool forgotten = false;
};

class alert_ledger {
public:
    /// The threshold of the table's delays.
    static constexpr steady_duration alert_age = std::chrono::seconds(30);

    /// A session counts as counted in time up to this delay.
    static constexpr steady_duration in_time = std::chrono::seconds(10);

    /// `status_lag`: the API reports each status so late, and an alert that believes it is not false.
    alert_ledger(threshold_settings thresholds, steady_duration status_lag)
        : thresholds_(std::move(thresholds)),
          status_lag_(status_lag) {}

    /// The record has changed: by the answer to a poll that the API handled at `asked`, or by an event that confirms no
    /// threshold (no_time).
    void note(simulated_session& session,
              const session_record& record,
              steady_time asked,
              steady_time now);

    /// The session left the table.
    void forget(simulated_session& session);

    /// Whether the census has the same counts.
    [[nodiscard]] bool agrees(const census& counts) const;

    /// Called at the end of the run: counts the missed alerts.
    void close(const std::vector<simulated_session>& sessions,
               const api_model& api,
               steady_time end,
               outcome& figures);

private:
    static constexpr std::size_t lists = 5; ///< not_started, created, connecting, active, ending
    static constexpr std::size_t list_bits = 12; ///< maximum of thresholds in a list

    [[nodiscard]] const threshold_settings::list& list(std::size_t index) const noexcept;
    [[nodiscard]] std::uint64_t counted_now(const session_record& record) const noexcept;
    [[nodiscard]] bool is_true(const session_life& life, std::size_t bit, steady_time at) const;
    void replace(simulated_session& session, std::uint64_t bits);

    threshold_settings thresholds_;
    steady_duration status_lag_;
    std::array<std::int64_t, lists * list_bits> sums_{};
    std::uint64_t false_alarms_ = 0;
    std::uint64_t detected_ = 0;
    std::vector<double> delays_;
};

} // namespace kallglot::policy

#endif
