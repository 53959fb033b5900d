#include "kallglot/net/address_book.hpp"

#include <algorithm>

namespace kallglot {

namespace {

constexpr steady_duration lifetime = seconds(30);
constexpr steady_duration retry_pause = seconds(5);
constexpr steady_duration penalty = seconds(30);

} // namespace

void address_book::assign(const std::vector<tcp_endpoint>& found, steady_time now) {
    std::vector<entry> fresh;
    for (const tcp_endpoint& address : found) {
        const entry* const known = find(address);
        fresh.push_back({address, known != nullptr ? known->failed_at : no_time});
    }
    entries_ = std::move(fresh);
    assigned_at_ = now;
}

void address_book::keep(steady_time now) noexcept {
    assigned_at_ = now - lifetime + retry_pause;
}

bool address_book::stale(steady_time now) const noexcept {
    return entries_.empty() || now - assigned_at_ > lifetime;
}

std::vector<tcp_endpoint> address_book::order(steady_time now) {
    std::vector<tcp_endpoint> good;
    std::vector<tcp_endpoint> bad;
    const std::size_t first = next_++;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const entry& each = entries_[(first + i) % entries_.size()];
        const bool spared = each.failed_at != no_time && now - each.failed_at < penalty;
        (spared ? bad : good).push_back(each.address);
    }
    good.insert(good.end(), bad.begin(), bad.end());
    return good;
}

void address_book::note_failure(const tcp_endpoint& address, steady_time now) noexcept {
    if (entry* const known = find(address)) {
        known->failed_at = now;
    }
}

void address_book::note_success(const tcp_endpoint& address) noexcept {
    if (entry* const known = find(address)) {
        known->failed_at = no_time;
    }
}

address_book::entry* address_book::find(const tcp_endpoint& address) noexcept {
    const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
        return each.address == address;
    });
    return at != entries_.end() ? &*at : nullptr;
}

} // namespace kallglot
