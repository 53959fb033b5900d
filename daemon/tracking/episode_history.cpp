#include "kallglot/tracking/episode_history.hpp"

#include <algorithm>

namespace kallglot {

namespace {

/// How often episodes that are too old are removed.
constexpr steady_duration look_interval = std::chrono::minutes(1);

} // namespace

void episode_history::begin(session_slot slot, stuck_episode& episode, steady_time now) {
    // Numbers only grow, also across restarts: a page of the session API continues behind the last one it showed.
    episode.number = ++last_number_;
    episodes_.emplace(episode.number, episode);
    // By slot and not by id: a tracked session has one open episode at most, and a slot has four bytes.
    open_.insert_or_assign(index_of(slot), episode.number);
    bound(now);
}

void episode_history::recall(session_slot slot, stuck_episode& episode) const {
    const auto open = open_.find(index_of(slot));
    // bound() may have dropped the episode while it was open. Then its caller goes on with what the record says.
    const auto found = open == open_.end() ? episodes_.end() : episodes_.find(open->second);
    if (found != episodes_.end()) {
        episode.number = found->second.number;
        episode.threshold = found->second.threshold;
        episode.since = found->second.since;
        episode.since_slack_ms = found->second.since_slack_ms;
        episode.confirmed = found->second.confirmed;
    }
}

void episode_history::end(session_slot slot, const stuck_episode& episode, steady_time now) {
    open_.erase(index_of(slot));
    // A dropped episode is not put back: the history would grow beyond its limit.
    const auto found = episodes_.find(episode.number);
    if (found != episodes_.end()) {
        found->second = episode;
    }
    bound(now);
}

void episode_history::restore(session_slot slot, const stuck_episode& episode) {
    episodes_.insert_or_assign(episode.number, episode);
    // Rows come in any order, and the next number must exceed all of them.
    last_number_ = std::max(last_number_, episode.number);
    if (slot != no_slot) {
        open_.insert_or_assign(index_of(slot), episode.number);
    }
}

bool episode_history::list(episode_number& cursor,
                           std::size_t limit,
                           std::vector<stuck_episode>& into) const {
    // A map is ordered by number, so the cursor stays valid when episodes come and go between two calls.
    auto next = episodes_.upper_bound(cursor);
    for (; next != episodes_.end() && into.size() < limit; ++next) {
        into.push_back(next->second);
        cursor = next->first;
    }
    // True: there are more, and the caller yields to the loop before it asks again.
    return next != episodes_.end();
}

void episode_history::bound(steady_time now) {
    // The oldest beginning goes first, open or not: what is stuck for longest is on the status page anyway.
    while (episodes_.size() > max_episodes) {
        // The store has a row of it too. The ledger's owner removes the rows that are named here.
        removed_.push_back(episodes_.begin()->first);
        episodes_.erase(episodes_.begin());
        ++dropped_;
    }
    // The search below visits every episode. Once a minute is enough for a bound of days.
    if (now < next_look_) {
        return;
    }
    next_look_ = now + look_interval;
    std::erase_if(episodes_, [&](const auto& entry) {
        const bool is_old = !is_recent(entry.second, now);
        if (is_old) {
            removed_.push_back(entry.first);
        }
        return is_old;
    });
}

} // namespace kallglot
