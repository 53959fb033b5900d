#include "web/page_frame.hpp"

#include "web/status_page.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace kallglot {

namespace {

// Plain HTML: the browser asks `sessions?id=...`, which leads to the page of the session.
void put_navigation(page_writer& out) {
    out.raw("<nav aria-label=\"Pages\">");
    for (const auto& [path, name] : {std::pair("", "status"),
                                     std::pair("episodes", "episodes"),
                                     std::pair("runbooks", "runbooks")}) {
        out.raw("<a href=\"").raw(out.root()).raw(path).raw("\">").raw(name).raw("</a>\n");
    }
    out.raw("<form role=\"search\" method=\"get\" action=\"")
        .raw(out.root())
        .raw(
            "sessions\"><label for=\"id\">Find a session</label>"
            "<input id=\"id\" name=\"id\" required maxlength=\"64\" autocomplete=\"off\" "
            "spellcheck=\"false\" placeholder=\"id, or its last 6 characters\">"
            "<button>Find</button></form></nav>\n");
}

} // namespace

std::string_view root_of(std::string_view prefix, int depth) noexcept {
    // With a prefix the base element resolves all links, whatever the depth. Without one, a page below `/sessions/`
    // has to go up.
    return depth == 0 || !prefix.empty() ? "./" : "../";
}

void begin_page(page_writer& out, const page_frame& frame) {
    out.raw(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<title>").text(frame.title).raw(" · kallglot_exporter</title>\n");
    // With a prefix a page may be shown at `/kallglot` as well as at `/kallglot/`; links lead to the same places.
    if (!frame.prefix.empty()) {
        out.raw("<base href=\"").text(frame.prefix).raw("/\">\n");
    }
    out.raw("<style>")
        .raw(status_page_style())
        .raw("</style>\n</head>\n<body>\n<header><h1>kallglot_exporter</h1>");
    out.raw("<span class=\"soft\">").text(frame.now ? describe_clock(*frame.now) : std::string());
    // WCAG 2.2.2 (Pause, Stop, Hide) asks for it.
    // A page that changes by itself can be stopped: readers differ in pace.
    if (frame.reloads) {
        out.raw(" <a href=\"").raw(out.root());
        out.raw(*frame.reloads ? "?reload=off\">stop reloading" : "\">reload").raw("</a>");
    }
    out.raw("</span></header>\n");
    put_navigation(out);
}

void end_page(page_writer& out,
              const build_details& build,
              std::initializer_list<std::string_view> links) {
    out.raw("<footer>\n");
    for (const std::string_view path : links) {
        out.link(path);
    }
    out.raw("<span>version ")
        .text(build.version)
        .raw(", revision ")
        .text(build.revision)
        .raw(", ")
        .text(build.compiler)
        .raw("</span>\n</footer>\n</body>\n</html>\n");
}

http_response make_page(int status, std::string html) {
    // Once: it depends on the style alone, which is a constant.
    static const std::string policy = status_page_policy();
    http_response response;
    response.status = status;
    response.content_type = "text/html; charset=utf-8";
    response.body = std::move(html);
    response.fields.emplace_back("Content-Security-Policy", policy);
    // The path of a page may have a session id, which can be a SIP address. No other site may get it as a referrer.
    response.fields.emplace_back("Referrer-Policy", "no-referrer");
    // Every page is true for one moment only.
    response.fields.emplace_back("Cache-Control", "no-store");
    return response;
}

std::string describe_clock(api_time at) {
    const auto time_of_day = at - std::chrono::floor<std::chrono::days>(at);
    // Rounded down: rounded up, 23:59:59.9 would become 24:00:00.
    const std::chrono::hh_mm_ss split(std::chrono::floor<std::chrono::seconds>(time_of_day));
    std::array<char, 32> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%02d:%02d:%02d UTC",
                  static_cast<int>(split.hours().count()),
                  static_cast<int>(split.minutes().count()),
                  static_cast<int>(split.seconds().count()));
    return text.data();
}

std::string describe_moment(api_time at) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
    std::array<char, 32> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%04d-%02u-%02u ",
                  static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()),
                  static_cast<unsigned>(day.day()));
    // A std::string as the right operand, so this is no sum of pointers.
    return text.data() + describe_clock(at);
}

std::string describe_minute(api_time at) {
    // The year and the seconds would only be noise.
    std::string text = describe_moment(at);
    // `2026-04-14 14:03:22 UTC`: from the month to the minute.
    return text.substr(5, 11);
}

void begin_card(page_writer& out, std::string_view title) {
    out.raw("<section class=\"card\"><h2>").text(title).raw("</h2>\n");
}

} // namespace kallglot
