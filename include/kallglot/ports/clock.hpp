#ifndef KALLGLOT_PORTS_CLOCK_HPP
#define KALLGLOT_PORTS_CLOCK_HPP

#include "kallglot/base/time.hpp"

#include <memory>

namespace kallglot {

/// A timer that calls one function of its owner. Loop only.
class wake_timer {
public:
    virtual ~wake_timer() = default;

    /// Arranges one call of the callback at `when` (at once, though not from within this call, if
    /// that has passed), in place of any call arranged before.
    virtual void wake_at(steady_time when) = 0;

    /// No call any more until the next wake_at.
    virtual void cancel() = 0;
};

/// Where the runtime gets the time from: the machine's clocks in the daemon, a virtual clock in tests
/// and simulations, so that days of schedule pass in seconds. Loop only.
class clock {
public:
    virtual ~clock() = default;

    [[nodiscard]] virtual steady_time now() const = 0;

    /// This machine's wall clock: for display and metrics, never for a decision.
    [[nodiscard]] virtual api_time wall_now() const = 0;

    /// Lifetime: the clock and `context` outlive the timer. `callback(context)` must not throw.
    [[nodiscard]] virtual std::unique_ptr<wake_timer> make_timer(void (*callback)(void*),
                                                                 void* context) = 0;
};

} // namespace kallglot

#endif
