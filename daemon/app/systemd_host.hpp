/// Tells systemd how far the daemon is, and that its loop and its store still get on.
///
/// Through libsystemd's sd_notify; without a service manager ($NOTIFY_SOCKET unset) nothing happens. The watchdog is
/// fed by a timer of the loop at half the period that systemd asks for, and only while no piece of work of the store
/// takes longer than that: a loop that hangs is seen, and so is a disk that does.

#ifndef KALLGLOT_APP_SYSTEMD_HOST_HPP
#define KALLGLOT_APP_SYSTEMD_HOST_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: the clock outlives it.
class systemd_host {
public:
    /// Since when the store has been at the piece of work that it is at; empty if at none.
    using store_progress = std::function<std::optional<steady_time>()>;

    /// One line about the daemon, for `systemctl status`.
    using describe = std::function<std::string()>;

    systemd_host(clock& time, store_progress busy_since, describe status);

    /// READY=1; the watchdog is fed from now on.
    void ready();

    /// RELOADING=1; ready() ends it.
    void reloading();

    /// STOPPING=1; the watchdog is still fed.
    void stopping();

    /// No more timers.
    void stopped();

private:
    void feed();
    void tell_status();

    clock& clock_;
    store_progress busy_since_;
    describe status_;
    std::string told_; ///< the status that systemd has
    std::unique_ptr<wake_timer> watchdog_;
    std::unique_ptr<wake_timer> status_timer_;
    steady_duration feed_interval_{}; ///< zero: systemd asks for none
};

} // namespace kallglot

#endif
