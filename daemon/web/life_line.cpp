#include "web/life_line.hpp"

#include "web/page_frame.hpp"
#include "web/verdict.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace kallglot {

namespace {

/// Units of the drawing's width.
constexpr double width = 1000;

double seconds_between(api_time from, api_time until) {
    return std::chrono::duration<double>(until - from).count();
}

/// Where a moment is in the drawing.
class scale {
public:
    scale(api_time begin, api_time end) noexcept
        : begin_(begin),
          // Never a division by zero: a session may begin and end in one millisecond.
          units_a_second_(width / std::max(seconds_between(begin, end), 0.001)) {}

    [[nodiscard]] double place(api_time at) const noexcept {
        // A moment outside the life is put at its edge, since bounds of two clocks may overlap.
        return std::clamp(seconds_between(begin_, at) * units_a_second_, 0.0, width);
    }

private:
    api_time begin_;
    double units_a_second_;
};

void put_bar(page_writer& out,
             const scale& where,
             api_time from,
             api_time until,
             std::string_view status,
             std::string_view more) {
    const double begin = where.place(from);
    // Narrower bars could not be seen.
    const double length = std::max(where.place(until) - begin, 3.0);
    std::array<char, 80> numbers{};
    // snprintf and no stream: a point between the digits, whatever the locale. A bar at the right edge moves to the left,
    // so that its minimum width is visible.
    std::snprintf(numbers.data(),
                  numbers.size(),
                  "x=\"%.1f\" width=\"%.1f\"",
                  std::min(begin, width - 3),
                  length);
    out.raw("<rect class=\"")
        .raw(status)
        .raw(more)
        .raw("\" ")
        .raw(numbers.data())
        .raw(" height=\"10\"/>");
}

/// `at 14:03:22 UTC`, or `between 14:03:20 UTC and 14:03:22 UTC` if that differs.
std::string describe_bounds(const std::optional<api_time>& low, api_time high) {
    // The texts have whole seconds: closer bounds would read as one moment twice.
    if (low && high - *low >= seconds(1)) {
        return "between " + describe_moment(*low) + " and " + describe_clock(high);
    }
    // Without a lower bound only the latest moment is known.
    return (low ? "at " : "by ") + describe_moment(high);
}

/// Two stays that are one: the same status, from two sources.
bool is_same(const life_stay& earlier, const life_stay& later) noexcept {
    // A stay with an end is not continued: the session came back to the status.
    return earlier.status == later.status && !earlier.until;
}

} // namespace

std::vector<life_stay> stays_of(const session_view* view,
                                const std::vector<episode_view>& episodes) {
    // Two sources: episodes have exact ends, and the session has the timestamps of the API. They are sorted by their
    // beginning, and stays that both have are joined.
    std::vector<life_stay> all;
    for (const episode_view& one : episodes) {
        all.push_back({one.status, one.since, one.since_low, one.until, one.until_low});
    }
    if (view != nullptr) {
        if (view->created) {
            all.push_back({session_status::created, *view->created, view->created, {}, {}});
        }
        if (view->started) {
            all.push_back({session_status::active, *view->started, view->started, {}, {}});
        }
        all.push_back({view->status, view->since, view->since_low, {}, {}});
    }
    // By status as well: of two that begin at one moment the earlier in a life comes first.
    std::ranges::sort(all, {}, [](const life_stay& one) {
        return std::pair(one.from, one.status);
    });
    std::vector<life_stay> stays;
    for (life_stay& one : all) {
        if (stays.empty() || !is_same(stays.back(), one)) {
            stays.push_back(one);
        } else if (one.until) {
            stays.back().until = one.until;
            stays.back().until_low = one.until_low;
        }
    }
    // The bounds of two clocks may overlap: a stay does not begin before the one that it follows.
    for (std::size_t i = 1; i < stays.size(); ++i) {
        if (stays[i].from_low) {
            stays[i].from_low = std::clamp(*stays[i].from_low, stays[i - 1].from, stays[i].from);
        }
    }
    // A stay ends where the next one begins. Nothing is kept of `connecting` once the call has started.
    for (std::size_t i = 0; i + 1 < stays.size(); ++i) {
        if (!stays[i].until) {
            stays[i].until = stays[i + 1].from;
            stays[i].until_low = stays[i + 1].from_low;
            stays[i].rest_unknown = stays[i].status == session_status::created
                                    && stays[i + 1].status != session_status::connecting;
        } else if (stays[i + 1].from <= *stays[i].until) {
            // A timestamp of the next status is closer to the truth than the polls that saw the change.
            stays[i].until = stays[i + 1].from;
            stays[i].until_low = stays[i + 1].from_low;
        }
    }
    return stays;
}

void put_life(page_writer& out, const std::vector<life_stay>& stays, api_time now) {
    if (stays.empty()) {
        return;
    }
    const api_time begin = stays.front().from_low.value_or(stays.front().from);
    const bool is_over = stays.back().status == session_status::ended;
    // A session that ended has no length after its end.
    const api_time end = is_over ? stays.back().from : stays.back().until.value_or(now);
    const scale where(begin, end);
    out.raw(
        "<svg class=\"life\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"Time line; the list below has the same in words\">");
    for (const life_stay& one : stays) {
        const std::string_view status = to_string(one.status);
        const api_time until =
            one.status == session_status::ended ? one.from : one.until.value_or(end);
        put_bar(out,
                where,
                one.from,
                std::max(one.from, one.until_low.value_or(until)),
                status,
                "");
        // The status began somewhere in here.
        if (one.from_low && *one.from_low < one.from) {
            put_bar(out, where, *one.from_low, one.from, status, " unsure");
        }
    }
    out.raw("</svg>\n<p class=\"ends soft\"><span>")
        .text(describe_moment(begin))
        .raw("</span><span>")
        .text(is_over ? describe_moment(end) : std::string("now"))
        .raw("</span></p>\n<ol>\n");
    for (const life_stay& one : stays) {
        out.raw("<li><strong>").text(to_string(one.status)).raw("</strong> ");
        out.text(describe_bounds(one.from_low, one.from));
        if (one.status != session_status::ended) {
            const double length = seconds_between(one.from, one.until.value_or(now));
            out.text(", for " + describe_duration(length));
            out.text(one.rest_unknown ? ", connecting included" : "");
        }
        out.raw("</li>\n");
    }
    out.raw("</ol>\n");
}

} // namespace kallglot
