#include "web/login_ledger.hpp"

#include <algorithm>

namespace kallglot {

double login_ledger::left_of(const entry& one, steady_time now) noexcept {
    // Computed when it is needed: no timer restores anything.
    const double restored = to_seconds(now - one.at) / to_seconds(restores_one);
    return std::min(one.left + restored, full_allowance);
}

double login_ledger::allowance(const peer_network& from, steady_time now) const {
    const auto found = std::ranges::find(entries_, from, &entry::network);
    return found == entries_.end() ? full_allowance : left_of(*found, now);
}

bool login_ledger::charge(const peer_network& from, steady_time now) {
    auto found = std::ranges::find(entries_, from, &entry::network);
    if (found == entries_.end()) {
        // The entry that has had the longest time to recover is worth least.
        // Bounded: a flood from many networks must not cost memory.
        if (entries_.size() == max_networks) {
            entries_.erase(std::ranges::min_element(entries_, {}, &entry::at));
        }
        found = entries_.insert(entries_.end(), entry{from, full_allowance, now});
    }
    const double left = left_of(*found, now);
    // Not below zero: a client that was wrong a hundred times has to wait no longer than one that was wrong ten
    // times.
    found->left = std::max(left - 1, 0.0);
    found->at = now;
    return left >= 1;
}

void login_ledger::restore(const peer_network& from) {
    // A network without an entry has its full allowance.
    std::erase_if(entries_, [&](const entry& one) { return one.network == from; });
}

} // namespace kallglot
