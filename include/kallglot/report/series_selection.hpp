/// Which sessions have series of their own: a bounded set that names the stuck ones first and does not flap.
///
/// Source of the order: the metric table of README.md. First those that are stuck, longest stay first; they displace
/// others at once. Then active ones, longest call first, then the rest; one of these that has entered stays at least
/// five minutes unless it is displaced or forgotten. Candidates are found during the census pass with a heap of
/// fixed size, so that a million sessions are neither sorted nor copied.

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

/// A session's place in the order: the smaller, the sooner it has series.
struct ranked_session {
    series_rank rank = series_rank::other;
    steady_time begin = no_time; ///< of the call for active ones, of the stay for the others
    session_slot slot = no_slot;

    [[nodiscard]] auto operator<=>(const ranked_session&) const noexcept = default;
};

[[nodiscard]] ranked_session rank_session(const threshold_settings& thresholds,
                                          session_slot slot,
                                          const session_record& record) noexcept;

/// The first of all sessions in that order. Cost: a comparison a session, and a few more for those that enter.
class series_candidates {
public:
    /// Keeps the first `count`. Lifetime: the thresholds outlive it.
    series_candidates(const threshold_settings& thresholds, std::size_t count);

    void offer(session_slot slot, const session_record& record);

    /// The candidates as their records are now, first ones first, each once.
    [[nodiscard]] std::vector<ranked_session> take(const session_registry& registry);

private:
    void keep_first();

    const threshold_settings& thresholds_;
    std::size_t count_;
    std::vector<ranked_session> first_;  ///< in no order, up to twice as many as are kept
    std::optional<ranked_session> last_; ///< nobody from here on enters any more
};

/// The set from one census to the next.
class series_selection {
public:
    struct member {
        session_id id;
        session_slot slot = no_slot;
        steady_time entered = no_time;
    };

    /// At most `limit` members; the next choice keeps to it.
    void set_limit(std::size_t limit) noexcept { limit_ = limit; }

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

    /// Chooses the members for a census taken at `now`.
    ///
    /// `candidates` are the first `limit` sessions at least, or all if there are fewer.
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
