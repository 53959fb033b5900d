/// Measures the delay of the event loop: how late a timer runs, as the maximum of the last 60 seconds.
///
/// A timer is due every quarter of a second. The difference between its due time and its run is the delay, so a blockage
/// of the loop that lasts longer than the interval is measured almost whole.

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

    /// The maximum of the last 60 seconds, in periods of ten.
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
    std::array<steady_duration, 6> worst_{}; ///< maximum of each period; a ring
    std::size_t current_ = 0;
};

} // namespace kallglot

#endif
