/// What all pages for people have in common: head, navigation with the box that finds a session, footer, response.

#ifndef KALLGLOT_WEB_PAGE_FRAME_HPP
#define KALLGLOT_WEB_PAGE_FRAME_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/build_details.hpp"
#include "web/page_writer.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot {

/// Lifetime: the texts outlive the calls.
struct page_frame {
    std::string_view title;
    std::string_view prefix{}; ///< of all paths, behind a proxy; empty or begins with a slash
    std::optional<api_time> now{};
    std::optional<bool> reloads{}; ///< of a page that can reload itself: whether it does
};

/// How the page gets to `/`: through the base of a prefix, else by folders. `depth` folders lie above the page.
[[nodiscard]] std::string_view root_of(std::string_view prefix, int depth) noexcept;

void begin_page(page_writer& out, const page_frame& frame);

/// Ends the page; `links` shows more paths, for example of the metrics.
void end_page(page_writer& out,
              const build_details& build,
              std::initializer_list<std::string_view> links);

/// A page with the headers of all pages.
[[nodiscard]] http_response make_page(int status, std::string html);

/// `14:03:22 UTC`, and with the day `2026-04-14 14:03:22 UTC`. UTC, because the page may be read in another time zone than
/// that of the host.
[[nodiscard]] std::string describe_clock(api_time at);
[[nodiscard]] std::string describe_moment(api_time at);

/// `04-14 14:03`, for the labels of a chart.
[[nodiscard]] std::string describe_minute(api_time at);

/// A card with a title; the caller writes its content and closes it.
void begin_card(page_writer& out, std::string_view title);

} // namespace kallglot

#endif
