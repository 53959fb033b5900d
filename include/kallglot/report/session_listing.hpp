/// Reads the table for the session API: one session as a view, and pages of those that are longest in their status.
///
/// Pure functions over the registry; whoever lists a million sessions calls select() in slices.

#ifndef KALLGLOT_REPORT_SESSION_LISTING_HPP
#define KALLGLOT_REPORT_SESSION_LISTING_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {

/// One moment on both clocks, for showing steady times.
struct moment {
    steady_time steady = no_time;
    api_time wall{};
};

[[nodiscard]] session_view view_of(const session_registry& registry, session_slot slot, moment now);

/// Looks for one page. Lifetime: for one listing; sessions may come, go and change between slices.
class session_selection {
public:
    /// `process` names this process, because cursors hold its clock. Empty if the cursor is none of its own.
    [[nodiscard]] static std::optional<session_selection> begin(const session_query& query,
                                                                std::uint32_t process,
                                                                steady_time now);

    /// Looks at the next `records` places. False: that was the end.
    bool select(const session_registry& registry, std::size_t records);

    /// The page, oldest in their status first.
    [[nodiscard]] session_page page(const session_registry& registry, moment now) const;

private:
    /// Orders the listing: since when, then where.
    using place = std::pair<steady_time, std::uint32_t>;

    session_selection() = default;
    [[nodiscard]] bool fits(const session_record& record, const place& where) const;

    session_query query_;
    std::uint32_t process_ = 0;
    steady_time now_ = no_time;
    std::optional<place> after_;
    std::vector<place>
        found_; ///< a heap, the last of the page on top; one more than the page holds
    std::uint32_t cursor_ = 0;
};

} // namespace kallglot

#endif
