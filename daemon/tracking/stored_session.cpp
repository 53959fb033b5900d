#include "kallglot/tracking/stored_session.hpp"

#include "tracking/stored_slack.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>

namespace kallglot {

namespace {

std::optional<stored_time> stored_if_known(steady_time at, const stored_timeline& line) noexcept {
    return at == no_time ? std::nullopt : std::optional(line.to_stored(at));
}

steady_time steady_if_known(const std::optional<stored_time>& at,
                            const stored_timeline& line) noexcept {
    return at ? line.to_steady(*at) : no_time;
}

} // namespace

stored_session to_stored(const session_id& id,
                         const session_record& record,
                         const stored_timeline& line) noexcept {
    stored_session stored(id);
    stored.since = line.to_stored(record.since);
    // Facts of one poll (in flight, touched, failures) are not stored: after a restart no poll is under way.
    stored.sources = record.sources;
    stored.status = record.status;
    stored.mode = record.mode;
    stored.provider = record.provider;
    stored.reason = record.reason;
    stored.by_webhook = record.by_webhook;
    stored.slack = stored_slack(record.since_slack_ms);
    if (record.was_observed()) {
        // As a difference: rounding both times separately could make a confirmed threshold unconfirmed.
        stored.seen = std::chrono::floor<milliseconds>(record.observed - record.since).count();
    }
    stored.created = stored_if_known(record.created, line);
    stored.started = stored_if_known(record.started, line);
    stored.missing = stored_if_known(record.not_found_since, line);
    stored.missing_count = record.not_found_count;
    stored.call_ms = record.call_duration_ms;
    return stored;
}

session_record to_record(const stored_session& stored,
                         const stored_timeline& line,
                         steady_time now) noexcept {
    session_record record;
    // Times first: the rest of the row has no order.
    record.since = line.to_steady(stored.since);
    // Relative to the beginning, as it was stored, so the distance is exact.
    if (stored.seen) {
        record.observed = record.since + milliseconds(*stored.seen);
    }
    record.created = steady_if_known(stored.created, line);
    record.started = steady_if_known(stored.started, line);
    record.not_found_since = steady_if_known(stored.missing, line);
    // A clock that was put back makes moments lie in the future. Moving all of them keeps their distances, so
    // that confirmed thresholds stay confirmed.
    const steady_time latest = std::max(
        {record.since, record.observed, record.created, record.started, record.not_found_since});
    if (latest > now) {
        for (steady_time* const at : {&record.since,
                                      &record.observed,
                                      &record.created,
                                      &record.started,
                                      &record.not_found_since}) {
            // `no_time` is no moment. Moved, it would look like one in the far past.
            *at = *at == no_time ? no_time : *at - (latest - now);
        }
    }
    record.since_slack_ms = slack_ms(stored.slack);
    record.call_duration_ms = stored.call_ms;
    record.status = stored.status;
    record.mode = stored.mode;
    record.provider = stored.provider;
    record.reason = stored.reason;
    record.not_found_count = stored.missing_count;
    record.sources = stored.sources;
    record.by_webhook = stored.by_webhook;
    // What the daemon knows is old until the first poll; that poll is routine, or a restart would send all at
    // once.
    record.unverified = true;
    record.bulk = true;
    return record;
}

bool is_sound(const stored_session& stored, stored_time mark) noexcept {
    // Far from any real value and from the ends of the steady clock. The line may have begun at 1970, on a machine
    // without a battery-backed clock.
    constexpr std::int64_t far = std::int64_t{50} * 366 * 86'400'000;
    constexpr std::int64_t very_far = 2 * far;
    const std::int64_t since = stored.since.ms;
    // Moments of one session lie within its life, so far ones are damage.
    const auto near = [&](const std::optional<stored_time>& at) {
        return !at || (at->ms > since - far && at->ms < since + far);
    };
    // Every field that is used as an index or in arithmetic is checked; a damaged row must not reach the table.
    return static_cast<std::size_t>(stored.status) < session_status_count
           && static_cast<std::size_t>(stored.mode) < session_mode_count
           && static_cast<std::size_t>(stored.provider) < session_provider_count
           && static_cast<std::size_t>(stored.reason) < end_reason_count
           && (stored.sources & ~all_sources()) == 0 && since > mark.ms - very_far
           && since < mark.ms + very_far && near(stored.created) && near(stored.started)
           && near(stored.missing) && (!stored.seen || (*stored.seen > -far && *stored.seen < far))
           && is_sound_slack(stored.slack);
}

} // namespace kallglot
