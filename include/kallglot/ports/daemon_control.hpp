/// The port through which the private listener looks into the daemon.
///
/// It exists so that the routes know neither registry nor poller and can be tested with a daemon made of values. It
/// only reads for now; reload and the effective configuration join it when their routes do.

#ifndef KALLGLOT_PORTS_DAEMON_CONTROL_HPP
#define KALLGLOT_PORTS_DAEMON_CONTROL_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/daemon_snapshot.hpp"

#include <memory>
#include <string_view>

namespace kallglot {

/// How far the daemon is between start and stop.
struct readiness {
    /// The sessions of the store are in the table: a scrape would not see gauges fall to 0. Stays true while stopping.
    bool restored = false;
    /// Restored, listening and not stopping.
    bool ready = false;
    /// Why it is not ready, a short constant text for people.
    std::string_view reason = "starting";
};

/// Loop only.
class daemon_control {
public:
    virtual ~daemon_control() = default;

    [[nodiscard]] virtual readiness ready() const noexcept = 0;

    /// Counts the table and asks everybody for their gauges.
    ///
    /// Called again while a count is under way, it waits for that one and gives the same report, because a table has
    /// one census at a time; whoever renders it can tell by the pointer. The count yields to the loop between slices.
    ///
    /// Errors: errc::cancelled while the daemon stops too soon for an answer.
    /// Cancel: terminal.
    [[nodiscard]] virtual task<result<std::shared_ptr<const daemon_report>>> take_report() = 0;

protected:
    daemon_control() = default;
    daemon_control(const daemon_control&) = default;
    daemon_control& operator=(const daemon_control&) = default;
};

} // namespace kallglot

#endif
