#include "tracking/webhook_flow.hpp"

#include <chrono>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// A webhook that arrives this soon after the poll counts as first: it was only in delivery.
constexpr steady_duration max_overtaking = 5s;
// A change without a webhook for this long counts as missed.
constexpr steady_duration max_delivery_delay = 2min;
// Fewer changes than this prove nothing.
constexpr std::uint32_t min_changes = 20;

} // namespace

void webhook_flow::reported_first(steady_time now) {
    ++minute_of(now).by_webhook;
}

void webhook_flow::seen_first(session_slot slot, reported_change change, steady_time now) {
    // An open case with this key belongs to a former session of the slot: its webhook never arrived.
    const case_key key = key_of(slot, change);
    missed_ += open_.contains(key) ? 1 : 0;
    open_.insert_or_assign(key, open_case{now, false});
    // Two deadlines, each in a queue of its own that is ordered by time.
    // Times only grow, so both queues are sorted without a heap.
    to_count_.push_back({now, key});
    to_miss_.push_back({now, key});
}

void webhook_flow::reported_after(session_slot slot, reported_change change, steady_time now) {
    const auto found = open_.find(key_of(slot, change));
    // The case is closed already: counted as missed, or reported by an earlier event.
    if (found == open_.end()) {
        return;
    }
    // Count for the side that was first. A case that is counted for the poll already is only closed.
    if (!found->second.counted && now - found->second.seen <= max_overtaking) {
        ++minute_of(now).by_webhook;
    } else if (!found->second.counted) {
        ++minute_of(now).by_poll;
    }
    // Its deadlines stay in the queues. close_cases() sees that the case is gone.
    open_.erase(found);
}

bool webhook_flow::flows(steady_time now) {
    // First settle the cases whose deadlines have passed.
    close_cases(now);
    const auto latest = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
    std::uint32_t by_webhook = 0;
    std::uint32_t by_poll = 0;
    for (const minute& one : minutes_) {
        // A slot of the ring that is older than the window holds counts of an earlier round.
        // No timer clears old minutes.
        if (one.number > latest - static_cast<std::int64_t>(window_minutes)) {
            by_webhook += one.by_webhook;
            by_poll += one.by_poll;
        }
    }
    // Integers only: a rate of exactly 99 % must count as reliable.
    const std::uint32_t all = by_webhook + by_poll;
    return all >= min_changes && std::uint64_t{100} * by_webhook >= std::uint64_t{99} * all;
}

void webhook_flow::close_cases(steady_time now) {
    // A queue may name a case that is closed, or that was opened again later: compare the time too.
    const auto is_open = [this](const deadline& one) {
        const auto found = open_.find(one.key);
        return found != open_.end() && found->second.seen == one.seen ? &found->second : nullptr;
    };
    for (; !to_count_.empty() && now - to_count_.front().seen > max_overtaking;
         to_count_.pop_front()) {
        if (open_case* const one = is_open(to_count_.front()); one != nullptr) {
            // The case stays open: a webhook within two minutes still proves that it was delivered.
            one->counted = true;
            ++minute_of(now).by_poll;
        }
    }
    for (; !to_miss_.empty() && now - to_miss_.front().seen > max_delivery_delay;
         to_miss_.pop_front()) {
        if (is_open(to_miss_.front()) != nullptr) {
            open_.erase(to_miss_.front().key);
            ++missed_;
        }
    }
}

webhook_flow::minute& webhook_flow::minute_of(steady_time at) {
    const std::int64_t number =
        std::chrono::floor<std::chrono::minutes>(at).time_since_epoch().count();
    minute& one = minutes_[static_cast<std::uint64_t>(number) % window_minutes];
    // The ring reuses the slot of the minute that left the window.
    if (one.number != number) {
        one = {number, 0, 0};
    }
    return one;
}

} // namespace kallglot
