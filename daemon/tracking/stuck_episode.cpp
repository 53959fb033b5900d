#include "kallglot/tracking/stuck_episode.hpp"

#include "tracking/stored_slack.hpp"

#include <algorithm>

namespace kallglot {

std::optional<milliseconds> episode_threshold(const threshold_settings& thresholds,
                                              session_status status) noexcept {
    // A status whose long stays are normal, such as active, has no age and so no episodes.
    const auto age = rules_of(status).episode;
    return age == nullptr ? std::nullopt : std::optional(thresholds.episodes.*age);
}

bool is_past_episode_threshold(const threshold_settings& thresholds,
                               const session_record& record) noexcept {
    const auto age = episode_threshold(thresholds, record.status);
    // Only a poll sent after the crossing proves the stay: the session may have left the status meanwhile.
    return age && confirmed_over(record, record.since, *age);
}

stuck_episode episode_of(const session_id& id,
                         const session_record& record,
                         milliseconds threshold) noexcept {
    stuck_episode episode(id);
    episode.status = record.status;
    episode.mode = record.mode;
    episode.provider = record.provider;
    episode.threshold = threshold;
    episode.since = record.since;
    episode.since_slack_ms = record.since_slack_ms;
    // `until` stays open. An episode without an end is one that is still going on.
    episode.confirmed = record.observed;
    return episode;
}

void end_episode(stuck_episode& episode, const session_record& after) noexcept {
    episode.outcome =
        // Any other status than `ended` means that the session went on, even a step back.
        after.status == session_status::ended ? episode_outcome::ended : episode_outcome::recovered;
    episode.until = after.since;
    episode.until_slack_ms = after.since_slack_ms;
    // Active between two polls: the stay ended at the start, not where the present status began.
    if (rules_of(episode.status).waits_for_start && after.started != no_time
        && after.started >= episode.since && after.started < after.since) {
        episode.until = after.started;
        episode.until_slack_ms = session_record::unknown_slack;
    }
    // Bounds of two clocks may overlap; an episode has no negative length.
    episode.until = std::max(episode.until, episode.since);
    // The last answers may have brought what the first ones lacked.
    episode.mode = after.mode;
    episode.provider = after.provider;
}

void lose_episode(stuck_episode& episode, steady_time observed, steady_time now) noexcept {
    episode.outcome = episode_outcome::lost;
    episode.until = std::max(now, episode.since);
    // The session was stuck at the last poll that saw it. It may have left at any time since then.
    const auto unseen = std::chrono::ceil<milliseconds>(now - observed).count();
    episode.until_slack_ms = static_cast<std::uint32_t>(
        std::clamp<milliseconds::rep>(unseen, 0, session_record::unknown_slack));
}

stored_episode to_stored(const stuck_episode& episode, const stored_timeline& line) noexcept {
    stored_episode stored(episode.id);
    stored.number = episode.number;
    stored.status = episode.status;
    stored.mode = episode.mode;
    stored.provider = episode.provider;
    stored.outcome = episode.outcome;
    stored.threshold_ms = episode.threshold.count();
    stored.since = line.to_stored(episode.since);
    stored.since_slack = stored_slack(episode.since_slack_ms);
    stored.confirmed = line.to_stored(episode.confirmed);
    // An open episode has no end, and the row has no value for it.
    if (!episode.is_open()) {
        stored.until = line.to_stored(episode.until);
    }
    stored.until_slack = stored_slack(episode.until_slack_ms);
    return stored;
}

stuck_episode to_episode(const stored_episode& stored,
                         const stored_timeline& line,
                         steady_time now) noexcept {
    // After the wall clock was set back, stored times may be in the future.
    const auto steady = [&](stored_time at) {
        return std::min(line.to_steady(at), now);
    };
    stuck_episode episode(stored.id);
    episode.number = stored.number;
    episode.status = stored.status;
    episode.mode = stored.mode;
    episode.provider = stored.provider;
    episode.outcome = stored.outcome;
    episode.threshold = milliseconds(stored.threshold_ms);
    episode.since = steady(stored.since);
    episode.since_slack_ms = slack_ms(stored.since_slack);
    episode.confirmed = steady(stored.confirmed);
    // Each time is cut by itself. The distances may change, but an episode only reports, and confirms nothing.
    episode.until = stored.until ? steady(*stored.until) : no_time;
    episode.until_slack_ms = slack_ms(stored.until_slack);
    return episode;
}

bool is_sound(const stored_episode& stored, stored_time mark) noexcept {
    // Episodes are of this century, as sessions are; see is_sound of stored_session.
    constexpr std::int64_t far = std::int64_t{100} * 366 * 86'400'000;
    const auto near = [&](stored_time at) {
        return at.ms > mark.ms - far && at.ms < mark.ms + far;
    };
    const bool is_over = stored.outcome != episode_outcome::open;
    // The status must have episodes, also in this version: an index of a table depends on it. End and outcome must
    // agree, or the session would be open for ever.
    return stored.number != 0 && rules_of(stored.status).episode != nullptr
           && stored.threshold_ms > 0 && stored.threshold_ms < far && near(stored.since)
           && near(stored.confirmed) && stored.until.has_value() == is_over
           && (!stored.until || near(*stored.until)) && is_sound_slack(stored.since_slack)
           && is_sound_slack(stored.until_slack);
}

} // namespace kallglot
