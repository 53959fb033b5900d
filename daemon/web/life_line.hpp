/// The life of a session as stays in statuses, and its time line as inline SVG.
///
/// Only what is known is shown: the daemon keeps the present status, creation, start, and stuck episodes; of a stay in
/// between it keeps nothing. A beginning that is known between two moments is drawn as such. Pure.

#ifndef KALLGLOT_WEB_LIFE_LINE_HPP
#define KALLGLOT_WEB_LIFE_LINE_HPP

#include "kallglot/ports/session_intake.hpp"
#include "web/page_writer.hpp"

#include <optional>
#include <vector>

namespace kallglot {

struct life_stay {
    session_status status = session_status::unknown;
    api_time from{};                  ///< later bound
    std::optional<api_time> from_low; ///< empty: not known how much earlier
    std::optional<api_time> until;    ///< later bound; empty: it lasts
    std::optional<api_time> until_low;
    bool rest_unknown = false; ///< other statuses may have followed before `until`
};

/// In the order of time. `view` is null for a session that is not tracked.
[[nodiscard]] std::vector<life_stay> stays_of(const session_view* view,
                                              const std::vector<episode_view>& episodes);

/// The time line and the same in words, for screen readers and for exact times.
void put_life(page_writer& out, const std::vector<life_stay>& stays, api_time now);

} // namespace kallglot

#endif
