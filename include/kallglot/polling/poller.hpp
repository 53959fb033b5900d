/// Sender of polls: takes due sessions from the schedule, gets a permit from the gate, passes the GET to the API
/// client, and reports each answer to ledger and gate.
///
/// Makes no decisions about sessions (session_ledger) or requests (request_gate). No session has a coroutine or a
/// timer: one timer serves the whole daemon. Runs unchanged on virtual time with a model of the API.

#ifndef KALLGLOT_POLLING_POLLER_HPP
#define KALLGLOT_POLLING_POLLER_HPP

#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/polling/session_changes.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/metrics_sink.hpp"
#include "kallglot/tracking/server_clock.hpp"
#include "kallglot/tracking/session_ledger.hpp"
#include "polling/answer_age.hpp"
#include "polling/api_log.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: everything it refers to outlives it.
///
/// More than 15 members: half of them are the parts that it connects, and decide. The others are moments and answers
/// that the steps of pump() and on_answer() compare.
class poller final : public api_listener {
public:
    poller(session_ledger& ledger,
           poll_schedule& schedule,
           request_gate& gate,
           session_changes& changes,
           server_clock& api_clock,
           metrics_sink& metrics,
           clock& time,
           logger& log);
    ~poller() override;
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    /// Starts to poll through `client`. The client reports its answers to this object.
    void start(api_client& client);

    /// Sends no new polls. Answers to polls in flight are still reported.
    void stop();

    /// The schedule or the budget changed: checks both in the loop's next turn.
    void wake() { arm(clock_.now()); }

    /// With no poll due and no request for this long, polls an id that cannot exist: its 404 proves that key and API
    /// work. 0: never.
    void use_idle_probe(steady_duration after) noexcept { idle_probe_ = after; }

    /// Replaces intervals and thresholds. Reschedules all sessions in slices, a million of them within seconds.
    void use_policy(const poll_settings& poll, const threshold_settings& thresholds);

    void on_answer(const api_answer& answer) override;

    /// Limits and credits of the last response headers, the last good answer, the offset of the API's clock.
    void report(gauge_sink& gauges) const;

    /// The stretch of intervals when the API was last usable, for use during an outage.
    [[nodiscard]] double usual_stretch() const noexcept { return usual_stretch_; }

    /// Whether there was a shortage then or within a minute before it: age may have stretched intervals further.
    [[nodiscard]] bool usual_shortage() const noexcept { return usual_shortage_; }

private:
    void pump();
    void send_retries();
    void send_due(steady_time now, steady_time& wake);
    void probe_if_idle(steady_time now, steady_time& wake);
    void send(request_permit permit, session_slot slot, bool fresh, steady_time now);
    void arm(steady_time wake);
    void on_timer();
    void regulate(steady_time now);
    void reschedule_slice(steady_time now);

    void take_headers(const api_answer& answer);
    void take_answer(const api_answer& answer, const answer_age& age);
    [[nodiscard]] ledger_change change_of(const api_answer& answer, const answer_age& age);
    [[nodiscard]] ledger_change take_old_answer(session_slot slot);
    void take_probe(const api_answer& answer, const answer_age& age);
    void take_failure(const api_answer& answer, failure_reason reason);

    session_ledger& ledger_;
    poll_schedule& schedule_;
    request_gate& gate_;
    session_changes& changes_;
    server_clock& api_clock_;
    metrics_sink& metrics_;
    clock& clock_;
    logger& log_;
    api_log api_log_;
    api_client* client_ = nullptr; ///< null until start() and after stop()

    std::unique_ptr<wake_timer> timer_;
    steady_time armed_for_ = steady_time::max();
    steady_time next_regulation_ = no_time;
    std::uint32_t next_rescheduled_ = 0xFFFF'FFFF; ///< the session that is rescheduled next

    /// Sessions whose reused connection closed before the answer began: retried once, on a fresh connection.
    std::deque<session_slot> retries_;

    steady_duration idle_probe_{};
    steady_time last_request_ = no_time; ///< or the start
    bool probe_in_flight_ = false;

    answer_ages ages_;
    response_headers last_headers_;
    std::optional<api_time> last_success_; ///< by the wall clock, for the metric alone
    double usual_stretch_ = 1;
    bool usual_shortage_ = false;
    steady_time last_shortage_ = no_time;
};

} // namespace kallglot

#endif
