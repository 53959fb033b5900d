/// Measures how late the loop runs what is due: the worst of the last 60 seconds.
///
/// A timer every quarter of a second, and the difference between when it should have run and when it did. What
/// blocks the loop for longer than that is seen whole.

#ifndef KALLGLOT_APP_LOOP_DELAY_HPP
#define KALLGLOT_APP_LOOP_DELAY_HPP

#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/gauge_sink.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

namespace kallglot {

/// Loop only. Lifetime: the clock outlives it.
class loop_delay {
public:
    explicit loop_delay(clock& time);

    void start();

    void stop() { timer_->cancel(); }

    /// The worst of the last 60 seconds, in steps of ten.
    [[nodiscard]] steady_duration worst() const noexcept {
        return *std::max_element(worst_.begin(), worst_.end());
    }

    void report(gauge_sink& gauges) const {
        gauges.set(metric::event_loop_delay, to_seconds(worst()));
    }

private:
    void tick();

    clock& clock_;
    std::unique_ptr<wake_timer> timer_;
    steady_time due_ = no_time;
    steady_time next_period_ = no_time;
    std::array<steady_duration, 6> worst_{}; ///< of ten seconds each; a ring
    std::size_t current_ = 0;
};

} // namespace kallglot

#endif
