#include "web/episodes_page.hpp"

#include "kallglot/tracking/episode_history.hpp"
#include "web/page_frame.hpp"
#include "web/verdict.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

namespace kallglot {

namespace {

using hour_counts = std::array<std::uint32_t, session_provider_count>;

std::uint32_t sum(const hour_counts& counts) noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint32_t{0});
}

/// A column for each hour, its providers on top of each other.
void put_columns(page_writer& out, const hourly_counts& counts, std::uint32_t most) {
    constexpr double height = 100;
    for (std::size_t hour = 0; hour < counts.size(); ++hour) {
        // SVG counts from the top. The first provider stands on the ground line, and each next one on the one before.
        double base = height;
        for (std::size_t i = 0; i < session_provider_count; ++i) {
            if (counts[hour][i] == 0) {
                continue;
            }
            const double length = height * counts[hour][i] / most;
            base -= length;
            // Ten units an hour: a gap of one on each side of a column of eight.
            std::array<char, 96> numbers{};
            std::snprintf(numbers.data(),
                          numbers.size(),
                          "x=\"%zu\" y=\"%.1f\" width=\"8\" height=\"%.1f\"",
                          hour * 10 + 1,
                          base,
                          length);
            out.raw("<rect class=\"")
                .raw(to_string(static_cast<session_provider>(i)))
                .raw("\" ")
                .raw(numbers.data())
                .raw("/>");
        }
    }
}

/// The bars, and below them the time in days.
void put_chart(page_writer& out, const hourly_counts& counts, api_time now) {
    std::uint32_t most = 0;
    // The highest column fills the height, so the chart is scaled by it.
    for (const hour_counts& hour : counts) {
        most = std::max(most, sum(hour));
    }
    begin_card(out, "Episodes an hour, 72 hours, by provider");
    // Said in words: an empty chart could also be a page that is broken. It also keeps a division by zero away from
    // put_columns().
    if (most == 0) {
        out.raw("<p class=\"soft\">None.</p></section>\n");
        return;
    }
    out.raw("<p class=\"soft\">at most ")
        .text(describe_count(most))
        .raw(
            " in an hour</p>\n<svg class=\"hours\" viewBox=\"0 0 720 100\" "
            // 72 hours of ten units, stretched to the width of the page; the lines at 240 and 480 are the days.
            "preserveAspectRatio=\"none\" role=\"img\" "
            "aria-label=\"Bar chart; the tables have the sums\">"
            "<path class=\"days\" d=\"M0 0V100M240 0V100M480 0V100M0 100H720\"/>");
    put_columns(out, counts, most);
    out.raw("</svg>\n<p class=\"days soft\">");
    // Three labels for four lines: the right edge is `now`.
    // Where the lines of the drawing are.
    for (const int hours_ago : {72, 48, 24}) {
        out.raw("<span>").text(describe_minute(now - std::chrono::hours(hours_ago))).raw("</span>");
    }
    out.raw("<span>now</span></p></section>\n");
}

/// A table of what began and ended: getting worse, and compared with the day before.
void put_trend(page_writer& out, const std::vector<episode_view>& all, api_time now) {
    begin_card(out, "Is it getting worse?");
    out.raw(
        "<table><tr><th>time</th><th class=\"number\">began</th>"
        "<th class=\"number\">ended</th></tr>\n");
    // Began and ended side by side: while more begin than end, it gets worse.
    for (const trend_row& row : count_trend(all, now)) {
        out.raw("<tr><td>").text(row.name);
        for (const std::uint32_t count : {row.began, row.ended}) {
            out.raw("</td><td class=\"number\">").text(describe_count(count));
        }
        out.raw("</td></tr>\n");
    }
    out.raw("</table></section>\n");
}

/// A table with a row for each provider or mode: how many are open now, and how many there were. Providers have the
/// colours of the chart.
template <class Words, class Trait>
void put_traits(page_writer& out,
                std::string_view trait_name,
                const Words& words,
                Trait episode_view::* trait,
                bool has_colour,
                const std::vector<episode_view>& all) {
    // raw() for words is safe here: they come from the closed vocabularies of this program, never from the API.
    out.raw("<table><tr><th>")
        .raw(trait_name)
        .raw("</th><th class=\"number\">open</th><th class=\"number\">72 hours</th></tr>\n");
    for (const auto& word : words) {
        // A pass for each word. The history is bounded at 10,000 episodes, and there are a handful of words.
        const auto has_it = [&](const episode_view& one) {
            return one.*trait == word.value;
        };
        const auto open = std::ranges::count_if(all, [&](const episode_view& one) {
            return has_it(one) && one.outcome == episode_outcome::open;
        });
        out.raw("<tr><td>");
        if (has_colour) {
            out.raw("<svg class=\"key\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"")
                .raw(word.text)
                .raw("\" width=\"1\" height=\"1\"/></svg>");
        }
        out.text(word.text);
        // Words without any episode have a row too: that one provider has none is a finding.
        for (const auto count : {open, std::ranges::count_if(all, has_it)}) {
            out.raw("</td><td class=\"number\">")
                .text(describe_count(static_cast<std::uint64_t>(count)));
        }
        out.raw("</td></tr>\n");
    }
    out.raw("</table>\n");
}

void put_common(page_writer& out, const std::vector<episode_view>& all) {
    begin_card(out, "What do they have in common?");
    put_traits(out, "provider", session_provider_words, &episode_view::provider, true, all);
    put_traits(out, "mode", session_mode_words, &episode_view::mode, false, all);
    out.raw("</section>\n");
}

void put_open(page_writer& out, const episode_page& open, std::uint64_t count, api_time now) {
    if (open.episodes.empty()) {
        return;
    }
    begin_card(out, "Open");
    put_episodes(out, open.episodes, now);
    // Longer than one page only during an outage. The session API lists all of them.
    if (count > open.episodes.size()) {
        out.raw("<p class=\"soft\">and ")
            .text(describe_count(count - open.episodes.size()))
            .raw(" more</p>\n");
    }
    out.raw("</section>\n");
}

/// The list, and a link to the next page of it.
void put_over(page_writer& out, const episode_page& over, api_time now) {
    begin_card(out, "No longer stuck, the newest first");
    if (over.episodes.empty()) {
        out.raw("<p class=\"soft\">None in the last 72 hours.</p>\n");
    }
    put_episodes(out, over.episodes, now);
    if (over.next) {
        out.raw("<p><a href=\"")
            .raw(out.root())
            .raw("episodes?after=")
            // The number of an episode: it stays the same place in the list when new ones begin.
            .raw(std::to_string(*over.next))
            .raw("\">older ones</a></p>\n");
    }
    out.raw("</section>\n");
}

/// Without this the chart would seem to say that there were none before.
void put_limit(page_writer& out, const episodes_page_input& shown) {
    // At the limit the history is shorter than the 72 hours of the chart.
    if (shown.all.size() < episode_history::max_episodes) {
        return;
    }
    out.raw("<p class=\"soft\">Only the newest 10,000 episodes are kept; these go back to ")
        .text(describe_moment(shown.all.back().confirmed));
    if (shown.over.dropped > 0) {
        out.raw(". Older ones removed since the start: ").text(describe_count(shown.over.dropped));
    }
    out.raw(".</p>\n");
}

/// Without this an hour before the start would seem to have been quiet.
void put_start(page_writer& out, steady_duration uptime) {
    // Episodes survive a restart in the store, but the time in between was not observed.
    if (uptime >= std::chrono::hours(chart_hours)) {
        return;
    }
    out.raw("<p class=\"soft\">This exporter started ")
        .text(describe_duration(to_seconds(uptime)))
        .raw(" ago. Episodes that began and ended while it was not running are missing.</p>\n");
}

} // namespace

hourly_counts count_by_hour(const std::vector<episode_view>& episodes, api_time now) {
    hourly_counts counts{};
    // Whole hours of the clock and not the last 60 minutes, so that a column does not change its neighbours as time
    // passes.
    const auto present = std::chrono::floor<std::chrono::hours>(now);
    for (const episode_view& one : episodes) {
        // Negative if the wall clock was set back since, and too large for an open episode that is older than the
        // chart.
        const auto ago = (present - std::chrono::floor<std::chrono::hours>(one.confirmed)).count();
        if (ago >= 0 && ago < static_cast<std::chrono::hours::rep>(chart_hours)) {
            ++counts[chart_hours - 1 - static_cast<std::size_t>(ago)]
                    [static_cast<std::size_t>(one.provider)];
        }
    }
    return counts;
}

std::vector<trend_row> count_trend(const std::vector<episode_view>& episodes, api_time now) {
    using std::chrono::hours;
    using std::chrono::minutes;

    struct window {
        const char* name;
        milliseconds from; ///< before now
        milliseconds until;
    };

    constexpr std::array<window, 7> windows = {{
        {"last 5 minutes", minutes(5), minutes(0)},
        {"5 minutes before", minutes(10), minutes(5)},
        {"last hour", hours(1), hours(0)},
        {"hour before", hours(2), hours(1)},
        {"same hour yesterday", hours(25), hours(24)},
        {"last 24 hours", hours(24), hours(0)},
        {"24 hours before", hours(48), hours(24)},
    }};
    std::vector<trend_row> rows;
    for (const window& span : windows) {
        const auto is_in = [&](api_time at) {
            // Half open, so that an episode at the border of two spans counts once.
            return at > now - span.from && at <= now - span.until;
        };
        // Episodes that are still open have a beginning alone.
        trend_row& row = rows.emplace_back(trend_row{span.name});
        for (const episode_view& one : episodes) {
            row.began += is_in(one.confirmed) ? 1 : 0;
            row.ended += one.until && is_in(*one.until) ? 1 : 0;
        }
    }
    return rows;
}

void put_episodes(page_writer& out, const std::vector<episode_view>& episodes, api_time now) {
    if (episodes.empty()) {
        return;
    }
    out.raw("<ol class=\"sessions\">\n");
    for (const episode_view& one : episodes) {
        // The length of an open episode grows with the clock.
        const api_time end = one.until.value_or(now);
        out.raw("<li>")
            .id_link(one.id)
            .raw(" <span>")
            .text(to_string(one.status))
            .raw("</span> <span class=\"age\">")
            .text(describe_duration(unix_seconds(end) - unix_seconds(one.since)))
            .raw("</span> <span>")
            .text(to_string(one.outcome))
            .raw("</span> <span class=\"soft\">")
            .text(to_string(one.provider))
            .raw(", ")
            .text(to_string(one.mode))
            .raw(", from ")
            .text(describe_moment(one.since));
        if (one.until) {
            // Without the day: the length in front of it says how much later that is.
            out.raw(" to ").text(describe_clock(*one.until));
        }
        out.raw("</span></li>\n");
    }
    out.raw("</ol>\n");
}

std::string render_episodes_page(const episodes_page_input& shown) {
    page_writer out(root_of(shown.prefix, 0));
    begin_page(out, {"Stuck episodes", shown.prefix, shown.now});
    // Counted from all of them: the list of the open ones is only its first page.
    const auto open_count = static_cast<std::uint64_t>(
        std::ranges::count(shown.all, episode_outcome::open, &episode_view::outcome));
    out.raw("<main>\n<div class=\"verdict ")
        .raw(open_count > 0 ? "bad" : "good")
        .raw("\"><p class=\"headline\">")
        .text(open_count == 0
                  ? std::string("No session is stuck")
                  : describe_count(open_count)
                        + (open_count == 1 ? " session is stuck" : " sessions are stuck"))
        .raw(
            "</p><p>A session is listed once a poll has confirmed that it is in a status for "
            "longer "
            "than its alert allows. The times are those of the status.</p></div>\n");
    // What all have in common and how it develops comes before long lists.
    out.raw("<div class=\"cards\">\n");
    put_trend(out, shown.all, shown.now);
    put_common(out, shown.all);
    out.raw("</div>\n");
    put_chart(out, count_by_hour(shown.all, shown.now), shown.now);
    put_limit(out, shown);
    put_start(out, shown.uptime);
    put_open(out, shown.open, open_count, shown.now);
    put_over(out, shown.over, shown.now);
    out.raw("</main>\n");
    end_page(out, shown.build, {});
    return std::move(out).take();
}

} // namespace kallglot
