/// The status page at `/` for people on call: the verdict first, then the facts behind it.
///
/// Plain HTML for a phone or a wide screen, dark or light, without scripts. The page reloads itself every few seconds,
/// by a header of its response, unless that is turned off.
/// Rendering is a pure function of its input; every value from outside is escaped.

#ifndef KALLGLOT_WEB_STATUS_PAGE_HPP
#define KALLGLOT_WEB_STATUS_PAGE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/daemon_control.hpp"

#include <array>
#include <string>
#include <string_view>

namespace kallglot {

/// The input of the page. Lifetime: everything it refers to outlives the call.
struct status_page_input {
    build_details build;
    readiness state;
    const daemon_report* report = nullptr;            ///< null before the restore
    std::array<double, session_source_count> added{}; ///< registered ids by source, since the start
    steady_duration uptime{};
    std::string_view telemetry_path = "/metrics";
    std::string_view prefix{}; ///< of all paths, behind a proxy; empty or begins with a slash
    bool reloads = true;
};

[[nodiscard]] std::string render_status_page(const status_page_input& shown);

/// The style sheet of all pages; it is inlined.
[[nodiscard]] std::string_view status_page_style() noexcept;

/// Content-Security-Policy of all pages: allows only the style sheet, by its hash, and the form that finds a session; no
/// script, image, frame or other host.
[[nodiscard]] std::string status_page_policy();

/// Escapes a text for HTML content and attribute values.
[[nodiscard]] std::string escape_html(std::string_view text);

} // namespace kallglot

#endif
