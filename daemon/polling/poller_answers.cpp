// What the poller does with an answer: tell tracker, gate, metrics and store, and forget who is over.

#include "kallglot/polling/poller.hpp"

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// While a session's 404 answers may be an outage, it is kept; after this long it goes anyway.
constexpr steady_duration longest_not_found = 24h;
constexpr std::uint8_t least_not_found_answers = 3;
constexpr std::size_t outage_needs_sessions = 20;

/// Why a request failed, for the log: nothing of a body, nothing secret.
std::string describe_failure(const api_answer& answer) {
    if (!answer.error) {
        return "HTTP status " + std::to_string(answer.http_status);
    }
    std::string text = answer.error.message();
    if (!answer.detail.empty()) {
        text += ": ";
        text += answer.detail;
    }
    return text;
}

/// How long the API asked us to wait, measured by its own clock.
std::optional<steady_duration> retry_delay(const api_answer& answer,
                                           std::optional<api_time> api_now) noexcept {
    if (answer.headers.retry_after) {
        return *answer.headers.retry_after;
    }
    if (answer.headers.retry_at && api_now) {
        // Clamped while it is in milliseconds: a far date is beyond what our clock can count.
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
    answering_not_found_ -= is_missing(answer.slot) ? 1 : 0;
    const session_record& record = registry_[answer.slot];
    const bool known = record.was_observed();
    const bool was_missing = record.not_found_since != no_time;
    const bool was_started = record.started != no_time;
    const threshold_crossing before = next_crossing(schedule_.policy(), record);
    const tracking changes = registry_.update(answer.slot, [&](session_record& changed) {
        return observe(changed, answer.snapshot, times);
    });
    // Kept across restarts: the status, which thresholds are confirmed, since when there were only 404s, and what was
    // counted. Most polls change none of them.
    const bool is_started = record.started != no_time;
    if (!known || was_missing || was_started != is_started || changes.change || changes.ended
        || before.at != next_crossing(schedule_.policy(), record).at) {
        store_.note(registry_.id_of(answer.slot), record);
    }
    if (webhooks_ && changes.change) {
        note_seen(answer.slot, *changes.change, answer.received);
    }
    if (answer.snapshot.status == session_status::unknown) {
        metrics_.unknown_status();
    }
    tell_metrics(changes, answer.slot, labels::transition_source::poll);
}

void poller::take_not_found(const api_answer& answer) {
    // The key is good and the API answers: only this session is not there.
    gate_.health().on_success(answer.received);
    metrics_.request_failed(failure_reason::not_found);
    answering_not_found_ -= is_missing(answer.slot) ? 1 : 0;
    const session_record& record = registry_[answer.slot];
    const bool asked_for_end = awaits_final_poll(record);
    const bool was_missing = record.not_found_since != no_time;
    registry_.update(answer.slot,
                     [&](session_record& changed) { observe_not_found(changed, answer.sent); });
    answering_not_found_ += is_missing(answer.slot) ? 1 : 0;
    if (!was_missing || asked_for_end) {
        store_.note(registry_.id_of(answer.slot), record);
    }
    if (asked_for_end && !awaits_final_poll(record)) {
        metrics_.ended(end_reason::none);
    }
}

void poller::take_probe(const api_answer& answer) {
    probe_under_way_ = false;
    if (answer.error == errc::cancelled) {
        return;
    }
    // What else it may say of an id of nobody, it has read our key.
    if (!answer.error
        && (answer.http_status == 404 || answer.http_status == 410 || answer.http_status == 200)) {
        gate_.health().on_success(answer.received);
        return;
    }
    const failure_reason reason = answer.error ? classify(static_cast<errc>(answer.error.value()))
                                               : classify_status(answer.http_status);
    metrics_.request_failed(reason);
    tell_health(answer, reason);
}

void poller::take_failure(const api_answer& answer) {
    if (answer.error == errc::cancelled) {
        return;
    }
    const failure_reason reason = answer.error ? classify(static_cast<errc>(answer.error.value()))
                                               : classify_status(answer.http_status);
    metrics_.request_failed(reason);
    tell_health(answer, reason);
    registry_.update(answer.slot,
                     [reason](session_record& record) { observe_failure(record, reason); });
    if (log_.enabled(log_level::debug)) {
        log_.debug("poll failed",
                   {{"session", registry_.id_of(answer.slot).view()},
                    {"reason", to_string(reason)},
                    {"error", describe_failure(answer)}});
    }
}

void poller::tell_health(const api_answer& answer, failure_reason reason) {
    last_failure_ = describe_failure(answer);
    if (answer.http_status == 429) {
        gate_.budget().on_throttled(answer.sent, answer.received);
    }
    const api_failure failure{reason,
                              answer.http_status,
                              retry_delay(answer, api_clock_.at(answer.received)),
                              answer.problem.kind == api_error_kind::key,
                              answer.slot};
    gate_.health().on_failure(failure, answer.received);
}

void poller::tell_metrics(const tracking& changes,
                          session_slot slot,
                          labels::transition_source source) {
    if (changes.change) {
        const status_change& change = *changes.change;
        metrics_.transition(change.from, change.to, source);
        if (change.backwards) {
            metrics_.regression();
        }
        if (change.dwell) {
            metrics_.dwell(change.from, *change.dwell, registry_.id_of(slot), clock_.wall_now());
        } else {
            metrics_.imprecise_transition();
        }
    }
    if (changes.setup) {
        metrics_.setup(*changes.setup, registry_.id_of(slot), clock_.wall_now());
    }
    if (changes.call_duration) {
        metrics_.ended_duration(*changes.call_duration);
    }
    if (changes.ended) {
        metrics_.ended(registry_[slot].reason);
    }
    if (changes.ended_without_start) {
        metrics_.ended_without_start();
    }
}

void poller::note_seen(session_slot slot, const status_change& change, steady_time now) {
    // Webhooks tell of starts and ends only; the way back from `ending` is no start.
    if (change.to == session_status::active && change.from != session_status::ending) {
        webhooks_->flow.seen_first(slot, told_change::start, now);
    } else if (change.to == session_status::ended) {
        webhooks_->flow.seen_first(slot, told_change::end, now);
    }
}

void poller::compare_with_webhook(session_slot slot,
                                  session_event event,
                                  bool first,
                                  steady_time now) {
    if (event == session_event::created) {
        return;
    }
    if (first) {
        webhooks_->flow.told_first(now);
    } else {
        const bool started = event == session_event::started;
        webhooks_->flow.told_after(slot, started ? told_change::start : told_change::end, now);
    }
}

void poller::forget_if_over(session_slot slot, steady_time now) {
    const session_record& record = registry_[slot];
    const poll_settings& poll = schedule_.policy().poll;
    if (record.not_found_since != no_time) {
        const auto ended = static_cast<std::size_t>(kind_of(session_status::ended));
        const std::size_t alive =
            registry_.size() - registry_.tally()[0][ended] - registry_.tally()[1][ended];
        const bool outage = alive >= outage_needs_sessions && 2 * answering_not_found_ > alive;
        const steady_duration missing = now - record.not_found_since;
        const bool long_enough =
            (missing >= poll.not_found_after && !outage) || missing >= longest_not_found;
        if (long_enough && record.not_found_count >= least_not_found_answers) {
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
    if (good) {
        log_.info("the API is usable",
                  {{"from", to_string(told_state_)}, {"to", to_string(state)}});
    } else {
        log_.warn("the API is not usable",
                  {{"from", to_string(told_state_)},
                   {"to", to_string(state)},
                   {"reason", last_failure_}});
    }
    told_state_ = state;
}

} // namespace kallglot
