/// An intake made of values, for the routes: a map of sessions, and answers that the test holds back or fails.

#ifndef KALLGLOT_TESTS_UNIT_WEB_FAKE_INTAKE_HPP
#define KALLGLOT_TESTS_UNIT_WEB_FAKE_INTAKE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/ports/session_intake.hpp"

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::test {

class fake_intake final : public session_intake {
public:
    explicit fake_intake(const loop_executor& loop)
        : released_(loop, steady_timer::time_point::max()) {}

    [[nodiscard]] task<result<track_outcome>> track(session_id id) override {
        const bool is_new = !sessions.contains(id);
        if (is_new && sessions.size() >= limit) {
            co_return errc::session_limit;
        }
        co_await wait();
        if (failure) {
            co_return failure;
        }
        sessions.emplace(id, make_view(id));
        co_return is_new ? track_outcome::added : track_outcome::known;
    }

    [[nodiscard]] task<result<bulk_outcome>> track_all(std::vector<session_id> ids) override {
        co_await wait();
        if (failure) {
            co_return failure;
        }
        bulk_outcome outcome;
        for (const session_id& id : ids) {
            if (sessions.contains(id)) {
                ++outcome.known;
            } else if (sessions.size() >= limit) {
                outcome.over_limit.push_back(id);
            } else {
                sessions.emplace(id, make_view(id));
                ++outcome.added;
            }
        }
        co_return outcome;
    }

    [[nodiscard]] task<result<forget_outcome>> forget(session_id id) override {
        co_await wait();
        if (failure) {
            co_return failure;
        }
        co_return sessions.erase(id) != 0 ? forget_outcome::forgotten : forget_outcome::not_tracked;
    }

    [[nodiscard]] std::optional<session_view> look_up(const session_id& id) const override {
        const auto found = sessions.find(id);
        return found == sessions.end() ? std::nullopt : std::optional(found->second);
    }

    [[nodiscard]] task<result<session_page>> list(session_query query) override {
        asked = query;
        if (failure) {
            co_return failure;
        }
        session_page page;
        for (const auto& [id, view] : sessions) {
            if (query.after.empty() || id.view() > query.after) {
                if (page.sessions.size() == query.limit) {
                    page.next = std::string(page.sessions.back().id.view());
                    break;
                }
                page.sessions.push_back(view);
            }
        }
        co_return page;
    }

    [[nodiscard]] task<result<std::vector<session_id>>> find(std::string text) override {
        std::vector<session_id> found;
        for (const auto& [id, view] : sessions) {
            if (matches_id(id.view(), text) && found.size() < max_found) {
                found.push_back(id);
            }
        }
        co_return found;
    }

    [[nodiscard]] episode_page list_episodes(const episode_query& query) const override {
        asked_episodes = query;
        episode_page page;
        for (const episode_view& one : episodes) {
            const bool is_open = one.outcome == episode_outcome::open;
            if ((!query.open || *query.open == is_open) && (!query.of || *query.of == one.id)) {
                page.episodes.push_back(one);
            }
        }
        page.next = next_episode;
        page.dropped = dropped_episodes;
        return page;
    }

    [[nodiscard]] task<result<event_outcome>> take_event(webhook_event event) override {
        events.push_back(event);
        co_await wait();
        if (failure) {
            co_return failure;
        }
        co_return event_ids.insert(std::string(event.id.view())).second ? next
                                                                        : event_outcome::duplicate;
    }

    [[nodiscard]] bool accepting() const override { return accepts; }

    [[nodiscard]] bool restored() const override { return is_restored; }

    /// From now on calls wait for release(), as they do for a disk.
    void hold() { held_ = true; }

    void release() {
        held_ = false;
        released_.cancel();
    }

    [[nodiscard]] static session_view make_view(const session_id& id) {
        session_view view(id);
        view.since = api_time(seconds(1'776'159'394));
        return view;
    }

    std::map<session_id, session_view> sessions;
    std::size_t limit = std::numeric_limits<std::size_t>::max();
    error_code failure;
    bool accepts = true;
    bool is_restored = true;
    event_outcome next = event_outcome::accepted; ///< of events that are no duplicates
    std::vector<webhook_event> events;
    std::set<std::string> event_ids;
    std::optional<session_query> asked;
    std::vector<episode_view> episodes; ///< the newest first
    std::optional<episode_number> next_episode;
    std::uint64_t dropped_episodes = 0;
    mutable episode_query asked_episodes;

private:
    task<> wait() {
        while (held_) {
            co_await released_.async_wait(as_tuple);
        }
    }

    steady_timer released_;
    bool held_ = false;
};

} // namespace kallglot::test

#endif
