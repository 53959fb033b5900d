#include "bench/policy/fixed_interval_poller.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

} // namespace

fixed_interval_poller::fixed_interval_poller(session_ledger& ledger,
                                             request_gate& gate,
                                             clock& time)
    : ledger_(ledger),
      gate_(gate),
      clock_(time),
      timer_(make_timer<&fixed_interval_poller::pump>(time, *this)) {}

void fixed_interval_poller::add(session_slot slot) {
    turns_.push_back({slot, clock_.now()});
    timer_->wake_at(clock_.now());
}

void fixed_interval_poller::on_answer(const api_answer& answer) {
    const response_headers& headers = answer.headers;
    if (headers.date) {
        api_clock_.note(*headers.date, answer.received);
    }
    const auto api_now = api_clock_.at(answer.received);
    gate_.budget().on_headers(headers, api_now, answer.sent, answer.received);
    const bool good = !answer.error && answer.http_status == 200;
    if (good) {
        gate_.health().on_success(answer.received);
    } else {
        api_failure failure;
        failure.reason = answer.error ? classify(static_cast<errc>(answer.error.value()))
                                      : classify_status(answer.http_status);
        failure.http_status = answer.http_status;
        failure.slot = answer.slot;
        if (headers.retry_after) {
            failure.retry_after = *headers.retry_after;
        }
        if (answer.http_status == 429) {
            gate_.budget().on_throttled(answer.sent, answer.received);
        }
        gate_.health().on_failure(failure, answer.received);
    }
    const exchange_times times{answer.sent, answer.received, api_now};
    ledger_.poll_returned(answer.slot);
    if (good) {
        static_cast<void>(ledger_.take_snapshot(answer.slot, answer.snapshot, times, {}));
    }
    if (ledger_.sessions()[answer.slot].status == session_status::ended) {
        static_cast<void>(ledger_.drop(answer.slot));
    } else {
        turns_.push_back({answer.slot, std::max(answer.sent + interval, clock_.now())});
    }
    pump();
}

double fixed_interval_poller::stretch() const {
    const double late = turns_.empty() ? 0 : to_seconds(clock_.now() - turns_.front().due);
    return 1 + std::max(late, 0.0) / to_seconds(interval);
}

void fixed_interval_poller::pump() {
    const steady_time now = clock_.now();
    while (!turns_.empty() && client_->capacity() > 0) {
        const turn next = turns_.front();
        if (next.due > now) {
            timer_->wake_at(next.due);
            return;
        }
        auto permit = gate_.permit(now);
        if (const steady_time* const later = std::get_if<steady_time>(&permit)) {
            if (*later != steady_time::max()) {
                timer_->wake_at(*later);
            }
            return;
        }
        turns_.pop_front();
        ++polls_;
        late_ += now - next.due > interval / 10 + 1s ? 1 : 0;
        ledger_.poll_sent(next.slot, now);
        client_->get(std::get<request_permit>(std::move(permit)),
                     get_request{next.slot, ledger_.sessions().id_of(next.slot), false});
    }
}

} // namespace kallglot::policy
