#include "app/loop_delay.hpp"

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// Short enough to notice most blockages, long enough to cost nothing.
constexpr steady_duration tick_interval = 250ms;

/// Six periods are the minute that a scrape looks back.
constexpr steady_duration period = 10s;

} // namespace

loop_delay::loop_delay(clock& time)
    : clock_(time),
      timer_(make_timer<&loop_delay::tick>(time, *this)) {}

void loop_delay::start() {
    const steady_time now = clock_.now();
    next_period_ = now + period;
    due_ = now + tick_interval;
    timer_->wake_at(due_);
}

void loop_delay::tick() {
    const steady_time now = clock_.now();
    // The oldest period is overwritten.
    if (now >= next_period_) {
        current_ = (current_ + 1) % worst_.size();
        worst_[current_] = {};
        next_period_ = now + period;
    }
    // A tick that comes late was held up by whatever ran on the loop before it.
    worst_[current_] = std::max(worst_[current_], now - due_);
    // From now, not from the last due time: one blockage counts once.
    due_ = now + tick_interval;
    timer_->wake_at(due_);
}

} // namespace kallglot
