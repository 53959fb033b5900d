/// Selection of the sessions that get their own series: a bounded set, stuck sessions first, that changes slowly.
///
/// Stuck sessions come first, longest stay first; they displace others at once. Then active sessions, longest call
/// first, then the rest. A member of these two groups stays for at least five minutes unless it is displaced or
/// forgotten. The census pass collects candidates in a list of bounded size, so a million sessions are neither sorted
/// nor copied.
///
/// Source: config/prometheus/metrics.md.

#ifndef KALLGLOT_REPORT_SERIES_SELECTION_HPP
#define KALLGLOT_REPORT_SERIES_SELECTION_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kallglot {

enum class series_rank : std::uint8_t { stuck, active, other };

/// A session's rank: smaller ones get series first.
struct ranked_session {
    series_rank rank = series_rank::other;
    steady_time begin = no_time; ///< of the call for active sessions, of the status for others
    session_slot slot = no_slot;

    [[nodiscard]] auto operator<=>(const ranked_session&) const noexcept = default;
};

[[nodiscard]] ranked_session rank_session(const threshold_settings& thresholds,
                                          session_slot slot,
                                          const session_record& record) noexcept;

/// Finds the first of all sessions in that order. Cost: one comparison a session, and a few more for candidates.
class series_candidates {
public:
    /// Collects the first `count` sessions. Lifetime: the thresholds outlive it.
    series_candidates(const threshold_settings& thresholds, std::size_t count);

    void offer(session_slot slot, const session_record& record);

    /// The candidates by their present records, in order, each once.
    [[nodiscard]] std::vector<ranked_session> take(const session_registry& registry);

private:
    void keep_first();

    const threshold_settings& thresholds_;
    std::size_t count_;
    std::vector<ranked_session> first_;  ///< unordered, up to 2 * count_
    std::optional<ranked_session> last_; ///< sessions from this rank on are out
};

/// The selected set, carried from one census to the next.
class series_selection {
public:
    struct member {
        session_id id;
        session_slot slot = no_slot;
        steady_time entered = no_time;
    };

    /// Sets the largest number of members, from the next choose() on.
    void set_limit(std::size_t limit) noexcept { limit_ = limit; }

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

    /// Chooses the members for a census taken at `now`.
    ///
    /// `candidates` are at least the first `limit` sessions, or all if there are fewer.
    /// Cost: that of sorting the members and the candidates.
    const std::vector<member>& choose(const std::vector<ranked_session>& candidates,
                                      const session_registry& registry,
                                      const threshold_settings& thresholds,
                                      steady_time now);

private:
    std::size_t limit_ = 0;
    std::vector<member> members_;
};

} // namespace kallglot

#endif
