// Every combination of fixed label values is written, also at 0: an alert on a series that is absent cannot resolve.

#include "metrics/session_metrics.hpp"

#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace kallglot {

namespace {

// Censuses are arrays by status.
[[nodiscard]] constexpr std::size_t index(session_status status) noexcept {
    return static_cast<std::size_t>(status);
}

// A family with one series for each status.
void write_by_status(exposition_writer& out, metric which, const counts_by_status& counts) {
    out.family(which);
    for (const auto& word : session_status_words) {
        const session_status status = word.value;
        out.sample({{"status", word.text}}, counts[index(status)]);
    }
}

// One series for each status and each value of a second vocabulary, including 0.
template <class Value, class Counts>
void write_by_status_and(exposition_writer& out, metric which, const Counts& counts) {
    out.family(which);
    // The second label, `mode` or `provider`, comes from the metric table.
    const std::string_view label = describe(which).labels[1];
    for (const auto& word : session_status_words) {
        const session_status status = word.value;
        const auto& row = counts[index(status)];
        for (std::size_t i = 0; i < row.size(); ++i) {
            out.sample({{"status", word.text}, {label, to_string(static_cast<Value>(i))}}, row[i]);
        }
    }
}

// One series for each threshold of a status. Just after a reload a census may have another number of thresholds; the
// extra ones are left out until the next census.
void write_thresholds(exposition_writer& out,
                      session_status status,
                      const threshold_settings::list& ages,
                      const std::vector<std::uint32_t>& counts) {
    for (std::size_t i = 0; i < std::min(ages.size(), counts.size()); ++i) {
        // `30` or `0.5`, as in the contract, so that alerts can name it.
        std::string age;
        append_exposition_number(age, std::chrono::duration<double>(ages[i]).count());
        out.sample({{"status", to_string(status)}, {"threshold_seconds", age}}, counts[i]);
    }
}

using threshold_counts = std::array<std::vector<std::uint32_t>, session_status_count>;

// One family over all statuses that have thresholds.
void write_by_threshold(exposition_writer& out,
                        metric which,
                        const threshold_settings& thresholds,
                        const threshold_counts& counts) {
    out.family(which);
    for (const auto& word : session_status_words) {
        const session_status status = word.value;
        write_thresholds(out, status, thresholds_of(thresholds, status), counts[index(status)]);
    }
}

// Only the statuses whose alerts name a provider.
void write_by_provider(exposition_writer& out,
                       const census& counted,
                       const threshold_settings& thresholds) {
    out.family(metric::sessions_over_threshold_by_provider);
    for (const auto& word : session_status_words) {
        const auto& ages = thresholds_of(thresholds, word.value);
        const auto& counts = counted.over_threshold_by_provider[index(word.value)];
        for (std::size_t i = 0; i < std::min(ages.size(), counts.size()); ++i) {
            std::string age;
            append_exposition_number(age, std::chrono::duration<double>(ages[i]).count());
            // Also at 0: an alert on a series that appears with its first value would miss the increase.
            for (const auto& provider : session_provider_words) {
                out.sample({{"status", word.text},
                            {"threshold_seconds", age},
                            {"provider", provider.text}},
                           counts[i][static_cast<std::size_t>(provider.value)]);
            }
        }
    }
}

// These thresholds apply to every status in which a session can wait for its start.
void write_not_started(exposition_writer& out,
                       const threshold_settings& thresholds,
                       const threshold_counts& counts) {
    out.family(metric::sessions_not_started_over_threshold);
    for (const status_rules& rules : session_status_rules) {
        if (rules.waits_for_start) {
            write_thresholds(out,
                             rules.status,
                             thresholds.not_started,
                             counts[index(rules.status)]);
        }
    }
}

// The start of the longest stay in each status, so that queries subtract it from time() and stay exact between scrapes.
void write_oldest(exposition_writer& out, const census& counted, api_time wall_now) {
    // The census has steady times; the wall clock at its moment makes timestamps of them.
    const double wall = std::chrono::duration<double>(wall_now.time_since_epoch()).count();
    bool any = false;
    for (const auto& word : session_status_words) {
        const session_status status = word.value;
        const steady_time since = counted.oldest_since[index(status)];
        // A status without sessions has no series, and a family without series is not written at all.
        if (since == no_time || counted.by_status[index(status)] == 0) {
            continue;
        }
        if (!any) {
            out.family(metric::oldest_session_status_since);
            any = true;
        }
        out.sample({{"status", word.text}}, wall - to_seconds(counted.at - since));
    }
}

} // namespace

void write_session_metrics(exposition_writer& out,
                           const census& counted,
                           const threshold_settings& thresholds,
                           api_time wall_now) {
    write_by_status(out, metric::sessions, counted.by_status);
    write_by_status_and<session_mode>(out, metric::sessions_by_mode, counted.by_mode);
    write_by_status_and<session_provider>(out, metric::sessions_by_provider, counted.by_provider);
    write_by_threshold(out, metric::sessions_over_threshold, thresholds, counted.over_threshold);
    write_by_provider(out, counted, thresholds);
    write_by_threshold(out,
                       metric::sessions_suspected_over_threshold,
                       thresholds,
                       counted.suspected_over_threshold);
    write_not_started(out, thresholds, counted.not_started_over_threshold);
    write_oldest(out, counted, wall_now);
    write_by_status(out, metric::sessions_stale, counted.stale);
    out.single(metric::sessions_unverified, counted.unverified);
    out.single(metric::sessions_unobserved, counted.unobserved);
}

} // namespace kallglot
