/// Census of all sessions for the metrics: one pass over the table.
///
/// There are no counters between scrapes, so nothing can drift: a census is a pure function of the records and one
/// fixed moment. The pass runs in steps, so that a million sessions do not block the loop. When a record behind the
/// cursor changes, the pass subtracts the old state and adds the new one. So the counts stay consistent. Formats
/// nothing.

#ifndef KALLGLOT_REPORT_CENSUS_HPP
#define KALLGLOT_REPORT_CENSUS_HPP

#include "kallglot/report/series_selection.hpp"
#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kallglot {

/// One count for each status.
using counts_by_status = std::array<std::uint32_t, session_status_count>;

/// Hours of the wall clock in which a session was created: the present one first, then the ones before it. The last
/// count is for all earlier hours, and for sessions whose creation is not known.
inline constexpr std::size_t creation_hour_count = 25;

/// Sessions by what they may have in common.
struct trait_counts {
    std::array<std::uint32_t, session_provider_count> by_provider{};
    std::array<std::uint32_t, session_mode_count> by_mode{};
    std::array<std::uint32_t, creation_hour_count> by_creation_hour{};
};

/// The result of a pass. Indexes are the enumerators' values; the threshold vectors run parallel to the
/// lists in threshold_settings.
struct census {
    steady_time at = no_time;

    counts_by_status by_status{};
    std::array<std::array<std::uint32_t, session_mode_count>, session_status_count> by_mode{};
    std::array<std::array<std::uint32_t, session_provider_count>, session_status_count>
        by_provider{};

    /// [status][threshold]; empty for a status without thresholds.
    std::array<std::vector<std::uint32_t>, session_status_count> over_threshold;
    /// `over_threshold` by provider, for statuses that have stuck episodes.
    std::array<std::vector<std::array<std::uint32_t, session_provider_count>>, session_status_count>
        over_threshold_by_provider;
    std::array<std::vector<std::uint32_t>, session_status_count> suspected_over_threshold;
    std::array<std::vector<std::uint32_t>, session_status_count> not_started_over_threshold;

    /// Stuck sessions (is_stuck), each counted once.
    counts_by_status stuck{};

    /// Sessions past the age of a stuck episode, and all others that have not ended.
    std::array<trait_counts, session_status_count> in_episode{};
    trait_counts others;

    counts_by_status stale{};
    std::uint32_t unverified = 0;
    std::uint32_t unobserved = 0; ///< past the age that decides, and never observed

    /// Start of the longest stay in each status; no_time when none.
    std::array<steady_time, session_status_count> oldest_since{};
};

/// The inputs of a pass besides the records.
struct census_terms {
    steady_time at = no_time;
    const poll_policy* policy = nullptr; ///< outlives the pass
    double stretch = 1;                  ///< of routine intervals, for `stale`
    bool shortage = false;               ///< intervals grow with age, also while no poll waits
    steady_duration request_timeout{};
    series_candidates* candidates = nullptr; ///< null, or gets every session; outlives the pass
    api_time wall{}; ///< the wall clock at the moment `at`, for hours of creation
};

/// A pass in progress. Loop only. Lifetime: the registry and the policy outlive it.
class census_pass final : private registry_observer {
public:
    census_pass(const session_registry& registry, const census_terms& terms);
    ~census_pass() override;
    census_pass(const census_pass&) = delete;
    census_pass& operator=(const census_pass&) = delete;

    /// Counts the next `records` slots of the table. False once the whole table is counted.
    bool step(std::size_t records);

    /// The result. Precondition: step() returned false.
    [[nodiscard]] const census& outcome();

private:
    void before_change(session_slot slot, const session_record& record) override;
    void after_change(session_slot slot, const session_record& record) override;
    void take_in(session_slot slot, const session_record& record);
    void count(const session_record& record, std::uint32_t weight);
    void count_traits(const session_record& record, std::uint32_t weight);

    const session_registry& registry_;
    census_terms terms_;
    census census_;
    steady_duration deciding_age_; ///< of an unobserved session, counted from its registration
    std::uint32_t cursor_ = 0;
    bool oldest_dirty_ = false;
};

} // namespace kallglot

#endif
