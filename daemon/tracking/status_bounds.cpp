#include "tracking/status_bounds.hpp"

#include <algorithm>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

std::uint32_t slack_of(const moment_bounds& bounds) noexcept {
    // Bounds that are open or contradict each other give no usable slack.
    if (bounds.earliest == no_time || bounds.earliest > bounds.latest) {
        return session_record::unknown_slack;
    }
    const auto slack = std::chrono::ceil<milliseconds>(bounds.latest - bounds.earliest).count();
    return static_cast<std::uint32_t>(
        // A slack of 49 days or more is as good as none.
        std::min<milliseconds::rep>(slack, session_record::unknown_slack));
}

} // namespace

std::optional<steady_time> later_bound(api_time timestamp, const exchange_times& times) noexcept {
    // Only the API's clock can age its own timestamps.
    if (!times.api_now) {
        return std::nullopt;
    }
    const milliseconds age = *times.api_now - timestamp;
    // A day ahead or a year back is a mistake of the API, not an age.
    if (age < -24h || age > max_believed_age) {
        return std::nullopt;
    }
    // `Date` and the timestamp are cut to whole seconds, so one second of the age may be rounding. An age below
    // zero counts as zero.
    return times.received - std::max<milliseconds>(age - 1s, 0s);
}

std::optional<steady_duration> dwell_until(const session_record& record,
                                           const moment_bounds& end) noexcept {
    // One open end makes the length unbounded. A histogram without this stay is better than one with a guess.
    if (record.since_slack_ms == session_record::unknown_slack || end.earliest == no_time) {
        return std::nullopt;
    }
    const steady_duration start_slack = milliseconds(record.since_slack_ms);
    // The stay lasted at least from the later bound of its beginning to the earlier bound of its end, and at
    // most the other way round.
    const steady_duration shortest = std::max<steady_duration>(end.earliest - record.since, 0s);
    const steady_duration longest =
        std::max<steady_duration>(end.latest - (record.since - start_slack), shortest);
    const steady_duration middle = shortest + (longest - shortest) / 2;
    // Bounds that are too far apart would put a guess into the histogram.
    if (longest - shortest > std::max<steady_duration>(middle / 10, 5s)) {
        return std::nullopt;
    }
    return middle;
}

void enter(session_record& record, session_status status, const moment_bounds& began) noexcept {
    record.status = status;
    // The later bound: an age is never longer than the true one, so no alert is early.
    record.since = began.latest;
    record.since_slack_ms = slack_of(began);
}

} // namespace kallglot
