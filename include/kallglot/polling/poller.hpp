/// Carries out the polling: takes due sessions from the schedule, sends their GETs, and gives the answers to
/// tracker, gate, schedule, metrics and store.
///
/// Every decision is elsewhere, in core; this is the wiring, and it has no coroutine and no timer of a session.
/// One wake_timer serves the whole daemon. Runs unchanged on virtual time with a model of the API.

#ifndef KALLGLOT_POLLING_POLLER_HPP
#define KALLGLOT_POLLING_POLLER_HPP

#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/webhook_metrics.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/metric_labels.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_registry.hpp"
#include "kallglot/tracking/session_tracker.hpp"
#include "kallglot/tracking/webhook_flow.hpp"
#include "polling/server_clock.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace kallglot {

/// The other source of starts and ends, to be compared with what polls see.
struct followed_webhooks {
    webhook_flow& flow;
    webhook_metrics& metrics;
};

/// Loop only. Lifetime: everything it refers to outlives it.
class poller final : public api_listener {
public:
    poller(session_registry& registry,
           poll_schedule& schedule,
           request_gate& gate,
           session_store& store,
           daemon_metrics& metrics,
           clock& time,
           logger& log);
    ~poller() override;
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    /// Begins to poll through `client`, which tells its answers to this object.
    void start(api_client& client);

    /// Starts no new polls. Answers under way are still taken in.
    void stop();

    /// A record was added or changed from outside: the schedule takes it in, and due polls start.
    void session_changed(session_slot slot);

    /// What may be sent has changed from outside: look again.
    void wake() { arm(clock_.now()); }

    /// A webhook told something of a tracked session; `made_at` is the event's own time by the API's clock.
    tracking take_event(session_slot slot, session_event event, std::optional<api_time> made_at);

    /// The session leaves the table, the schedule and the store.
    commit_ticket forget(session_slot slot, labels::forgotten_for reason);

    /// The session leaves the table and the schedule without a trace: the store never had it.
    void drop(session_slot slot);

    /// Whether it is in a streak of 404 answers that tell of its id, not of its end.
    [[nodiscard]] bool is_missing(session_slot slot) const noexcept;

    /// A session of the store is in the table again: it is due at once, as routine, and those whose interval is
    /// shortest get their turn first.
    void restored(session_slot slot);

    /// Ids that are forgotten as ended or not found are put there as well.
    void remember_in(remembered_keys& gone) noexcept { remembered_ = &gone; }

    /// After this long without a request and with nothing to poll, an id is asked for that cannot exist: its 404
    /// proves that key and API are good. 0: never.
    void use_idle_probe(steady_duration after) noexcept { idle_probe_ = after; }

    /// Other intervals and thresholds from now on, also for sessions that wait for their poll; a million of them are
    /// gone through in slices.
    void use_policy(const poll_settings& poll, const threshold_settings& thresholds);

    /// Webhooks are on: while they flow, polls of what they tell become audits.
    void follow(const followed_webhooks& webhooks) { webhooks_.emplace(webhooks); }

    void on_answer(const api_answer& answer) override;

    /// Limits and credits as the last headers told them.
    [[nodiscard]] const response_headers& last_headers() const noexcept { return last_headers_; }

    /// Wall-clock time of the last good answer, for the metric alone; empty before the first.
    [[nodiscard]] std::optional<api_time> last_success() const noexcept { return last_success_; }

    /// The stretch of intervals when polls were last answered: what may be expected, also while nothing is.
    [[nodiscard]] double usual_stretch() const noexcept { return usual_stretch_; }

    /// Whether requests were short then, or shortly before: age may have stretched intervals further.
    [[nodiscard]] bool usual_shortage() const noexcept { return usual_shortage_; }

    [[nodiscard]] const server_clock& api_clock() const noexcept { return api_clock_; }

private:
    void pump();
    void send_retries();
    void send_due(steady_time now, steady_time& wake);
    void probe_if_idle(steady_time now, steady_time& wake);
    void send(request_permit permit, session_slot slot, bool fresh, steady_time now);
    void count_poll(const due_poll& poll, steady_time now);
    void arm(steady_time wake);
    void regulate(steady_time now);

    void take_headers(const api_answer& answer);
    void take_success(const api_answer& answer);
    void take_not_found(const api_answer& answer);
    void take_failure(const api_answer& answer);
    void take_probe(const api_answer& answer);
    /// No request is under way for it any more. False if it was forgotten meanwhile, and is gone now.
    bool land(session_slot slot);
    void tell_health(const api_answer& answer, failure_reason reason);
    void tell_metrics(const tracking& changes, session_slot slot, labels::transition_source source);
    void forget_if_over(session_slot slot, steady_time now);
    void note_seen(session_slot slot, const status_change& change, steady_time now);
    void compare_with_webhook(session_slot slot, session_event event, bool first, steady_time now);
    void log_state_change();

    session_registry& registry_;
    poll_schedule& schedule_;
    request_gate& gate_;
    session_store& store_;
    daemon_metrics& metrics_;
    clock& clock_;
    logger& log_;
    remembered_keys* remembered_ = nullptr;
    std::optional<followed_webhooks> webhooks_;
    api_client* client_ = nullptr; ///< null until start() and after stop()

    std::unique_ptr<wake_timer> timer_;
    steady_time armed_for_ = steady_time::max();
    steady_time next_regulation_ = no_time;
    std::uint32_t next_rederived_ = 0xFFFF'FFFF; ///< the session whose place is derived anew next

    /// Sessions whose reused connection closed before the answer began: asked once more, on a fresh one.
    std::deque<session_slot> retries_;

    steady_duration idle_probe_{};
    steady_time last_request_ = no_time; ///< or the start
    bool probe_under_way_ = false;

    server_clock api_clock_;
    response_headers last_headers_;
    std::optional<api_time> last_success_;
    double usual_stretch_ = 1;
    bool usual_shortage_ = false;
    steady_time last_short_ = no_time;
    std::size_t answering_not_found_ = 0; ///< sessions of which is_missing() is true
    std::string last_failure_;            ///< in words, for the log
    api_state told_state_ = api_state::starting;
};

} // namespace kallglot

#endif
