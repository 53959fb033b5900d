// From top to bottom: the verdict, the stuck sessions, then cards with facts. A card is a list of name and value; the
// class of a value (`care`, `alarm`) marks what explains the verdict. Unknown facts are left out, never shown as 0.

#include "web/status_page.hpp"

#include "kallglot/tracking/session.hpp"
#include "web/page_frame.hpp"
#include "web/page_writer.hpp"
#include "web/verdict.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <optional>

namespace kallglot {

namespace {

/// The age of a moment at the time of the report: `3 s ago` or `now`; `never` without a moment.
std::string ago(std::optional<double> moment, const daemon_report& report) {
    if (!moment) {
        return "never";
    }
    const double age = unix_seconds(report.wall_now) - *moment;
    return age < 0.5 ? "now" : describe_duration(age) + " ago";
}

/// A rate with one decimal below 10, where it matters: `4.9/s`, `120/s`, `unlimited`.
std::string describe_rate(double requests_a_second) {
    if (std::isinf(requests_a_second)) {
        return "unlimited";
    }
    std::array<char, 40> text{};
    std::snprintf(text.data(),
                  text.size(),
                  requests_a_second < 9.95 ? "%.1f/s" : "%.0f/s",
                  requests_a_second);
    return text.data();
}

/// A card that consists of facts; `end_facts` closes it.
void begin_facts(page_writer& out, std::string_view title) {
    begin_card(out, title);
    out.raw("<dl>\n");
}

// The counterparts of begin_facts and of a table in a card.
constexpr std::string_view end_facts = "</dl></section>\n";
constexpr std::string_view end_table = "</table></section>\n";

/// Counts by status, each with a bar of its share.
void put_counts(page_writer& out, const daemon_report& report) {
    const counts_by_status& counts = report.census.by_status;
    // Without sessions every share is 0; a division would give NaN, which is not a width.
    const std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    begin_card(out, "Sessions");
    out.raw("<table>\n");
    // Every status has a row, also at 0: rows that come and go are hard to compare.
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const std::string_view name = to_string(static_cast<session_status>(i));
        out.raw("<tr><td>").text(name).raw("</td><td class=\"bar-cell\">");
        out.bar(name, total == 0 ? 0 : 100.0 * counts[i] / static_cast<double>(total));
        out.raw("</td><td class=\"number\">").text(describe_count(counts[i])).raw("</td></tr>\n");
    }
    out.raw("<tr><td>all</td><td></td><td class=\"number\">")
        .text(describe_count(total))
        .raw("</td></tr>\n")
        .raw(end_table);
}

/// Details of a stuck session: mode, provider, age, failed polls.
std::string describe_rest(const session_view& one, api_time now) {
    // Mode and provider are closed vocabularies, so the texts are constants of this program.
    std::string text(to_string(one.mode));
    text += ", ";
    text += to_string(one.provider);
    if (one.created) {
        text += ", created " + describe_duration(unix_seconds(now) - unix_seconds(*one.created))
                + " ago";
    }
    // Failed polls mean that the state may have changed since.
    if (one.failures > 0) {
        text += ", " + std::to_string(one.failures) + " polls failed since the last success";
    }
    return text;
}

/// The stuck sessions with the longest stay first; the report bounds their number, the last line counts the others.
void put_stuck(page_writer& out, const daemon_report& report) {
    // No empty card: a page without it is the good news.
    const std::uint64_t total = count_stuck(report.census);
    if (total == 0) {
        return;
    }
    begin_card(out, "Stuck sessions");
    // A list and not a table: on a phone every session is a card, with its id on one line and its age large.
    out.raw("<ol class=\"sessions\">\n");
    const api_time now = report.wall_now;
    for (const session_view& one : report.stuck) {
        // Computed at the time of the report, so all rows are consistent.
        const double age = unix_seconds(now) - unix_seconds(one.since);
        // The age is by the clock; the last poll shows how old the evidence for it is.
        const std::optional<double> seen =
            one.last_poll ? std::optional(unix_seconds(*one.last_poll)) : std::nullopt;
        out.raw("<li>")
            .id_link(one.id)
            .raw(" <span>")
            .text(to_string(one.status))
            .raw("</span> <span class=\"age\">")
            .text(describe_duration(age))
            .raw("</span> <span class=\"soft\">polled ")
            .text(ago(seen, report))
            .raw("</span> <span class=\"soft\">")
            .text(describe_rest(one, now))
            .raw("</span></li>\n");
    }
    out.raw("</ol>\n");
    // The complete list is in the session API, `older_than` and `status`.
    if (total > report.stuck.size()) {
        out.raw("<p class=\"soft\">and <a href=\"")
            .raw(out.root())
            .raw("episodes\">")
            .text(describe_count(total - report.stuck.size()))
            .raw(" more</a></p>\n");
    }
    out.raw("</section>\n");
}

/// State of the API: usable or not, pauses, connections, and the rate limit of the account.
void put_api(page_writer& out, const daemon_report& report) {
    const gauge_set& gauges = report.gauges;
    // Three levels: usable, throttled (polls are late), and unusable.
    const bool usable = report.state == api_state::ok || report.state == api_state::starting;
    const bool slowed = report.state == api_state::throttled;
    begin_facts(out, "API");
    out.fact("state", to_string(report.state), usable ? "" : slowed ? "care" : "alarm");
    out.fact("last success", ago(gauges.value(metric::last_poll_success), report));
    const double paused_until = gauges.value(metric::api_paused_until).value_or(0);
    if (paused_until > 0) {
        out.fact("paused for another",
                 describe_duration(paused_until - unix_seconds(report.wall_now)),
                 "care");
    }
    const auto connections = [&gauges](std::string_view state) {
        return describe_count(
            static_cast<std::uint64_t>(gauges.value(metric::api_connections, state).value_or(0)));
    };
    out.fact("connections", connections("busy") + " busy, " + connections("idle") + " idle");
    // Only known after the first response with rate limit headers. They can be negative.
    const auto limit = gauges.value(metric::api_rate_limit);
    const auto remaining = gauges.value(metric::api_rate_limit_remaining);
    if (limit && remaining) {
        out.fact("rate limit left",
                 describe_count(static_cast<std::uint64_t>(std::max(0.0, *remaining))) + " of "
                     + describe_count(static_cast<std::uint64_t>(std::max(0.0, *limit))));
    }
    out.raw(end_facts);
}

/// How many sessions the budget decides in time; if not all, what would.
std::string describe_decisions(double ratio, std::optional<double> deciding_rate) {
    std::string text = describe_count(static_cast<std::uint64_t>(std::lround(100 * ratio)))
                       + " of 100 sessions in time";
    if (ratio < 0.95 && deciding_rate) {
        const auto a_minute = static_cast<std::uint64_t>(std::ceil(60 * *deciding_rate));
        text += "; webhooks or " + describe_count(a_minute) + " requests a minute would decide all";
    }
    return text;
}

/// Request budget and demand, and what follows from them: stretched intervals, stale sessions, overdue polls.
void put_budget(page_writer& out, const daemon_report& report) {
    const gauge_set& gauges = report.gauges;
    begin_facts(out, "Polling");
    out.fact("request budget", describe_rate(gauges.value(metric::poll_budget).value_or(0)));
    out.fact("demand", describe_rate(gauges.value(metric::poll_demand).value_or(0)));
    const double stretch = gauges.value(metric::poll_stretch).value_or(1);
    // Small fluctuations around 1 are no shortage.
    std::array<char, 40> times{};
    std::snprintf(times.data(), times.size(), "%.1f times the configured one", stretch);
    out.fact("routine interval", stretch > 1.05 ? times.data() : "as configured");
    if (const auto decided = gauges.value(metric::decisions)) {
        out.fact("the budget decides",
                 describe_decisions(*decided, report.deciding_rate),
                 *decided < 0.95 ? "care" : "");
    }
    if (report.census.unobserved > 0) {
        out.fact("never observed, past the first threshold",
                 describe_count(report.census.unobserved),
                 "care");
    }
    const auto& stale = report.census.stale;
    const std::uint64_t old = std::accumulate(stale.begin(), stale.end(), std::uint64_t{0});
    out.fact("stale sessions", describe_count(old), old > 0 ? "care" : "");
    // For the first seconds after a restart only.
    if (report.census.unverified > 0) {
        out.fact("restored and not yet polled", describe_count(report.census.unverified));
    }
    out.fact("overdue polls",
             describe_count(static_cast<std::uint64_t>(gauges.sum(metric::polls_overdue))));
    // Words of this exporter: an operator at night should not have to look them up.
    out.raw(
        "</dl>\n<p class=\"soft\">Budget: API requests that the exporter may send now. Demand: "
        "what "
        "it needs to keep every interval; what exceeds the budget waits. Stale: no successful poll "
        "for three intervals. Overdue: due, and waiting for the budget or a connection.</p>"
        "</section>\n");
}

/// Where session ids come from, and whether webhooks are reliable enough to replace polls.
void put_intake(page_writer& out, const status_page_input& shown) {
    const daemon_report& report = *shown.report;
    begin_facts(out, "Intake");
    // Every source, also at 0: that no id came from webhooks is often the answer.
    for (const auto& source : session_source_words) {
        const double added = shown.added[static_cast<std::size_t>(source.value)];
        out.fact("ids from " + std::string(source.text),
                 describe_count(static_cast<std::uint64_t>(added)));
    }
    // No value: the webhook listener is disabled.
    if (!report.webhooks_flow) {
        out.fact("webhooks", "off");
    } else {
        out.fact("last webhook", ago(report.gauges.value(metric::webhook_last_event), report));
        out.fact("webhooks reliable", *report.webhooks_flow ? "yes" : "no");
    }
    if (const auto limit = report.gauges.value(metric::sessions_limit)) {
        out.fact("max sessions", describe_count(static_cast<std::uint64_t>(*limit)));
    }
    out.raw(end_facts);
}

/// The daemon itself: store, last reload, event loop, uptime.
void put_daemon(page_writer& out, const status_page_input& shown) {
    const daemon_report& report = *shown.report;
    const gauge_set& gauges = report.gauges;
    begin_facts(out, "Daemon");
    if (report.store_writable) {
        out.fact("store",
                 *report.store_writable
                     ? "written " + ago(gauges.value(metric::store_last_commit), report)
                     : std::string("not writable"),
                 *report.store_writable ? "" : "alarm");
        // Shown for good: ids may have been lost, and the operator decides when that is dealt with.
        const auto corrupt = gauges.value(metric::store_last_corruption);
        if (corrupt.value_or(0) > 0) {
            out.fact("store found corrupt", ago(corrupt, report), "care");
        }
    } else {
        out.fact("store", "in memory only", "care");
    }
    // A failed reload leaves the old configuration in force, so nothing else on the page shows it.
    if (gauges.value(metric::config_last_reload_successful) == 0.0) {
        out.fact("last reload", "failed", "care");
    }
    if (const auto worst = gauges.value(metric::event_loop_delay)) {
        std::array<char, 40> delay{};
        std::snprintf(delay.data(), delay.size(), "%.1f ms", *worst * 1e3);
        out.fact("max event loop delay", delay.data());
    }
    out.fact("uptime", describe_duration(to_seconds(shown.uptime)));
    out.raw(end_facts);
}

} // namespace

std::string render_status_page(const status_page_input& shown) {
    // One verdict for title, headline and colour, so they cannot contradict each other. The title begins with it, so it can
    // be read from a tab in the background.
    const verdict said = judge(shown.state, shown.report);
    page_writer out(root_of(shown.prefix, 0));
    page_frame frame{said.headline, shown.prefix};
    frame.reloads = shown.reloads;
    // It shows when a tab no longer reloads.
    if (shown.report != nullptr) {
        frame.now = shown.report->wall_now;
    }
    begin_page(out, frame);
    out.raw("<main>\n<div class=\"verdict ")
        .raw(to_string(said.tone))
        .raw("\" role=\"status\"><p class=\"headline\">")
        .text(said.headline)
        .raw("</p>");
    if (!said.detail.empty()) {
        out.raw("<p>").text(said.detail).raw("</p>");
    }
    out.raw("</div>\n");
    // Before the restore there is only the reason why the daemon is not ready.
    if (shown.report != nullptr) {
        put_stuck(out, *shown.report);
        out.raw("<div class=\"cards\">\n");
        put_counts(out, *shown.report);
        put_budget(out, *shown.report);
        put_api(out, *shown.report);
        put_intake(out, shown);
        put_daemon(out, shown);
        out.raw("</div>\n");
    }
    out.raw("</main>\n");
    end_page(out, shown.build, {shown.telemetry_path, std::string_view("/-/ready")});
    return std::move(out).take();
}

} // namespace kallglot
