#include "kallglot/web/landing_page.hpp"

#include "kallglot/core/session.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace kallglot {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kallglot_exporter</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid #8886; }
td + td { text-align: right; font-variant-numeric: tabular-nums; }
.verdict { font-size: 1.2rem; }
footer { color: #888; font-size: .85rem; }
</style>
</head>
<body>
<h1>kallglot_exporter</h1>
<p>Follows Kallglot voice sessions and tells Prometheus which of them are stuck.</p>
)";

void append_row(std::string& out, std::string_view name, std::uint64_t count) {
    out += "<tr><td>";
    out += escape_html(name);
    out += "</td><td>";
    out += std::to_string(count);
    out += "</td></tr>\n";
}

// The shortest threshold holds everybody who is past any; the list rises.
[[nodiscard]] std::uint64_t first_of(const std::vector<std::uint32_t>& counts) noexcept {
    return counts.empty() ? 0 : counts.front();
}

// What an operator is called for: confirmed in a status that ought to be short.
[[nodiscard]] std::uint64_t count_stuck(const census& counted, session_status status) noexcept {
    return first_of(counted.over_threshold[static_cast<std::size_t>(status)]);
}

void append_counts(std::string& out, const census& counted) {
    const std::uint64_t total =
        std::accumulate(counted.by_status.begin(), counted.by_status.end(), std::uint64_t{0});
    out += "<h2>Sessions</h2>\n<table>\n<tr><th>status</th><th>tracked</th></tr>\n";
    for (std::size_t i = 0; i < session_status_count; ++i) {
        append_row(out, to_string(static_cast<session_status>(i)), counted.by_status[i]);
    }
    append_row(out, "all", total);
    out += "</table>\n";
}

[[nodiscard]] std::string describe_stuck(std::uint64_t count) {
    if (count == 0) {
        return "No session is stuck.";
    }
    return count == 1 ? "1 session is stuck." : std::to_string(count) + " sessions are stuck.";
}

void append_stuck(std::string& out, const census& counted) {
    constexpr std::array short_statuses = {session_status::created,
                                           session_status::connecting,
                                           session_status::ending};
    std::uint64_t stuck = 0;
    for (const session_status status : short_statuses) {
        stuck += count_stuck(counted, status);
    }
    out += "<p class=\"verdict\">";
    out += describe_stuck(stuck);
    out += "</p>\n<table>\n<tr><th>past the first threshold</th><th>sessions</th></tr>\n";
    for (const session_status status : short_statuses) {
        append_row(out, to_string(status), count_stuck(counted, status));
    }
    out += "</table>\n";
}

void append_link(std::string& out, std::string_view path) {
    out += "<li><a href=\"";
    out += escape_html(path);
    out += "\">";
    out += escape_html(path);
    out += "</a></li>\n";
}

} // namespace

std::string escape_html(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += c;
        }
    }
    return safe;
}

std::string render_landing_page(const build_details& build,
                                const readiness& state,
                                const daemon_report* report,
                                std::string_view telemetry_path) {
    std::string page(head);
    if (!state.ready) {
        page += "<p class=\"verdict\">Not ready: " + escape_html(state.reason) + "</p>\n";
    }
    if (report != nullptr) {
        append_stuck(page, report->census);
        append_counts(page, report->census);
    }
    page += "<h2>Links</h2>\n<ul>\n";
    append_link(page, telemetry_path);
    append_link(page, "/-/healthy");
    append_link(page, "/-/ready");
    page += "</ul>\n<footer>version " + escape_html(build.version) + ", revision "
            + escape_html(build.revision) + ", " + escape_html(build.compiler)
            + "</footer>\n</body>\n</html>\n";
    return page;
}

} // namespace kallglot
