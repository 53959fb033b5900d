/// Listings of the session API: pages of sessions, longest in their status first, and of stuck episodes, newest first.
///
/// Pure functions over the registry and the history. The caller lists a million sessions in slices of select().

#ifndef KALLGLOT_REPORT_SESSION_LISTING_HPP
#define KALLGLOT_REPORT_SESSION_LISTING_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/tracking/episode_history.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {

/// One moment on both clocks, to convert steady times into wall times.
struct moment {
    steady_time steady = no_time;
    api_time wall{};
};

/// What the wall clock showed at a steady time, if it was not set since.
[[nodiscard]] inline api_time wall_time(steady_time at, moment now) {
    return now.wall - std::chrono::duration_cast<milliseconds>(now.steady - at);
}

[[nodiscard]] session_view view_of(const session_registry& registry, session_slot slot, moment now);

/// Selects one page. Lifetime: one listing; sessions may be added, removed and changed between slices.
class session_selection {
public:
    /// `process` identifies this process, because a cursor has a time of its clock. Empty if the cursor is of another
    /// process or malformed.
    [[nodiscard]] static std::optional<session_selection> begin(const session_query& query,
                                                                std::uint32_t process,
                                                                steady_time now);

    /// Checks the next `records` slots. False: there are no more.
    bool select(const session_registry& registry, std::size_t records);

    /// The page, oldest in their status first.
    [[nodiscard]] session_page page(const session_registry& registry, moment now) const;

private:
    /// Order of the listing: beginning of the status, then slot.
    using place = std::pair<steady_time, std::uint32_t>;

    session_selection() = default;
    [[nodiscard]] bool fits(const session_record& record, const place& where) const;

    session_query query_;
    std::uint32_t process_ = 0;
    steady_time now_ = no_time;
    std::optional<place> after_;
    std::vector<place> found_; ///< heap with the last one of the page on top; one more than a page
    std::uint32_t cursor_ = 0;
};

/// One page of episodes. Episodes that ended more than 72 hours ago are left out, also while the history still has them.
///
/// Cost: looks at every episode, of which there are at most 10,000.
[[nodiscard]] episode_page page_of(const episode_history& history,
                                   const episode_query& query,
                                   moment now);

} // namespace kallglot

#endif
