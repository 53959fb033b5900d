// The part of https_client that keeps time: one timer, and lists that are in the order of their deadlines.

#include "kallglot/net/client/https_client.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

steady_time steady_now() noexcept {
    return std::chrono::steady_clock::now();
}

} // namespace

steady_duration https_client::idle_limit(const https_connection& connection) const noexcept {
    const steady_duration ours = settings_.idle_timeout;
    const std::optional<seconds> theirs = connection.idle_limit();
    if (!theirs) {
        return ours;
    }
    // A second of distance, so that we close first and no request meets a closing server.
    return std::clamp<steady_duration>(*theirs - seconds(1), steady_duration::zero(), ours);
}

steady_time https_client::next_deadline() const noexcept {
    steady_time next = steady_time::max();
    if (!opening_.empty()) {
        next = std::min(next, opening_.front()->since() + settings_.connect_timeout);
    }
    if (!busy_.empty()) {
        next = std::min(next, busy_.front()->since() + settings_.request_timeout);
    }
    if (!idle_.empty()) {
        next = std::min(next, idle_.front()->since() + idle_limit(*idle_.front()));
    }
    if (lookup_deadline_ != no_time) {
        next = std::min(next, lookup_deadline_);
    }
    return next;
}

void https_client::wake_at(steady_time when) {
    if (!housekeeping_) {
        housekeeping_ = true;
        wake_at_ = when;
        tasks_.spawn("API housekeeping", keep_house());
    } else if (when < wake_at_) {
        wake_at_ = when;
        timer_.expires_at(when);
    }
}

task<> https_client::keep_house() {
    for (;;) {
        end_what_is_due();
        const bool empty = opening_.empty() && idle_.empty() && busy_.empty() && ending_.empty();
        if (empty && refused_.empty() && lookup_deadline_ == no_time) {
            break;
        }
        wake_at_ = refused_.empty() ? next_deadline() : steady_now();
        timer_.expires_at(wake_at_);
        co_await timer_.async_wait(as_tuple);
    }
    housekeeping_ = false;
}

void https_client::end_what_is_due() {
    // Without the housekeeper nothing would time out any more.
    try {
        // The present moment is over when the timer fires, so that the front of a list is due exactly then.
        sweep(steady_now());
        for (const get_request& request : std::exchange(refused_, {})) {
            answer_failure(request, errc::cancelled, {});
        }
    } catch (const std::exception& bug) {
        on_bug_("API housekeeping", bug.what());
    }
}

void https_client::sweep(steady_time now) {
    const auto end_due = [&](connection_list& list, auto limit) {
        while (!list.empty() && list.front()->since() + limit(*list.front()) <= now) {
            https_connection& connection = *list.front();
            connection.end_overdue();
            move_to(ending_, connection);
        }
    };
    end_due(opening_, [&](const https_connection&) { return settings_.connect_timeout; });
    end_due(busy_, [&](const https_connection&) { return settings_.request_timeout; });
    end_due(idle_, [&](const https_connection& each) { return idle_limit(each); });
    if (lookup_deadline_ != no_time && lookup_deadline_ <= now) {
        lookup_deadline_ = no_time;
        refuse_waiting(errc::resolve_timeout);
    }
}

} // namespace kallglot
