/// The stuck episodes of the last 72 hours: at most 10,000, the oldest removed first.
///
/// The history makes no decisions about sessions; the ledger says when an episode begins and ends. Bounded by count and
/// by time. What was removed is listed once, so that the store removes it too. Pure: times are passed in.

#ifndef KALLGLOT_TRACKING_EPISODE_HISTORY_HPP
#define KALLGLOT_TRACKING_EPISODE_HISTORY_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only.
class episode_history {
public:
    static constexpr std::size_t max_episodes = 10'000;
    static constexpr steady_duration retention = std::chrono::hours(72);

    /// Adds an episode that begins, and gives it its number.
    void begin(session_slot slot, stuck_episode& episode, steady_time now);

    /// Fills in what only the history knows of the open episode of this session: number, threshold, confirmation. An
    /// episode that was removed keeps its number 0.
    void recall(session_slot slot, stuck_episode& episode) const;

    /// Replaces the open episode of this session by its end. Does nothing if it was removed.
    void end(session_slot slot, const stuck_episode& episode, steady_time now);

    /// Adds an episode of the store; `slot` is its session if the episode is open, else no_slot.
    void restore(session_slot slot, const stuck_episode& episode);

    /// By number. Lifetime: valid until the next change.
    [[nodiscard]] const std::map<episode_number, stuck_episode>& episodes() const noexcept {
        return episodes_;
    }

    /// Appends episodes with numbers above `cursor` (0 at first) until `into` holds `limit`, and moves the cursor. False:
    /// there are no more.
    bool list(episode_number& cursor, std::size_t limit, std::vector<stuck_episode>& into) const;

    /// Episodes removed because there were too many, since the start.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

    /// Whether an episode is recent enough to be shown.
    [[nodiscard]] static bool is_recent(const stuck_episode& episode, steady_time now) noexcept {
        return episode.is_open() || now - episode.until <= retention;
    }

    /// The numbers removed since the last call.
    [[nodiscard]] std::vector<episode_number> take_removed() { return std::exchange(removed_, {}); }

private:
    void bound(steady_time now);

    std::map<episode_number, stuck_episode> episodes_;
    /// The open episode of a session. Its number may be removed from `episodes_` already.
    boost::unordered_flat_map<std::uint32_t, episode_number> open_;
    std::vector<episode_number> removed_;
    episode_number last_number_ = 0;
    std::uint64_t dropped_ = 0;
    steady_time next_look_ = no_time; ///< for episodes that are too old
};

} // namespace kallglot

#endif
