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
} // namespace

systemd_host::systemd_host(clock& time, store_progress busy_since, describe status)
    : clock_(time),
      busy_since_(std::move(busy_since)),
      status_(std::move(status)),
      watchdog_(make_timer<&systemd_host::feed>(time, *this)),
      status_timer_(make_timer<&systemd_host::send_status>(time, *this)) {
    // At half the period one late feed does no harm.
    std::uint64_t period_us = 0;
    if (::sd_watchdog_enabled(0, &period_us) > 0) {
        feed_interval_ = std::chrono::microseconds(period_us / 2);
    }
}

void systemd_host::ready() {
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
    const std::optional<steady_time> busy = busy_since_();
    // Without the feed systemd kills and restarts the service.
    if (!busy || now - *busy < feed_interval_) {
        ::sd_notify(0, "WATCHDOG=1");
    }
    watchdog_->wake_at(now + feed_interval_);
}

} // namespace kallglot
