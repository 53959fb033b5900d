#include "net/client/address_book.hpp"

#include <algorithm>

namespace kallglot {

namespace {

// How long a result of the DNS is used before the next lookup.
constexpr steady_duration lifetime = seconds(30);
// After a failed lookup: soon, because the old addresses may be wrong.
constexpr steady_duration retry_pause = seconds(5);
// How long an address is avoided, for each time in a row.
constexpr steady_duration penalty = seconds(30);
constexpr unsigned max_penalties = 10;
// Single errors are normal; this many in a row are the fault of the address.
constexpr unsigned bad_answers_until_avoided = 5;

} // namespace

bool address_book::entry::is_avoided(steady_time now) const noexcept {
    const bool unreachable = failed_at != no_time && now - failed_at < penalty;
    return unreachable || now < avoid_until;
}

void address_book::assign(const std::vector<tcp_endpoint>& found, steady_time now) {
    // The history moves along, or each lookup would make every address look good again.
    std::vector<entry> fresh;
    for (const tcp_endpoint& address : found) {
        const entry* const known = find(address);
        fresh.push_back(known != nullptr ? *known : entry(address));
    }
    entries_ = std::move(fresh);
    assigned_at_ = now;
}

void address_book::note_failed_lookup(steady_time now) noexcept {
    // As if the result were old enough to become stale after the pause.
    assigned_at_ = now - lifetime + retry_pause;
}

bool address_book::stale(steady_time now) const noexcept {
    // Asked when a request comes or a connection opens, so a client at rest makes no lookups.
    return entries_.empty() || now - assigned_at_ > lifetime;
}

bool address_book::contains(const tcp_endpoint& address) const noexcept {
    return std::ranges::find(entries_, address, &entry::address) != entries_.end();
}

std::vector<tcp_endpoint> address_book::order(steady_time now) {
    std::vector<tcp_endpoint> good;
    std::vector<tcp_endpoint> bad;
    // Avoided addresses are not left out: they are the last resort if the others fail as well.
    // Each call begins with the next address, so that connections spread over all of them.
    const std::size_t first = next_++;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const entry& each = entries_[(first + i) % entries_.size()];
        (each.is_avoided(now) ? bad : good).push_back(each.address);
    }
    good.insert(good.end(), bad.begin(), bad.end());
    return good;
}

void address_book::note_failure(const tcp_endpoint& address, steady_time now) noexcept {
    // An attempt can take as long as the connect timeout, and a lookup may have dropped the address meanwhile.
    if (entry* const known = find(address)) {
        known->failed_at = now;
    }
}

// One good connection is enough: an address that works must not wait for its penalty to end.
void address_book::note_success(const tcp_endpoint& address) noexcept {
    if (entry* const known = find(address)) {
        known->failed_at = no_time;
    }
}

bool address_book::note_answer(const tcp_endpoint& address, bool good, steady_time now) noexcept {
    entry* const known = find(address);
    // Requests that were in flight when the address became avoided are part of the same failure.
    if (known == nullptr || now < known->avoid_until) {
        return false;
    }
    // The newest answer alone: is_better() below only asks whether an address answers at all.
    known->answers_well = good;
    if (good) {
        known->bad_in_a_row = 0;
        known->times_avoided = 0;
        return false;
    }
    // Without a better address the API as a whole fails, and moving away would gain nothing.
    const auto is_better = [&](const entry& other) {
        return &other != known && other.answers_well && !other.is_avoided(now);
    };
    if (++known->bad_in_a_row < bad_answers_until_avoided
        || std::ranges::none_of(entries_, is_better)) {
        return false;
    }
    // Counted from zero again: it needs five more errors after the pause.
    known->bad_in_a_row = 0;
    // Each time in a row lasts half a minute longer, up to five minutes.
    known->times_avoided = std::min(known->times_avoided + 1, max_penalties);
    known->avoid_until = now + penalty * known->times_avoided;
    return true;
}

// Null for an address that the DNS no longer lists; a connection may still use it.
address_book::entry* address_book::find(const tcp_endpoint& address) noexcept {
    const auto at = std::ranges::find(entries_, address, &entry::address);
    return at != entries_.end() ? &*at : nullptr;
}

} // namespace kallglot
