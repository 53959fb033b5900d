/// Listing of sessions for the session API: one session as a view, and pages of sessions, longest in their status
/// first.
///
/// Pure functions over the registry. The caller lists a million sessions in slices of select().

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

/// One moment on both clocks, to convert steady times into wall times.
struct moment {
    steady_time steady = no_time;
    api_time wall{};
};

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

} // namespace kallglot

#endif
