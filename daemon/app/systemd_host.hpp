/// Notifies systemd of readiness, reloads, status and stop, and feeds its watchdog.
///
/// Uses libsystemd's sd_notify; without a service manager ($NOTIFY_SOCKET unset) it does nothing. A timer of the loop feeds
/// the watchdog at half the period that systemd requires, but not while one call of the store takes longer than that. So
/// systemd detects a loop that hangs, and a disk that hangs.

#ifndef KALLGLOT_APP_SYSTEMD_HOST_HPP
#define KALLGLOT_APP_SYSTEMD_HOST_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: the clock outlives it.
class systemd_host {
public:
    /// Since when the present call of the store has been running; empty if it is idle.
    using store_progress = std::function<std::optional<steady_time>()>;

    /// One line about the daemon, for `systemctl status`.
    using describe = std::function<std::string()>;

    systemd_host(clock& time, store_progress busy_since, describe status);

    /// Until ready(): while `progress` grows, systemd is asked for more time than TimeoutStartSec. `stalled` is called once, when
    /// it does not grow for some seconds.
    void starting(std::function<std::uint64_t()> progress, std::function<void()> stalled);

    /// Sends READY=1 and feeds the watchdog from now on.
    void ready();

    /// Sends RELOADING=1; ready() ends it.
    void reloading();

    /// Sends STOPPING=1 and still feeds the watchdog.
    void stopping();

    /// Cancels the timers.
    void stopped();

private:
    void feed();
    void look_at_start();
    void send_status();

    clock& clock_;
    store_progress busy_since_;
    describe status_;
    std::string sent_; ///< the latest status
    std::function<std::uint64_t()> start_progress_;
    std::function<void()> start_stalled_; ///< empty when it has been called
    std::uint64_t start_progress_seen_ = 0;
    std::unique_ptr<wake_timer> start_timer_;
    std::unique_ptr<wake_timer> watchdog_;
    std::unique_ptr<wake_timer> status_timer_;
    steady_duration feed_interval_{}; ///< zero: no watchdog configured
};

} // namespace kallglot

#endif
