/// Port through which the private listener reads the state of the daemon.
///
/// So the routes know neither registry nor poller, and tests use a daemon made of values. Read-only; reloads go through
/// config_control.

#ifndef KALLGLOT_PORTS_DAEMON_CONTROL_HPP
#define KALLGLOT_PORTS_DAEMON_CONTROL_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/daemon_report.hpp"

#include <memory>
#include <string_view>

namespace kallglot {

/// Readiness of the daemon between start and stop.
struct readiness {
    /// The sessions of the store are in the table, so a scrape does not see gauges fall to 0. Stays true while
    /// stopping.
    bool restored = false;
    /// Restored, listening and not stopping.
    bool ready = false;
    /// Why the daemon is not ready: a short constant text for people.
    std::string_view reason = "starting";
};

/// Loop only.
class daemon_control {
public:
    virtual ~daemon_control() = default;

    [[nodiscard]] virtual readiness ready() const noexcept = 0;

    /// Takes a census of the table and collects the gauges of all components.
    ///
    /// The table has one census at a time. A call during a census waits for it and returns the same report, as the same
    /// pointer. The census yields to the loop between slices.
    ///
    /// Errors: errc::cancelled if the daemon stops before the report is complete.
    /// Cancel: terminal.
    [[nodiscard]] virtual task<result<std::shared_ptr<const daemon_report>>> take_report() = 0;

protected:
    daemon_control() = default;
    daemon_control(const daemon_control&) = default;
    daemon_control& operator=(const daemon_control&) = default;
};

} // namespace kallglot

#endif
