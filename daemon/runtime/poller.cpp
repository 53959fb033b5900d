#include "kallglot/runtime/poller.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// How often the demand is compared with the budget.
constexpr steady_duration regulation_interval = 250ms;

/// While a session's 404 answers may be an outage, it is kept; after this long it goes anyway.
constexpr steady_duration longest_not_found = 24h;
constexpr std::uint8_t least_not_found_answers = 3;
constexpr std::size_t outage_needs_sessions = 20;

/// How long the API asked us to wait, measured by its own clock.
std::optional<steady_duration> retry_delay(const api_answer& answer,
                                           std::optional<api_time> api_now) noexcept {
    if (answer.headers.retry_after) {
        return *answer.headers.retry_after;
    }
    if (answer.headers.retry_at && api_now) {
        return *answer.headers.retry_at - *api_now;
    }
    if (answer.problem.retry_after) {
        return *answer.problem.retry_after;
    }
    return std::nullopt;
}

} // namespace

poller::poller(session_registry& registry,
               poll_schedule& schedule,
               request_gate& gate,
               session_store& store,
               daemon_metrics& metrics,
               clock& time,
               logger& log)
    : registry_(registry),
      schedule_(schedule),
      gate_(gate),
      store_(store),
      metrics_(metrics),
      clock_(time),
      log_(log),
      timer_(time.make_timer(
          [](void* self) {
              auto* const owner = static_cast<poller*>(self);
              owner->armed_for_ = steady_time::max();
              owner->pump();
          },
          this)) {}

poller::~poller() = default;

void poller::start(api_client& client) {
    client_ = &client;
    pump();
}

void poller::stop() {
    client_ = nullptr;
    timer_->cancel();
    // Nobody will send these any more; their sessions are as they were.
    for (const session_slot slot : std::exchange(retries_, {})) {
        registry_.update(slot, [](session_record& record) { record.in_flight = false; });
        if (registry_[slot].forgotten) {
            registry_.release(slot);
        }
    }
}

void poller::session_changed(session_slot slot) {
    schedule_.update(slot, clock_.now());
    // Many sessions may be told in one go: one pump after the loop's next turn serves them all.
    arm(clock_.now());
}

tracking poller::take_event(session_slot slot,
                            session_event event,
                            std::optional<api_time> made_at) {
    const steady_time now = clock_.now();
    const event_times times{now, made_at, api_clock_.at(now)};
    const tracking changes = registry_.update(slot, [&](session_record& record) {
        return observe_event(record, event, times);
    });
    tell_metrics(changes, registry_[slot], labels::transition_source::webhook);
    session_changed(slot);
    return changes;
}

void poller::forget(session_slot slot, labels::forgotten_for reason) {
    // An end that only a webhook told still counts, though no poll could say why.
    if (awaits_final_poll(registry_[slot])) {
        metrics_.ended(end_reason::none);
    }
    schedule_.remove(slot);
    store_.forget(registry_.id_of(slot));
    answering_not_found_ -= registry_[slot].not_found_since != no_time ? 1 : 0;
    metrics_.session_forgotten(reason);
    registry_.remove(slot);
}

void poller::on_answer(const api_answer& answer) {
    const session_slot slot = answer.slot;
    if (answer.http_status != 0) {
        metrics_.response(answer.http_status);
        metrics_.request_duration(answer.received - answer.sent);
        take_headers(answer);
    }
    if (answer.error == errc::reused_connection_closed && client_ != nullptr
        && !registry_[slot].forgotten) {
        retries_.push_back(slot);
        pump();
        return;
    }
    registry_.update(slot, [](session_record& record) { record.in_flight = false; });

    if (registry_[slot].forgotten) {
        registry_.release(slot);
    } else {
        if (answer.error
            || (answer.http_status != 200 && answer.http_status != 404
                && answer.http_status != 410)) {
            take_failure(answer);
        } else if (answer.http_status == 200) {
            take_success(answer);
        } else {
            take_not_found(answer);
        }
        schedule_.update(slot, answer.received);
        forget_if_over(slot, answer.received);
    }
    log_state_change();
    pump();
}

void poller::pump() {
    if (client_ == nullptr) {
        return;
    }
    const steady_time now = clock_.now();
    if (now >= next_regulation_) {
        regulate(now);
    }
    schedule_.advance(now);
    while (const auto slot = schedule_.take_expired()) {
        forget(*slot, labels::forgotten_for::ended);
    }
    send_retries();
    steady_time wake = next_regulation_;
    send_due(now, wake);
    if (const auto turn = schedule_.next_turn()) {
        wake = std::min(wake, *turn);
    }
    arm(wake);
}

void poller::send_retries() {
    while (!retries_.empty()) {
        const steady_time now = clock_.now();
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            arm(*later);
            return;
        }
        const session_slot slot = retries_.front();
        retries_.pop_front();
        send(std::get<request_permit>(std::move(permit)), slot, true, now);
    }
}

void poller::send_due(steady_time now, steady_time& wake) {
    while (schedule_.has_due() && client_->capacity() > 0) {
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            wake = std::min(wake, *later);
            return;
        }
        const auto due = schedule_.take(now);
        BOOST_ASSERT(due);
        count_poll(*due, now);
        send(std::get<request_permit>(std::move(permit)), due->slot, false, now);
    }
}

void poller::send(request_permit permit, session_slot slot, bool fresh, steady_time now) {
    registry_.update(slot, [now](session_record& record) {
        record.in_flight = true;
        record.last_sent = now;
    });
    metrics_.request_sent();
    client_->get(std::move(permit), get_request{slot, registry_.id_of(slot), fresh});
}

void poller::count_poll(const due_poll& poll, steady_time now) {
    const steady_duration lateness = now - poll.due;
    const bool late = is_late(poll.cls, lateness, poll.interval, schedule_.stretch(now));
    metrics_.poll(poll.cls, lateness, late);
}

void poller::arm(steady_time wake) {
    // Waking too early costs a look; moving the timer at every answer would cost more.
    if (client_ != nullptr && wake < armed_for_) {
        armed_for_ = wake;
        timer_->wake_at(wake);
    }
}

void poller::regulate(steady_time now) {
    gate_.use_demand(schedule_.demand());
    schedule_.use_budget(gate_.rate(now));
    next_regulation_ = now + regulation_interval;
}

void poller::take_headers(const api_answer& answer) {
    const response_headers& headers = answer.headers;
    if (headers.date) {
        api_clock_.note(*headers.date, answer.received);
    }
    gate_.budget().on_headers(headers, api_clock_.at(answer.received), answer.received);
    if (headers.rate_limit) {
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

void poller::take_success(const api_answer& answer) {
    gate_.health().on_success(answer.received);
    last_success_ = clock_.wall_now();
    const exchange_times times{answer.sent, answer.received, api_clock_.at(answer.received)};
    answering_not_found_ -= registry_[answer.slot].not_found_since != no_time ? 1 : 0;
    const tracking changes = registry_.update(answer.slot, [&](session_record& record) {
        return observe(record, answer.snapshot, times);
    });
    if (answer.snapshot.status == session_status::unknown) {
        metrics_.unknown_status();
    }
    tell_metrics(changes, registry_[answer.slot], labels::transition_source::poll);
}

void poller::take_not_found(const api_answer& answer) {
    // The key is good and the API answers: only this session is not there.
    gate_.health().on_success(answer.received);
    metrics_.request_failed(failure_reason::not_found);
    answering_not_found_ += registry_[answer.slot].not_found_since == no_time ? 1 : 0;
    const bool asked_for_end = awaits_final_poll(registry_[answer.slot]);
    registry_.update(answer.slot,
                     [&](session_record& record) { observe_not_found(record, answer.sent); });
    if (asked_for_end && !awaits_final_poll(registry_[answer.slot])) {
        metrics_.ended(end_reason::none);
    }
}

void poller::take_failure(const api_answer& answer) {
    if (answer.error == errc::cancelled) {
        return;
    }
    const failure_reason reason = answer.error ? classify(static_cast<errc>(answer.error.value()))
                                               : classify_status(answer.http_status);
    metrics_.request_failed(reason);
    tell_health(answer, reason);
    registry_.update(answer.slot, [](session_record& record) { observe_failure(record); });
    if (log_.enabled(log_level::debug)) {
        log_.debug("poll failed",
                   {{"session", registry_.id_of(answer.slot).view()},
                    {"reason", to_string(reason)},
                    {"status", answer.http_status},
                    {"error", answer.error ? answer.error.message() : std::string()}});
    }
}

void poller::tell_health(const api_answer& answer, failure_reason reason) {
    if (answer.http_status == 429) {
        gate_.budget().on_throttled(answer.received);
    }
    const api_failure failure{reason,
                              answer.http_status,
                              retry_delay(answer, api_clock_.at(answer.received)),
                              answer.problem.kind == api_error_kind::key,
                              answer.slot};
    gate_.health().on_failure(failure, answer.received);
}

void poller::tell_metrics(const tracking& changes,
                          const session_record& record,
                          labels::transition_source source) {
    if (changes.change) {
        const status_change& change = *changes.change;
        metrics_.transition(change.from, change.to, source);
        if (change.backwards) {
            metrics_.regression();
        }
        if (change.dwell) {
            metrics_.dwell(change.from, *change.dwell);
        } else {
            metrics_.imprecise_transition();
        }
    }
    if (changes.setup) {
        metrics_.setup(*changes.setup);
    }
    if (changes.call_duration) {
        metrics_.ended_duration(*changes.call_duration);
    }
    if (changes.ended) {
        metrics_.ended(record.reason);
    }
    if (changes.ended_without_start) {
        metrics_.ended_without_start();
    }
}

void poller::forget_if_over(session_slot slot, steady_time now) {
    const session_record& record = registry_[slot];
    const poll_settings& poll = schedule_.policy().poll;
    if (record.not_found_since != no_time) {
        const auto& ended = static_cast<std::size_t>(poll_kind::ended);
        const std::size_t alive =
            registry_.size() - registry_.tally()[0][ended] - registry_.tally()[1][ended];
        const bool outage = alive >= outage_needs_sessions && 2 * answering_not_found_ > alive;
        const steady_duration missing = now - record.not_found_since;
        const bool sure = record.not_found_count >= least_not_found_answers
                          && missing >= poll.not_found_after && !outage;
        if (sure || missing >= longest_not_found) {
            forget(slot, labels::forgotten_for::not_found);
        }
        return;
    }
    if (record.was_observed() && record.status == session_status::unknown
        && now - record.since >= poll.unknown_after) {
        forget(slot, labels::forgotten_for::expired);
    }
}

void poller::log_state_change() {
    const api_state state = gate_.health().state();
    if (state == told_state_) {
        return;
    }
    const bool good = state == api_state::ok || state == api_state::starting;
    const std::initializer_list<log_field> fields = {{"from", to_string(told_state_)},
                                                     {"to", to_string(state)}};
    log_.log(good ? log_level::info : log_level::warn,
             good ? "the API is usable" : "the API is not usable",
             {fields.begin(), fields.size()});
    told_state_ = state;
}

} // namespace kallglot
