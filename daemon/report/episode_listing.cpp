#include "kallglot/report/session_listing.hpp"

#include <ranges>

namespace kallglot {

namespace {

std::optional<api_time> lower_bound_of(api_time latest, std::uint32_t slack_ms) {
    // No lower bound is better than one that is guessed.
    return slack_ms == session_record::unknown_slack
               ? std::nullopt
               : std::optional(latest - milliseconds(slack_ms));
}

episode_view view_of(const stuck_episode& episode, moment now) {
    episode_view view(episode.id);
    view.number = episode.number;
    view.status = episode.status;
    view.mode = episode.mode;
    view.provider = episode.provider;
    view.outcome = episode.outcome;
    view.threshold = episode.threshold;
    view.since = wall_time(episode.since, now);
    view.since_low = lower_bound_of(view.since, episode.since_slack_ms);
    // All times are steady, and become times of the wall clock as it is now. A clock that was set since moves them
    // together.
    view.confirmed = wall_time(episode.confirmed, now);
    if (!episode.is_open()) {
        view.until = wall_time(episode.until, now);
        view.until_low = lower_bound_of(*view.until, episode.until_slack_ms);
    }
    return view;
}

bool fits(const stuck_episode& episode, const episode_query& query, moment now) {
    // Old episodes are removed once a minute only, so each listing leaves them out itself.
    return episode_history::is_recent(episode, now.steady)
           && (!query.open || *query.open == episode.is_open())
           && (!query.of || *query.of == episode.id)
           && (!query.since || episode.is_open() || wall_time(episode.until, now) >= *query.since);
}

} // namespace

episode_page page_of(const episode_history& history, const episode_query& query, moment now) {
    episode_page page;
    page.dropped = history.dropped();
    // The order is that of the beginnings. Numbers grow, so the cursor is the number of the last one shown.
    for (const auto& [number, episode] : std::views::reverse(history.episodes())) {
        if ((query.after && number >= *query.after) || !fits(episode, query, now)) {
            continue;
        }
        // There is one more than fits: the next page begins behind the last one of this page.
        if (page.episodes.size() == query.limit) {
            page.next = page.episodes.back().number;
            break;
        }
        page.episodes.push_back(view_of(episode, now));
    }
    return page;
}

} // namespace kallglot
