#include "net/client/exchanges.hpp"

#include <iterator>

namespace kallglot {

exchange_ref exchanges::start(const queued_request& next, pooled_connection& on, steady_time now) {
    // An aggregate in a local, not in the call: house rule C1.
    const exchange started{.request = next.request,
                           .queued = next.queued,
                           .resent = next.resent,
                           .on = &on,
                           .sent = now,
                           .overdue = false};
    if (spare_.empty()) {
        in_flight_.push_back(started);
    } else {
        spare_.front() = started;
        // A node that was used before, so that a poll needs no allocation.
        in_flight_.splice(in_flight_.end(), spare_, spare_.begin());
    }
    return std::prev(in_flight_.end());
}

std::optional<exchange_ref> exchanges::take_overdue(steady_time sent) {
    // The list is in the order of sending, and all requests have one timeout: the first is the first to be overdue.
    if (in_flight_.empty() || in_flight_.front().sent > sent) {
        return {};
    }
    const exchange_ref first = in_flight_.begin();
    // It stays in a list of its own until its connection answers, because an iterator to it is with the connection.
    first->overdue = true;
    overdue_.splice(overdue_.end(), in_flight_, first);
    return first;
}

void exchanges::finish(exchange_ref done) noexcept {
    // A splice moves no memory, and needs the list that the node is in.
    // In front, so that the node that is warmest in the cache is used next.
    spare_.splice(spare_.begin(), done->overdue ? overdue_ : in_flight_, done);
}

std::optional<steady_time> exchanges::oldest() const noexcept {
    return in_flight_.empty() ? std::nullopt : std::optional(in_flight_.front().sent);
}

} // namespace kallglot
