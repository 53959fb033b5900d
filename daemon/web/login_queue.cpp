#include "web/login_queue.hpp"

#include <algorithm>

namespace kallglot {

double login_queue::standing(std::size_t position,
                             const login_ledger& networks,
                             steady_time now) const {
    const peer_network& from = waiting_[position]->from;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(position);
    // Each login of the network that waits before this one will cost it an allowance, if it fails.
    const auto ahead = std::count_if(waiting_.begin(), end, [&](const login* other) {
        return other->from == from;
    });
    return networks.allowance(from, now) - static_cast<double>(ahead);
}

login_queue::login* login_queue::add(login& fresh, const login_ledger& networks, steady_time now) {
    waiting_.push_back(&fresh);
    // The queue is short, so a search over all pairs costs less than one hash of a password.
    if (waiting_.size() <= capacity) {
        return nullptr;
    }
    // The worst standing leaves; of equals the newest, since the others have waited longer.
    std::size_t worst = 0;
    for (std::size_t i = 1; i < waiting_.size(); ++i) {
        // `<=`: the later of two equals, which is the newer one.
        if (standing(i, networks, now) <= standing(worst, networks, now)) {
            worst = i;
        }
    }
    login* const leaves = waiting_[worst];
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(worst));
    return leaves;
}

login_queue::login* login_queue::take_next(const login_ledger& networks, steady_time now) {
    if (waiting_.empty()) {
        return nullptr;
    }
    // The best standing is next; of equals the oldest.
    std::size_t best = 0;
    for (std::size_t i = 1; i < waiting_.size(); ++i) {
        // `>`: the earlier of two equals stays.
        if (standing(i, networks, now) > standing(best, networks, now)) {
            best = i;
        }
    }
    login* const next = waiting_[best];
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(best));
    return next;
}

void login_queue::remove(const login& gone) noexcept {
    std::erase(waiting_, &gone);
}

} // namespace kallglot
