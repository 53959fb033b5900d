#include "kallglot/polling/poller.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// How often the poller compares demand with the budget.
constexpr steady_duration regulation_interval = 250ms;

/// Intervals that were stretched by age may still run for this long after a shortage.
constexpr steady_duration shortage_echo = 1min;

/// Number of sessions that one turn reschedules after a change of policy.
constexpr std::uint32_t max_rescheduled_per_turn = 16'384;

/// An id in the API's spelling, so that the API looks it up. No session has it.
constexpr std::string_view probe_id = "sess_probe_00000000000000000000";

bool is_not_found(const api_answer& answer) noexcept {
    return !answer.error && (answer.http_status == 404 || answer.http_status == 410);
}

failure_reason reason_of(const api_answer& answer) noexcept {
    return answer.error ? classify(static_cast<errc>(answer.error.value()))
                        : classify_status(answer.http_status);
}

/// The wait that the API asked for, measured by its own clock.
std::optional<steady_duration> retry_delay(const api_answer& answer,
                                           std::optional<api_time> api_now) noexcept {
    // In order of trust: the header in seconds, the header as a date, the body.
    if (answer.headers.retry_after) {
        return *answer.headers.retry_after;
    }
    if (answer.headers.retry_at && api_now) {
        // Clamped while in milliseconds: a far date would overflow the nanoseconds of the steady clock.
        return std::clamp<std::chrono::milliseconds>(*answer.headers.retry_at - *api_now,
                                                     std::chrono::milliseconds(0),
                                                     std::chrono::hours(24));
    }
    if (answer.problem.retry_after) {
        return *answer.problem.retry_after;
    }
    return std::nullopt;
}

} // namespace

poller::poller(session_ledger& ledger,
               poll_schedule& schedule,
               request_gate& gate,
               session_changes& changes,
               server_clock& api_clock,
               metrics_sink& metrics,
               clock& time,
               logger& log)
    : ledger_(ledger),
      schedule_(schedule),
      gate_(gate),
      changes_(changes),
      api_clock_(api_clock),
      metrics_(metrics),
      clock_(time),
      log_(log),
      api_log_(log),
      timer_(make_timer<&poller::on_timer>(time, *this)) {
    // The intake may change many sessions in one turn. One look in the next turn serves them all.
    changes_.set_wake([this] { wake(); });
}

poller::~poller() = default;

void poller::start(api_client& client) {
    client_ = &client;
    // The idle probe counts from the start, so that it does not precede the first poll.
    last_request_ = clock_.now();
    pump();
}

void poller::stop() {
    // From here on pump() and arm() do nothing, whichever callback still comes.
    client_ = nullptr;
    timer_->cancel();
    // Retries are not sent any more; the state of their sessions does not change.
    // no_slot is the idle probe, which belongs to no session.
    for (const session_slot slot : std::exchange(retries_, {})) {
        if (slot != no_slot) {
            ledger_.poll_returned(slot);
        }
    }
}

// Sending -------------------------------------------------------------------------------------------------------------

void poller::pump() {
    if (client_ == nullptr) {
        return;
    }
    const steady_time now = clock_.now();
    // The order matters: the policy first, then what it makes due, then what is sent.
    if (now >= next_regulation_) {
        regulate(now);
    }
    schedule_.advance(now);
    // Expired sessions leave before polls are sent: forgetting needs no request.
    while (const auto slot = schedule_.take_expired()) {
        changes_.apply(ledger_.forget(*slot, forget_reason::ended, now), now);
    }
    // Retries go first: their sessions have waited for an answer already.
    send_retries();
    steady_time wake = next_regulation_;
    send_due(now, wake);
    probe_if_idle(now, wake);
    if (const auto turn = schedule_.next_turn()) {
        wake = std::min(wake, *turn);
    }
    // Sleep until the earliest of the next regulation, the next permit and the next due session.
    arm(wake);
}

void poller::send_retries() {
    while (!retries_.empty()) {
        const session_slot slot = retries_.front();
        // Forgotten while it waited for the retry: the slot is free now, and nothing is sent.
        if (slot != no_slot && ledger_.sessions()[slot].forgotten) {
            retries_.pop_front();
            ledger_.poll_returned(slot);
            continue;
        }
        const steady_time now = clock_.now();
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            arm(*later);
            return;
        }
        retries_.pop_front();
        // On a fresh connection: another idle one may have been closed as well.
        send(std::get<request_permit>(std::move(permit)), slot, true, now);
    }
}

void poller::send_due(steady_time now, steady_time& wake) {
    // Capacity first: a permit that could not be used would be lost budget.
    while (schedule_.has_due() && client_->capacity() > 0) {
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            wake = std::min(wake, *later);
            return;
        }
        // Take the session only with the permit in hand, so that the most urgent one of this moment gets it.
        // Never empty: has_due() is true, and nothing ran since.
        const auto due = schedule_.take(now);
        BOOST_ASSERT(due);
        const steady_duration lateness = now - due->due;
        metrics_.poll(due->cls, lateness, is_late(due->cls, lateness, due->interval, due->stretch));
        send(std::get<request_permit>(std::move(permit)), due->slot, false, now);
    }
}

void poller::probe_if_idle(steady_time now, steady_time& wake) {
    // Only while nothing else would show whether key and API work.
    if (idle_probe_ <= steady_duration::zero() || probe_in_flight_ || schedule_.has_due()
        || client_->capacity() == 0) {
        return;
    }
    if (const steady_time due = last_request_ + idle_probe_; due > now) {
        wake = std::min(wake, due);
        return;
    }
    auto permit = gate_.permit(now);
    if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
        wake = std::min(wake, *later);
        return;
    }
    probe_in_flight_ = true;
    send(std::get<request_permit>(std::move(permit)), no_slot, false, now);
}

void poller::send(request_permit permit, session_slot slot, bool fresh, steady_time now) {
    last_request_ = now;
    if (slot == no_slot) {
        client_->get(std::move(permit),
                     get_request{slot, session_id::parse(probe_id).value(), fresh});
        return;
    }
    ledger_.poll_sent(slot, now);
    client_->get(std::move(permit), get_request{slot, ledger_.sessions().id_of(slot), fresh});
}

void poller::on_timer() {
    // The timer has fired and is armed for nothing.
    armed_for_ = steady_time::max();
    if (client_ == nullptr) {
        return;
    }
    // All requests of this turn leave in one write for each connection.
    client_->hold();
    pump();
    client_->flush();
}

void poller::arm(steady_time wake) {
    // The timer moves to earlier times only. Waking too early costs one look; moving it at every answer costs more.
    if (client_ != nullptr && wake < armed_for_) {
        armed_for_ = wake;
        timer_->wake_at(wake);
    }
}

// Regulation ----------------------------------------------------------------------------------------------------------

void poller::use_policy(const poll_settings& poll, const threshold_settings& thresholds) {
    schedule_.use_policy({poll, thresholds, schedule_.policy().webhooks_flow});
    next_rescheduled_ = 0;
}

void poller::regulate(steady_time now) {
    next_regulation_ = now + regulation_interval;
    // The number of sessions changes all the time, so the gate needs the demand again.
    gate_.use_demand(schedule_.demand());

    // A shortage compares demand with the long-term budget. A pause or a ramp does not count: it ends soon, while
    // sessions that have been in their status for long would get long intervals for it.
    if (schedule_.use_budget(gate_.budget().allowed(now), now)) {
        // Another degree has other due times; sessions that were postponed by minutes need not wait any longer.
        next_rescheduled_ = 0;
    }

    // In an outage the stretch grows with time. Measured by it, no session would count as stale.
    if (gate_.health().state() == api_state::ok) {
        usual_stretch_ = schedule_.stretch(now);
        last_shortage_ = schedule_.shortage() ? now : last_shortage_;
        usual_shortage_ = last_shortage_ != no_time && now - last_shortage_ < shortage_echo;
    }

    // While webhooks report reliably, polls of what they report become audits.
    const bool flow = ledger_.webhooks_flow(now);
    if (schedule_.use_webhooks(flow)) {
        if (flow) {
            log_.info(
                "webhooks reliable: sessions that they report are polled at the audit interval");
        } else {
            log_.info("webhooks unreliable: polling at the routine intervals again");
        }
        next_rescheduled_ = 0;
    }
    reschedule_slice(now);
}

void poller::reschedule_slice(steady_time now) {
    // A new policy applies to every session, but a million of them must not block one turn of the loop.
    const session_registry& sessions = ledger_.sessions();
    for (std::uint32_t count = 0;
         count < max_rescheduled_per_turn && next_rescheduled_ < sessions.slot_count();
         ++count) {
        const session_slot slot{next_rescheduled_++};
        if (sessions.is_tracked(slot)) {
            schedule_.update(slot, now);
        }
    }
}

// Answers -------------------------------------------------------------------------------------------------------------

void poller::on_answer(const api_answer& answer) {
    const session_slot slot = answer.slot;
    if (answer.sent != no_time) {
        // Counted at the answer, because only the client knows whether a connection was established.
        metrics_.request_sent();
    }
    answer_age age{answer.sent, {}};
    if (answer.http_status != 0) {
        metrics_.response(answer.http_status, answer.received - answer.sent);
        age = ages_.of(answer);
        // Headers count even if the body is bad. Those of a stored answer were true when it was made.
        if (age.is_stored()) {
            api_log_.note_stored(age, answer.received);
        } else {
            take_headers(answer);
        }
    }
    // The API had closed an idle connection. One retry on a fresh one, without a failure in the metrics.
    if (answer.error == errc::reused_connection_closed && client_ != nullptr) {
        gate_.health().on_retry(answer.sent, clock_.now());
        retries_.push_back(slot);
        pump();
        return;
    }
    if (slot == no_slot) {
        take_probe(answer, age);
    } else if (ledger_.poll_returned(slot)) {
        take_answer(answer, age);
    }
    // Every answer can change the state of the API; the log gets one line for each change.
    api_log_.note_state(gate_.health().state());
    pump();
}

void poller::take_headers(const api_answer& answer) {
    const response_headers& headers = answer.headers;
    if (headers.date) {
        api_clock_.note(*headers.date, answer.received);
    }
    // After the date: the reset time is compared with the API's clock.
    gate_.budget().on_headers(headers,
                              api_clock_.at(answer.received),
                              answer.sent,
                              answer.received);
    // The metrics show the last known values, so an answer without headers erases nothing.
    if (headers.rate_limit) {
        // The three belong together: of two answers each could be of another window.
        last_headers_.rate_limit = headers.rate_limit;
        last_headers_.rate_remaining = headers.rate_remaining;
        last_headers_.rate_reset = headers.rate_reset;
    }
    if (headers.credits_remaining) {
        last_headers_.credits_remaining = headers.credits_remaining;
    }
    if (headers.credits_used) {
        last_headers_.credits_used = headers.credits_used;
    }
}

void poller::take_answer(const api_answer& answer, const answer_age& age) {
    const steady_time now = answer.received;
    changes_.apply(change_of(answer, age), now);
    // Only an answer can make a session long enough missing or unknown, so the check follows each answer.
    if (const auto over = ledger_.forget_if_over(answer.slot, schedule_.policy().poll, now)) {
        changes_.apply(*over, now);
    }
}

ledger_change poller::change_of(const api_answer& answer, const answer_age& age) {
    if (!answer.error && answer.http_status == 200) {
        // A stored answer proves neither that the API works nor that our key does.
        if (!age.is_stored()) {
            gate_.health().on_success(answer.received);
            last_success_ = clock_.wall_now();
        } else if (!ledger_.is_news(answer.slot, age.made)) {
            return take_old_answer(answer.slot);
        }
        // A word that this version does not know: counted, so that an operator sees it.
        if (answer.snapshot.status == session_status::unknown) {
            metrics_.unknown_status();
        }
        const exchange_times times{age.made, answer.received, api_clock_.at(answer.received)};
        return ledger_.take_snapshot(answer.slot, answer.snapshot, times, schedule_.policy());
    }
    if (is_not_found(answer)) {
        if (age.is_stored()) {
            return take_old_answer(answer.slot);
        }
        // The key is good and the API answers: only this session does not exist.
        gate_.health().on_success(answer.received);
        metrics_.request_failed(failure_reason::not_found);
        return ledger_.take_not_found(answer.slot, answer.sent);
    }
    if (answer.error == errc::cancelled) {
        // The daemon stopped the request itself: the session is unchanged, and due again.
        ledger_change unchanged;
        unchanged.slot = answer.slot;
        unchanged.reschedule = true;
        return unchanged;
    }
    const failure_reason reason = reason_of(answer);
    take_failure(answer, reason);
    // Level debug: during an outage every session fails, and the change of state is logged once.
    if (log_.enabled(log_level::debug)) {
        log_.debug("poll failed",
                   {{"session", ledger_.sessions().id_of(answer.slot).view()},
                    {"reason", to_string(reason)},
                    {"error", api_log_.last_failure()}});
    }
    return ledger_.take_failure(answer.slot, reason);
}

// The session is unchanged, and polled again after the delay of a retry.
ledger_change poller::take_old_answer(session_slot slot) {
    metrics_.request_failed(failure_reason::other);
    return ledger_.take_failure(slot, failure_reason::other);
}

void poller::take_probe(const api_answer& answer, const answer_age& age) {
    probe_in_flight_ = false;
    if (answer.error == errc::cancelled || age.is_stored()) {
        return;
    }
    // Both answers prove that the API accepts our key, whatever they say about an id that no session has.
    if (is_not_found(answer) || (!answer.error && answer.http_status == 200)) {
        gate_.health().on_success(answer.received);
        return;
    }
    take_failure(answer, reason_of(answer));
}

void poller::take_failure(const api_answer& answer, failure_reason reason) {
    metrics_.request_failed(reason);
    api_log_.note_failure(answer);
    // Both learn from it: the budget guesses lower, and health pauses all requests.
    if (answer.http_status == 429) {
        gate_.budget().on_throttled(answer.sent, answer.received);
    }
    const api_failure failure{reason,
                              answer.http_status,
                              retry_delay(answer, api_clock_.at(answer.received)),
                              answer.problem.kind == api_error_kind::key,
                              answer.slot};
    // A lost HTTP/2 connection fails up to a hundred requests at once; for the API as a whole that is one failure.
    if (!answer.shared_cause) {
        gate_.health().on_failure(failure, answer.received);
    }
}

void poller::report(gauge_sink& gauges) const {
    gauges.set(metric::api_rate_limit, last_headers_.rate_limit);
    gauges.set(metric::api_rate_limit_remaining, last_headers_.rate_remaining);
    gauges.set(metric::api_credits_remaining, last_headers_.credits_remaining);
    gauges.set(metric::api_credits_used, last_headers_.credits_used);
    if (last_headers_.rate_reset) {
        gauges.set(metric::api_rate_limit_reset, unix_seconds(*last_headers_.rate_reset));
    }
    if (last_success_) {
        gauges.set(metric::last_poll_success, unix_seconds(*last_success_));
    }
    if (const auto api_now = api_clock_.at(clock_.now())) {
        // Two wall clocks at one moment. The steady clock of the daemon relates them.
        gauges.set(metric::clock_offset, unix_seconds(*api_now) - unix_seconds(clock_.wall_now()));
    }
}

} // namespace kallglot
