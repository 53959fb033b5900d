/// Port through which poller and intake report events to the metrics.
///
/// So both run without the metrics library. Each call is one event of one metric, named in a comment where the name
/// of the function does not show it. daemon_metrics implements it.

#ifndef KALLGLOT_PORTS_METRICS_SINK_HPP
#define KALLGLOT_PORTS_METRICS_SINK_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_ledger.hpp"
#include "kallglot/tracking/session_tracker.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <cstddef>
#include <cstdint>

namespace kallglot {

/// Why an id was rejected: the label of kallglot_exporter_sessions_rejected_total.
enum class reject_reason : std::uint8_t { invalid_id, limit };

inline constexpr auto reject_reason_words = make_vocabulary<reject_reason>({
    {reject_reason::invalid_id, "invalid_id"},
    {reject_reason::limit, "limit"},
});

/// Loop only. Times named `now` are wall-clock times, shown beside exemplars.
class metrics_sink {
public:
    virtual ~metrics_sink() = default;

    // Sessions.
    virtual void transition(const status_change& change,
                            change_source source,
                            const session_id& id,
                            api_time now) = 0;
    virtual void setup(steady_duration created_to_started, const session_id& id, api_time now) = 0;
    virtual void ended(end_reason reason) noexcept = 0;
    virtual void ended_duration(steady_duration call) = 0;
    virtual void ended_without_start() noexcept = 0;
    virtual void episode_ended(const stuck_episode& episode) = 0;

    // Requests.
    virtual void request_sent() noexcept = 0;
    virtual void response(int http_status, steady_duration first_to_last_byte) = 0;
    virtual void request_failed(failure_reason reason) noexcept = 0;
    virtual void unknown_status() noexcept = 0;

    /// A poll was sent `lateness` after it was due; `late` is is_late().
    virtual void poll(poll_class which, steady_duration lateness, bool late) = 0;

    // Intake.
    virtual void session_added(session_source source) noexcept = 0;
    virtual void session_rejected(reject_reason reason, std::size_t count) noexcept = 0;
    virtual void session_forgotten(forget_reason reason) noexcept = 0;

protected:
    metrics_sink() = default;
    metrics_sink(const metrics_sink&) = default;
    metrics_sink& operator=(const metrics_sink&) = default;
};

} // namespace kallglot

#endif
