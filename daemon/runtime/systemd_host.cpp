#include "kallglot/runtime/systemd_host.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <utility>

namespace kallglot {

systemd_host::systemd_host(clock& time, store_progress busy_since)
    : clock_(time),
      busy_since_(std::move(busy_since)),
      watchdog_(
          time.make_timer([](void* self) { static_cast<systemd_host*>(self)->feed(); }, this)) {
    std::uint64_t period_us = 0;
    if (::sd_watchdog_enabled(0, &period_us) > 0) {
        feed_interval_ = std::chrono::microseconds(period_us / 2);
    }
}

void systemd_host::ready() {
    ::sd_notify(0, "READY=1");
    if (feed_interval_ != steady_duration::zero()) {
        feed();
    }
}

void systemd_host::stopping() {
    ::sd_notify(0, "STOPPING=1");
}

void systemd_host::feed() {
    const steady_time now = clock_.now();
    const std::optional<steady_time> busy = busy_since_();
    if (!busy || now - *busy < feed_interval_) {
        ::sd_notify(0, "WATCHDOG=1");
    }
    watchdog_->wake_at(now + feed_interval_);
}

} // namespace kallglot
