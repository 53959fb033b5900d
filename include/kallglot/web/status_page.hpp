/// The page at `/` for people: what this is, counts by status, what is stuck, where to look further.
///
/// Plain HTML without scripts; a pure function of its input.

#ifndef KALLGLOT_WEB_LANDING_PAGE_HPP
#define KALLGLOT_WEB_LANDING_PAGE_HPP

#include "kallglot/ports/daemon_control.hpp"

#include <string>
#include <string_view>

namespace kallglot {

/// `report` is null while the daemon has nothing to count yet.
[[nodiscard]] std::string render_landing_page(const build_details& build,
                                              const readiness& state,
                                              const daemon_report* report,
                                              std::string_view telemetry_path);

/// Text made harmless inside HTML, in attributes too.
[[nodiscard]] std::string escape_html(std::string_view text);

/// Nothing but our own inline style; no script, no frame, no form, no other host.
inline constexpr std::string_view content_security_policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

} // namespace kallglot

#endif
