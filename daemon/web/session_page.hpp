/// The page of one session, `/sessions/{id}`, and the page of what the box found. Pure; every value from outside is escaped.

#ifndef KALLGLOT_WEB_SESSION_PAGE_HPP
#define KALLGLOT_WEB_SESSION_PAGE_HPP

#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/session_intake.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Lifetime: everything it refers to outlives the call.
struct session_page_input {
    build_details build;
    std::string_view prefix;
    session_id id;
    const session_view* view = nullptr; ///< null: not tracked
    episode_page episodes;
    api_time now{};
};

[[nodiscard]] std::string render_session_page(const session_page_input& shown);

/// In place of a page that needs the sessions, before they are restored. `depth`: folders above the page.
[[nodiscard]] std::string render_restoring_page(const build_details& build,
                                                std::string_view prefix,
                                                int depth);

/// The ids that the box found: none, or several.
[[nodiscard]] std::string render_found_page(const build_details& build,
                                            std::string_view prefix,
                                            const std::vector<session_id>& found);

} // namespace kallglot

#endif
