/// A stuck episode: one stay of a session in a status beyond the age that the shipped alert of the status uses.
///
/// It begins when a poll confirms that age. It ends when the session leaves the status, ends, or is lost (404, or
/// forgotten). So the history of what an alert was about stays when the sessions have recovered. Pure: a record before
/// and after a change goes in, the episode comes out.

#ifndef KALLGLOT_TRACKING_STUCK_EPISODE_HPP
#define KALLGLOT_TRACKING_STUCK_EPISODE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/settings/poll_settings.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "tracking/stored_time.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// How an episode ended. But for `open`: the label of kallglot_stuck_episodes_total.
enum class episode_outcome : std::uint8_t {
    open,      ///< not over
    recovered, ///< the session left the status, and had not ended
    ended,     ///< the session ended
    lost       ///< the session was not found any more, or forgotten
};

/// The numbers are those of the store.
inline constexpr auto episode_outcome_words = make_vocabulary<episode_outcome>({
    {episode_outcome::open, "open", 0},
    {episode_outcome::recovered, "recovered", 1},
    {episode_outcome::ended, "ended", 2},
    {episode_outcome::lost, "lost", 3},
});

[[nodiscard]] constexpr std::string_view to_string(episode_outcome value) noexcept {
    return episode_outcome_words.text_of(value);
}

/// Names an episode. Numbers grow in the order of the beginnings; 0: the episode is not kept.
using episode_number = std::uint64_t;

struct stuck_episode {
    explicit stuck_episode(const session_id& of) noexcept : id(of) {}

    session_id id;
    episode_number number = 0;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    episode_outcome outcome = episode_outcome::open;
    milliseconds threshold{};    ///< the age that was confirmed
    steady_time since = no_time; ///< later bound of the beginning of the stay
    std::uint32_t since_slack_ms = session_record::unknown_slack; ///< as in session_record
    steady_time confirmed = no_time; ///< when the poll was sent that confirmed the age
    steady_time until = no_time;     ///< later bound of the end of the stay; no_time while open
    std::uint32_t until_slack_ms = session_record::unknown_slack;

    [[nodiscard]] bool is_open() const noexcept { return outcome == episode_outcome::open; }

    [[nodiscard]] bool operator==(const stuck_episode&) const = default;
};

/// The age from which a stay in this status is an episode; empty for a status in which long stays are normal.
[[nodiscard]] std::optional<milliseconds> episode_threshold(const threshold_settings& thresholds,
                                                            session_status status) noexcept;

/// Whether a poll has confirmed the present stay past that age.
[[nodiscard]] bool is_past_episode_threshold(const threshold_settings& thresholds,
                                             const session_record& record) noexcept;

/// The episode that the present stay is, as of its last observation. `threshold` is the age that was confirmed.
[[nodiscard]] stuck_episode episode_of(const session_id& id,
                                       const session_record& record,
                                       milliseconds threshold) noexcept;

/// Whether the stay of `before` is over.
[[nodiscard]] constexpr bool left_stay(const session_record& before,
                                       const session_record& after) noexcept {
    return before.status != after.status || before.since != after.since;
}

/// Ends the episode of the stay that `after` has left. A session that waited and was active between two polls waited
/// until its start.
void end_episode(stuck_episode& episode, const session_record& after) noexcept;

/// Ends the episode of a session that is lost at `now`. `observed` is its last observation.
void lose_episode(stuck_episode& episode, steady_time observed, steady_time now) noexcept;

/// An episode as it is stored. Units: milliseconds; `stored_time` for moments.
struct stored_episode {
    explicit stored_episode(const session_id& of) noexcept : id(of) {}

    session_id id;
    episode_number number = 0;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    episode_outcome outcome = episode_outcome::open;
    std::int64_t threshold_ms = 0;
    stored_time since;
    std::optional<std::int64_t> since_slack;
    stored_time confirmed;
    std::optional<stored_time> until;
    std::optional<std::int64_t> until_slack;

    [[nodiscard]] bool operator==(const stored_episode&) const = default;
};

[[nodiscard]] stored_episode to_stored(const stuck_episode& episode,
                                       const stored_timeline& line) noexcept;

/// No moment of it is later than `now`.
[[nodiscard]] stuck_episode to_episode(const stored_episode& stored,
                                       const stored_timeline& line,
                                       steady_time now) noexcept;

/// Whether to_stored can have made these values; see is_sound of stored_session.
[[nodiscard]] bool is_sound(const stored_episode& stored, stored_time mark) noexcept;

} // namespace kallglot

#endif
