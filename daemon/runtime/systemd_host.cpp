#include "kallglot/runtime/systemd_host.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace kallglot {

systemd_host::systemd_host(clock& time)
    : clock_(time),
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
    ::sd_notify(0, "WATCHDOG=1");
    watchdog_->wake_at(clock_.now() + feed_interval_);
}

} // namespace kallglot
