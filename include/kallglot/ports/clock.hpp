/// Port for time: clocks and timers.

#ifndef KALLGLOT_PORTS_CLOCK_HPP
#define KALLGLOT_PORTS_CLOCK_HPP

#include "kallglot/base/time.hpp"

#include <memory>

namespace kallglot {

/// A timer that calls one function of its owner. Loop only.
class wake_timer {
public:
    virtual ~wake_timer() = default;

    /// Schedules one call of the callback at `when`, and replaces a call scheduled before. If `when` has passed, the
    /// call follows at once, but not within this call.
    virtual void wake_at(steady_time when) = 0;

    /// Cancels the scheduled call.
    virtual void cancel() = 0;
};

/// Source of the time: the machine's clocks in the daemon, a virtual clock in tests and simulations. There, days of a
/// schedule pass in seconds. Loop only.
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

/// A timer that calls `Callback`, a member function of `owner` without parameters: `make_timer<&poller::pump>(time, *this)`.
/// Lifetime: clock and owner outlive the timer.
template <auto Callback, class Owner>
[[nodiscard]] std::unique_ptr<wake_timer> make_timer(clock& time, Owner& owner) {
    return time.make_timer([](void* self) { (static_cast<Owner*>(self)->*Callback)(); }, &owner);
}

} // namespace kallglot

#endif
