/// Tells systemd how far the daemon is, and that its loop still turns.
///
/// Through libsystemd's sd_notify; without a service manager ($NOTIFY_SOCKET unset) nothing happens. The watchdog is
/// fed by a timer of the loop at half the period that systemd asks for, so a loop that hangs is seen.

#ifndef KALLGLOT_RUNTIME_SYSTEMD_HOST_HPP
#define KALLGLOT_RUNTIME_SYSTEMD_HOST_HPP

#include "kallglot/core/time.hpp"
#include "kallglot/ports/clock.hpp"

#include <cstddef>
#include <memory>

namespace kallglot {

/// Loop only. Lifetime: the clock outlives it.
class systemd_host {
public:
    explicit systemd_host(clock& time);

    /// READY=1; the watchdog is fed from now on.
    void ready();

    /// STOPPING=1; the watchdog is still fed.
    void stopping();

    /// No more timers.
    void stopped() { watchdog_->cancel(); }

private:
    void feed();

    clock& clock_;
    std::unique_ptr<wake_timer> watchdog_;
    steady_duration feed_interval_{}; ///< zero: systemd asks for none
};

} // namespace kallglot

#endif
