/// The requests that wait for a connection, in the order in which they are sent: the oldest first.

#ifndef KALLGLOT_NET_CLIENT_WAITING_REQUESTS_HPP
#define KALLGLOT_NET_CLIENT_WAITING_REQUESTS_HPP

#include "net/client/exchanges.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace kallglot {

/// Loop only.
struct waiting_requests {
    std::deque<queued_request> any;   ///< for any connection
    std::deque<queued_request> fresh; ///< for a connection without an exchange before

    [[nodiscard]] std::size_t size() const noexcept { return any.size() + fresh.size(); }

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    void add(const queued_request& next) {
        (next.request.fresh_connection ? fresh : any).push_back(next);
    }

    /// Puts a request back that was in flight, at the place that its age gives it.
    static void put_back(std::deque<queued_request>& line, const queued_request& again) {
        const auto is_older = [](const queued_request& left, const queued_request& right) {
            return left.queued < right.queued;
        };
        line.insert(std::upper_bound(line.begin(), line.end(), again, is_older), again);
    }

    [[nodiscard]] static queued_request take_front(std::deque<queued_request>& line) {
        const queued_request front = line.front();
        line.pop_front();
        return front;
    }

    /// The next one for a new connection; nothing if none waits.
    [[nodiscard]] std::optional<queued_request> take() {
        if (empty()) {
            return {};
        }
        return take_front(fresh.empty() ? any : fresh);
    }

    /// Takes all of them, or those that were queued at `queued` or before.
    [[nodiscard]] std::vector<queued_request> take_all(steady_time queued = steady_time::max()) {
        std::vector<queued_request> taken;
        for (std::deque<queued_request>* const line : {&fresh, &any}) {
            while (!line->empty() && line->front().queued <= queued) {
                taken.push_back(take_front(*line));
            }
        }
        return taken;
    }

    /// When the oldest was queued; nothing if none waits.
    [[nodiscard]] std::optional<steady_time> oldest() const noexcept {
        std::optional<steady_time> first;
        for (const std::deque<queued_request>* const line : {&fresh, &any}) {
            if (!line->empty() && (!first || line->front().queued < *first)) {
                first = line->front().queued;
            }
        }
        return first;
    }
};

} // namespace kallglot

#endif
