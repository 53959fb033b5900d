// The rules are in the order of their weight: not ready, API unusable, stuck sessions, store, throttling, stale
// sessions, nothing tracked, just started, all well. The first rule that applies gives the headline.

#include "web/verdict.hpp"

#include "kallglot/tracking/stuck_episode.hpp"
#include "web/common_traits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace kallglot {

namespace {

// All statuses together.
std::uint64_t sum(const counts_by_status& counts) noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

/// "1 session", "2 sessions".
std::string sessions(std::uint64_t count) {
    return describe_count(count) + (count == 1 ? " session" : " sessions");
}

// The verb for a count.
std::string is_or_are(std::uint64_t count) {
    return count == 1 ? " is" : " are";
}

/// The verdict on an unusable API: without polls every session state is outdated. Empty while the API is usable.
verdict judge_api(const daemon_report& report) {
    verdict found{tone::bad, "", ""};
    switch (report.state) {
        case api_state::unauthorized:
            found.headline = "The API rejects the key";
            found.detail =
                "Session states are outdated until the key is valid. The key file is "
                "reloaded when it changes.";
            break;
        case api_state::out_of_credits:
            found.headline = "The account is out of credits";
            found.detail = "Session states are outdated until the account has credits again.";
            break;
        case api_state::unreachable:
            found.headline = "The API is unreachable";
            found.detail = "Session states are outdated until the API responds again.";
            break;
        // Throttled polls are late, but their answers are right.
        case api_state::starting:
        case api_state::ok:
        case api_state::throttled:
            return {};
    }
    // Stuck sessions are still worth a mention, as a matter of the past.
    if (const std::uint64_t stuck = count_stuck(report.census); stuck > 0) {
        found.detail +=
            " At the last poll, " + sessions(stuck) + (stuck == 1 ? " was" : " were") + " stuck.";
    }
    return found;
}

/// What the sessions past the age of an alert have in common, a sentence for each status.
std::string describe_episodes(const daemon_report& report) {
    std::string text;
    for (const auto& word : session_status_words) {
        const trait_counts& stuck = report.census.in_episode[static_cast<std::size_t>(word.value)];
        const std::uint64_t count =
            std::accumulate(stuck.by_provider.begin(), stuck.by_provider.end(), std::uint64_t{0});
        const auto age = episode_threshold(report.thresholds, word.value);
        // A status without an age, such as `active`, has no episodes.
        if (count == 0 || !age) {
            continue;
        }
        text += " " + describe_count(count) + " " + std::string(word.text) + " for over "
                + describe_duration(std::chrono::duration<double>(*age).count());
        const std::string traits =
            describe_common_traits(stuck, report.census.others, report.wall_now);
        text += traits.empty() ? "." : ", " + traits + ".";
    }
    return text;
}

/// The verdict on stuck sessions: how many, in which status, the age of the oldest, and what they have in common.
verdict judge_stuck(const daemon_report& report) {
    const std::uint64_t stuck = count_stuck(report.census);
    verdict found{tone::bad, sessions(stuck) + is_or_are(stuck) + " stuck", ""};
    // By status: the next step of an operator depends on it.
    for (std::size_t i = 0; i < session_status_count; ++i) {
        if (const std::uint32_t count = report.census.stuck[i]; count > 0) {
            // In the order of a life, so that the text does not change with the counts.
            found.detail += found.detail.empty() ? "" : ", ";
            found.detail += describe_count(count) + " ";
            found.detail += to_string(static_cast<session_status>(i));
        }
    }
    // The list is bounded, but it begins with the longest stay.
    if (!report.stuck.empty()) {
        const auto longest = report.wall_now - report.stuck.front().since;
        found.detail += "; the longest for "
                        + describe_duration(std::chrono::duration<double>(longest).count());
    }
    found.detail += "." + describe_episodes(report);
    return found;
}

/// The verdict while polls work and no session is stuck: what will delay or lose the next finding.
verdict judge_rest(const daemon_report& report) {
    // Bad, not a warning: the daemon rejects every new session until the store recovers.
    if (report.store_writable == false) {
        return {tone::bad,
                "The store is not writable",
                "New session ids are rejected until it is writable again. Polling continues."};
    }
    if (report.state == api_state::throttled) {
        return {tone::warning,
                "The API limits the request rate",
                "Polls are paused or slowed down. At the last poll, no session was stuck."};
    }
    if (const std::uint64_t stale = sum(report.census.stale); stale > 0) {
        return {tone::warning,
                sessions(stale) + is_or_are(stale) + " stale",
                "Their last successful poll is too old; see the request budget and the API below."};
    }
    if (sum(report.census.by_status) == 0) {
        return {tone::good,
                "No sessions are tracked",
                "Register session ids by webhook, by the session API or in a session file."};
    }
    if (report.state == api_state::starting) {
        return {tone::warning, "Waiting for the first API response", ""};
    }
    return {tone::good, "No session is stuck", ""};
}

} // namespace

std::string_view to_string(tone value) noexcept {
    constexpr std::array<std::string_view, 3> names = {"good", "warning", "bad"};
    return names[static_cast<std::size_t>(value)];
}

std::uint64_t count_stuck(const census& counted) noexcept {
    return sum(counted.stuck);
}

verdict judge(const readiness& state, const daemon_report* report) {
    // Before the restore there are no counts to judge.
    if (report == nullptr || !state.restored) {
        return {tone::warning, "Not ready: " + std::string(state.reason), ""};
    }
    verdict found = judge_api(*report);
    if (found.headline.empty()) {
        found = count_stuck(report->census) > 0 ? judge_stuck(*report) : judge_rest(*report);
    }
    // While the daemon stops, the counts are still right, so the verdict stays and gets an addition.
    if (!state.ready) {
        found.detail += found.detail.empty() ? "" : " ";
        found.detail += "The daemon is " + std::string(state.reason) + ".";
    }
    return found;
}

std::string describe_duration(double length) {
    std::array<char, 48> text{};
    // From 0.95 on one decimal would show 1.0 s; below 0.05 it would show 0.0 s.
    if (length >= 0.05 && length < 0.95) {
        std::snprintf(text.data(), text.size(), "%.1f s", length);
        return text.data();
    }
    // The bound of a thousand years keeps the cast defined for infinite lengths.
    const auto whole =
        static_cast<std::uint64_t>(std::llround(std::clamp(length, 0.0, 366.0 * 86400 * 1000)));
    // The largest unit and the next one: `2 h 5 min`. A third would be noise at such lengths.
    const std::array<std::pair<std::uint64_t, const char*>, 4> units = {
        {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        // Units of seconds alone are left to the end: they have no next unit.
        if (whole >= units[i].first) {
            const std::uint64_t rest = whole % units[i].first / units[i + 1].first;
            std::string said = std::to_string(whole / units[i].first) + " " + units[i].second;
            return rest == 0 ? said : said + " " + std::to_string(rest) + " " + units[i + 1].second;
        }
    }
    return std::to_string(whole) + " s";
}

std::string describe_count(std::uint64_t count) {
    // From the right, so that earlier positions stay valid after each insertion.
    std::string digits = std::to_string(count);
    for (std::size_t place = digits.size(); place > 3; place -= 3) {
        digits.insert(place - 3, 1, ',');
    }
    return digits;
}

} // namespace kallglot
