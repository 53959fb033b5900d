#include "kallglot/metrics/webhook_metrics.hpp"

namespace kallglot {

// Created when the webhook listener is enabled: without it there are no series that stay at 0 and suggest silence.
webhook_metrics::webhook_metrics(instrument_table& table)
    : missed_(table.counter(metric::webhook_missed_transitions)),
      delay_(table.histogram(metric::webhook_delivery_delay, delay_buckets)) {
    table.fill(requests_, metric::webhook_requests, webhook_result_words);
    table.fill(events_, metric::webhook_events, webhook_type_words);
}

void webhook_metrics::request(webhook_result result) noexcept {
    requests_[static_cast<std::size_t>(result)]->Increment();
}

void webhook_metrics::event(webhook_type type) noexcept {
    events_[static_cast<std::size_t>(type)]->Increment();
}

void webhook_metrics::missed(std::uint64_t total) {
    // The owner of the number has a total; the counter follows it and never goes back.
    const double more = static_cast<double>(total) - missed_.Value();
    if (more > 0) {
        missed_.Increment(more);
    }
}

} // namespace kallglot
