/// How ids come in and go out again: checks, table, store and schedule in one place.
///
/// Every way in (files now; session API and webhooks with them) ends here, so that the rules of "new", "known",
/// "full" and "forgotten" exist once.

#ifndef KALLGLOT_RUNTIME_INTAKE_HPP
#define KALLGLOT_RUNTIME_INTAKE_HPP

#include "kallglot/core/session_registry.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/runtime/file_watch.hpp"
#include "kallglot/runtime/poller.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: everything it refers to outlives it.
class intake final : public file_watch_listener {
public:
    intake(session_registry& registry,
           session_store& store,
           poller& polls,
           daemon_metrics& metrics,
           clock& time,
           logger& log)
        : registry_(registry),
          store_(store),
          poller_(polls),
          metrics_(metrics),
          clock_(time),
          log_(log) {}

    void on_added(std::span<const session_id> ids, bool first_reading) override;
    void on_removed(const std::vector<std::uint64_t>& hashes) override;
    void on_bad_lines(std::uint64_t count) override {
        metrics_.session_rejected(labels::rejected_for::invalid_id, count);
    }

private:
    /// False if the table is full.
    bool track(const session_id& id, session_source source, bool bulk);

    session_registry& registry_;
    session_store& store_;
    poller& poller_;
    daemon_metrics& metrics_;
    clock& clock_;
    logger& log_;
    bool told_full_ = false; ///< the log has it already
};

} // namespace kallglot

#endif
