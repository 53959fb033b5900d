#include "kallglot/tracking/webhook_flow.hpp"

#include <chrono>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// A webhook that comes this soon after a poll saw the change was merely overtaken.
constexpr steady_duration overtaking = 5s;
constexpr steady_duration patience = 2min;
constexpr std::uint32_t least_changes = 20;

} // namespace

void webhook_flow::told_first(steady_time now) {
    ++minute_of(now).by_webhook;
}

void webhook_flow::seen_first(session_slot slot, told_change change, steady_time now) {
    // A case that is still open under this name was of a session that is gone.
    const case_key key = key_of(slot, change);
    missed_ += open_.contains(key) ? 1 : 0;
    open_.insert_or_assign(key, open_case{now, false});
    to_count_.push_back({now, key});
    to_miss_.push_back({now, key});
}

void webhook_flow::told_after(session_slot slot, told_change change, steady_time now) {
    const auto found = open_.find(key_of(slot, change));
    if (found == open_.end()) {
        return;
    }
    if (!found->second.counted && now - found->second.seen <= overtaking) {
        ++minute_of(now).by_webhook;
    } else if (!found->second.counted) {
        ++minute_of(now).by_poll;
    }
    open_.erase(found);
}

bool webhook_flow::flows(steady_time now) {
    close_cases(now);
    const auto latest = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
    std::uint32_t by_webhook = 0;
    std::uint32_t by_poll = 0;
    for (const minute& one : minutes_) {
        if (one.number > latest - static_cast<std::int64_t>(window_minutes)) {
            by_webhook += one.by_webhook;
            by_poll += one.by_poll;
        }
    }
    const std::uint32_t all = by_webhook + by_poll;
    return all >= least_changes && std::uint64_t{100} * by_webhook >= std::uint64_t{99} * all;
}

void webhook_flow::close_cases(steady_time now) {
    const auto is_open = [this](const deadline& one) {
        const auto found = open_.find(one.key);
        return found != open_.end() && found->second.seen == one.seen ? &found->second : nullptr;
    };
    for (; !to_count_.empty() && now - to_count_.front().seen > overtaking; to_count_.pop_front()) {
        if (open_case* const one = is_open(to_count_.front()); one != nullptr) {
            one->counted = true;
            ++minute_of(now).by_poll;
        }
    }
    for (; !to_miss_.empty() && now - to_miss_.front().seen > patience; to_miss_.pop_front()) {
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
    if (one.number != number) {
        one = {number, 0, 0};
    }
    return one;
}

} // namespace kallglot
