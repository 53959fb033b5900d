#include "net/server/handshake_turns.hpp"

#include <algorithm>
#include <cassert>

namespace kallglot {

steady_duration handshake_budget::level(steady_time now) const noexcept {
    // A bucket of time: it fills slowly, and a handshake takes out what it cost. A handshake costs about a millisecond of
    // the loop, and a client can ask for a thousand a second.
    return std::min<steady_duration>(level_ + (now - at_) / seconds_per_second_of_work, max_saved);
}

steady_time handshake_budget::available_at() const noexcept {
    // The last term: a level of zero is not enough.
    return level_ > steady_duration::zero()
               ? at_
               : at_ + (steady_duration(1) - level_) * seconds_per_second_of_work;
}

void handshake_budget::spend(steady_duration took, steady_time now) noexcept {
    // The debt is bounded: after one step that was held up by something else, clients must not wait for minutes.
    level_ = std::max<steady_duration>(level(now) - took, -max_debt);
    at_ = now;
}

std::size_t choose_turn(std::span<const peer_network> waiting) {
    assert(!waiting.empty());
    std::vector<peer_network> sorted(waiting.begin(), waiting.end());
    std::ranges::sort(sorted);
    const auto siblings = [&sorted](const peer_network& network) {
        return std::ranges::equal_range(sorted, network).size();
    };
    // Of equals the first, which has waited longest.
    // The network with the fewest waiting goes first, so a flood from one network delays itself.
    const auto next = std::ranges::min_element(waiting, {}, siblings);
    return static_cast<std::size_t>(next - waiting.begin());
}

handshake_turns::handshake_turns(clock& time)
    : clock_(time),
      budget_(time.now()),
      timer_(make_timer<&handshake_turns::grant>(time, *this)) {}

task<> handshake_turns::wait(place* where) {
    // A later handshake must not overtake those that wait.
    if (waiting_.empty() && budget_.has_left(clock_.now())) {
        co_return;
    }
    waiting_.push_back(where);
    plan();
    co_await where->wake.async_wait(as_tuple);
    // Still there if the connection was closed.
    std::erase(waiting_, where);
}

void handshake_turns::note_step(steady_duration took) {
    budget_.spend(took, clock_.now());
    plan();
}

// One turn at a time: its step shows how much is left for the next one.
void handshake_turns::plan() {
    if (waiting_.empty()) {
        timer_->cancel();
    } else {
        timer_->wake_at(budget_.available_at());
    }
}

void handshake_turns::grant() {
    std::vector<peer_network> networks;
    networks.reserve(waiting_.size());
    for (const place* const one : waiting_) {
        networks.push_back(one->network);
    }
    // Removed here, so that it is not chosen twice. Its task takes the step when it resumes, and plans the next turn.
    if (!networks.empty()) {
        const auto chosen = waiting_.begin() + static_cast<std::ptrdiff_t>(choose_turn(networks));
        (*chosen)->wake.cancel();
        waiting_.erase(chosen);
    }
}

} // namespace kallglot
