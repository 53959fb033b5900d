#include "app/systemd_host.hpp"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <utility>

namespace kallglot {

namespace {
/// The status is for people who run `systemctl status`.
constexpr seconds status_interval{10};

/// How often a long start is looked at, and what each sign of progress gains. Both are well below TimeoutStartSec.
constexpr seconds start_interval{5};
constexpr const char* more_time = "EXTEND_TIMEOUT_USEC=30000000";
} // namespace

systemd_host::systemd_host(clock& time, store_progress busy_since, describe status)
    : clock_(time),
      busy_since_(std::move(busy_since)),
      status_(std::move(status)),
      start_timer_(make_timer<&systemd_host::look_at_start>(time, *this)),
      watchdog_(make_timer<&systemd_host::feed>(time, *this)),
      status_timer_(make_timer<&systemd_host::send_status>(time, *this)) {
    // At half the period one late feed does no harm.
    std::uint64_t period_us = 0;
    // 0 keeps the variables of the environment. WATCHDOG_PID must be this process, which the function checks.
    if (::sd_watchdog_enabled(0, &period_us) > 0) {
        feed_interval_ = std::chrono::microseconds(period_us / 2);
    }
}

void systemd_host::starting(std::function<std::uint64_t()> progress,
                            std::function<void()> stalled) {
    start_progress_ = std::move(progress);
    start_stalled_ = std::move(stalled);
    // Rows that the store has read. A restore of a million sessions takes longer than TimeoutStartSec may be.
    start_progress_seen_ = start_progress_();
    start_timer_->wake_at(clock_.now() + start_interval);
}

void systemd_host::look_at_start() {
    const std::uint64_t now = start_progress_();
    // A start that hangs is ended by systemd, as a daemon that hangs.
    if (now != start_progress_seen_) {
        ::sd_notify(0, more_time);
        start_progress_seen_ = now;
    } else if (const auto stalled = std::exchange(start_stalled_, {})) {
        stalled();
    }
    start_timer_->wake_at(clock_.now() + start_interval);
}

void systemd_host::ready() {
    start_timer_->cancel();
    // Also the end of a reload.
    ::sd_notify(0, "READY=1");
    send_status();
    if (feed_interval_ != steady_duration::zero()) {
        feed();
    }
}

void systemd_host::reloading() {
    // systemd requires the time, to distinguish this reload from an earlier one.
    // Of the system, also in tests: systemd compares it with its own clock.
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t now_us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
    ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_us)).c_str());
}

void systemd_host::stopping() {
    start_timer_->cancel();
    // The timer would overwrite the status below.
    status_timer_->cancel();
    ::sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void systemd_host::stopped() {
    status_timer_->cancel();
    watchdog_->cancel();
}

void systemd_host::send_status() {
    std::string now = status_();
    // Only changes, since each message wakes the service manager.
    if (now != sent_) {
        ::sd_notify(0, ("STATUS=" + now).c_str());
        sent_ = std::move(now);
    }
    status_timer_->wake_at(clock_.now() + status_interval);
}

void systemd_host::feed() {
    const steady_time now = clock_.now();
    // That this timer runs proves that the loop is alive. A call of the store that does not return would go
    // unnoticed, so it counts too.
    const std::optional<steady_time> busy = busy_since_();
    // Without the feed systemd kills and restarts the service.
    if (!busy || now - *busy < feed_interval_) {
        ::sd_notify(0, "WATCHDOG=1");
    }
    watchdog_->wake_at(now + feed_interval_);
}

} // namespace kallglot
