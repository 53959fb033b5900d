/// The page at `/` for people on call: the verdict first, then what it rests on.
///
/// Plain HTML for a phone or a wide screen, dark or light, without scripts: it loads itself again every few seconds. A
/// pure function of its input; everything that came from outside is escaped.

#ifndef KALLGLOT_WEB_STATUS_PAGE_HPP
#define KALLGLOT_WEB_STATUS_PAGE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/daemon_control.hpp"

#include <array>
#include <string>
#include <string_view>

namespace kallglot {

/// What the page shows. Lifetime: everything it refers to outlives the call.
struct status_page_input {
    build_details build;
    readiness state;
    const daemon_report* report = nullptr;            ///< null while there is nothing to count yet
    std::array<double, session_source_count> added{}; ///< ids taken in, by source
    steady_duration uptime{};
    std::string_view telemetry_path = "/metrics";
};

[[nodiscard]] std::string render_status_page(const status_page_input& shown);

/// The page's one style sheet, inline.
[[nodiscard]] std::string_view status_page_style() noexcept;

/// Content-Security-Policy of the page: nothing but that style, by its hash; no script, image, frame, form or other host.
[[nodiscard]] std::string status_page_policy();

/// Text made harmless inside HTML, in attributes too.
[[nodiscard]] std::string escape_html(std::string_view text);

} // namespace kallglot

#endif
