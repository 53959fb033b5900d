#include "kallglot/polling/poller.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// How often the demand is compared with the budget.
constexpr steady_duration regulation_interval = 250ms;

/// After a shortage, for so long, intervals that age has stretched may still be running.
constexpr steady_duration shortage_echo = 1min;

/// Sessions whose place in the schedule is derived anew in one turn, after a change of policy.
constexpr std::uint32_t rederived_at_once = 16'384;

/// Ids that are over must not come back with a late event or an unchanged file.
std::optional<remembered_kind> remembered_as(labels::forgotten_for reason) noexcept {
    switch (reason) {
        case labels::forgotten_for::ended:
            return remembered_kind::ended;
        case labels::forgotten_for::not_found:
            return remembered_kind::not_found;
        case labels::forgotten_for::expired:
        case labels::forgotten_for::operator_asked:
            break;
    }
    return std::nullopt;
}

/// Spelled like an id of the API, so that it reaches the look-up, and of nobody.
constexpr std::string_view probe_id = "sess_probe_00000000000000000000";

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
    last_request_ = clock_.now();
    pump();
}

void poller::stop() {
    client_ = nullptr;
    timer_->cancel();
    // Nobody will send these any more; their sessions are as they were.
    for (const session_slot slot : std::exchange(retries_, {})) {
        if (slot != no_slot) {
            land(slot);
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
    answering_not_found_ -= is_missing(slot) ? 1 : 0;
    const tracking changes = registry_.update(slot, [&](session_record& record) {
        return observe_event(record, event, times);
    });
    answering_not_found_ += is_missing(slot) ? 1 : 0;
    if (webhooks_ && event != session_event::touched) {
        compare_with_webhook(slot, event, changes.change.has_value(), now);
    }
    tell_metrics(changes, slot, labels::transition_source::webhook);
    session_changed(slot);
    return changes;
}

commit_ticket poller::forget(session_slot slot, labels::forgotten_for reason) {
    // An end that only a webhook told still counts, though no poll could say why.
    if (awaits_final_poll(registry_[slot])) {
        metrics_.ended(end_reason::none);
    }
    const session_id id = registry_.id_of(slot);
    const auto kind = remembered_as(reason);
    if (kind && remembered_ != nullptr) {
        remembered_->add({remembered_key(id.view()), clock_.now(), *kind});
    }
    metrics_.session_forgotten(reason);
    drop(slot);
    return store_.forget(id, kind);
}

bool poller::is_missing(session_slot slot) const noexcept {
    // That an API does not keep ended sessions is no outage.
    const session_record& record = registry_[slot];
    return record.not_found_since != no_time && record.status != session_status::ended;
}

void poller::drop(session_slot slot) {
    schedule_.remove(slot);
    answering_not_found_ -= is_missing(slot) ? 1 : 0;
    registry_.remove(slot);
}

void poller::restored(session_slot slot) {
    const steady_time now = clock_.now();
    answering_not_found_ += is_missing(slot) ? 1 : 0;
    registry_.update(slot, [&](session_record& record) {
        // What happened while nobody asked is not known: it takes as many answers as at first.
        record.not_found_count = 0;
        if (record.status == session_status::ended) {
            // Told by a webhook, and the poll that asks for the details was not made.
            record.touched = record.by_webhook;
            record.unverified = false;
        } else {
            record.last_sent = now - plain_interval(schedule_.policy(), record);
        }
    });
    schedule_.update(slot, now);
}

void poller::on_answer(const api_answer& answer) {
    const session_slot slot = answer.slot;
    if (answer.sent != no_time) {
        // Counted now, since only the client knows whether a connection came about.
        metrics_.request_sent();
    }
    if (answer.http_status != 0) {
        metrics_.response(answer.http_status);
        metrics_.request_duration(answer.received - answer.sent);
        take_headers(answer);
    }
    if (answer.error == errc::reused_connection_closed && client_ != nullptr) {
        gate_.health().on_retry(answer.sent, clock_.now());
        retries_.push_back(slot);
        pump();
        return;
    }
    if (slot == no_slot) {
        take_probe(answer);
    } else if (land(slot)) {
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

bool poller::land(session_slot slot) {
    registry_.update(slot, [](session_record& record) { record.in_flight = false; });
    if (registry_[slot].forgotten) {
        registry_.release(slot);
        return false;
    }
    return true;
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
    probe_if_idle(now, wake);
    if (const auto turn = schedule_.next_turn()) {
        wake = std::min(wake, *turn);
    }
    arm(wake);
}

void poller::send_retries() {
    while (!retries_.empty()) {
        const session_slot slot = retries_.front();
        if (slot != no_slot && registry_[slot].forgotten) {
            retries_.pop_front();
            land(slot);
            continue;
        }
        const steady_time now = clock_.now();
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            arm(*later);
            return;
        }
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

void poller::probe_if_idle(steady_time now, steady_time& wake) {
    if (idle_probe_ <= steady_duration::zero() || probe_under_way_ || schedule_.has_due()
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
    probe_under_way_ = true;
    send(std::get<request_permit>(std::move(permit)), no_slot, false, now);
}

void poller::send(request_permit permit, session_slot slot, bool fresh, steady_time now) {
    last_request_ = now;
    if (slot == no_slot) {
        client_->get(std::move(permit),
                     get_request{slot, session_id::parse(probe_id).value(), fresh});
        return;
    }
    registry_.update(slot, [now](session_record& record) {
        record.in_flight = true;
        record.last_sent = now;
    });
    client_->get(std::move(permit), get_request{slot, registry_.id_of(slot), fresh});
}

void poller::count_poll(const due_poll& poll, steady_time now) {
    const steady_duration lateness = now - poll.due;
    const bool late = is_late(poll.cls, lateness, poll.interval, poll.stretch);
    metrics_.poll(poll.cls, lateness, late);
}

void poller::arm(steady_time wake) {
    // Waking too early costs a look; moving the timer at every answer would cost more.
    if (client_ != nullptr && wake < armed_for_) {
        armed_for_ = wake;
        timer_->wake_at(wake);
    }
}

void poller::use_policy(const poll_settings& poll, const threshold_settings& thresholds) {
    schedule_.use_policy({poll, thresholds, schedule_.policy().webhooks_flow});
    next_rederived_ = 0;
}

void poller::regulate(steady_time now) {
    gate_.use_demand(schedule_.demand());
    const bool was_short = schedule_.shortage();
    // Without pause and ramp, which pass by themselves: what is long in its status would sleep through them.
    schedule_.use_budget(gate_.budget().allowed(now));
    if (was_short && !schedule_.shortage()) {
        // What was put off for want of requests, by minutes for sessions of hours, need not wait any longer.
        next_rederived_ = 0;
    }
    next_regulation_ = now + regulation_interval;
    // In an outage the stretch grows with the outage, and no session would ever count as stale by it.
    if (gate_.health().state() == api_state::ok) {
        usual_stretch_ = schedule_.stretch(now);
        last_short_ = schedule_.shortage() ? now : last_short_;
        usual_shortage_ = last_short_ != no_time && now - last_short_ < shortage_echo;
    }
    if (webhooks_) {
        const bool flows = webhooks_->flow.flows(now);
        webhooks_->metrics.missed(webhooks_->flow.missed());
        if (schedule_.use_webhooks(flows)) {
            log_.info(flows ? "webhooks flow, polls become audits"
                            : "webhooks do not flow any more");
            next_rederived_ = 0;
        }
    }
    // Another policy holds for every session, but a million of them need not hold up one turn.
    const std::uint32_t end = registry_.slot_count();
    for (std::uint32_t count = 0; count < rederived_at_once && next_rederived_ < end; ++count) {
        const session_slot slot{next_rederived_++};
        if (registry_.is_tracked(slot)) {
            schedule_.update(slot, now);
        }
    }
}

} // namespace kallglot
