/// Ports through which the private listener reads the state of the daemon, and shows and reloads the configuration.
///
/// So the routes know neither registry nor poller, and tests use a daemon made of values.

#ifndef KALLGLOT_PORTS_DAEMON_CONTROL_HPP
#define KALLGLOT_PORTS_DAEMON_CONTROL_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/daemon_report.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// The state of the daemon, read-only. Loop only.
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

/// The result of a reload. Without `done` nothing has changed.
struct reload_outcome {
    bool done = false;
    std::vector<std::string> messages; ///< done: the changes; else the errors. No secrets.
};

/// The configuration. Loop only.
class config_control {
public:
    virtual ~config_control() = default;

    /// Reloads the configuration. One reload at a time; further callers wait for their turn.
    [[nodiscard]] virtual task<reload_outcome> reload() = 0;

    /// The active configuration as YAML; secrets are shown as `<secret>`.
    [[nodiscard]] virtual std::string effective() const = 0;

protected:
    config_control() = default;
    config_control(const config_control&) = default;
    config_control& operator=(const config_control&) = default;
};

} // namespace kallglot

#endif
