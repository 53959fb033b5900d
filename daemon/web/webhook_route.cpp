// Kallglot retries a delivery until it gets a 2xx. So every answer here decides what the sender does next: 2xx ends the
// delivery, 503 asks for a retry, 4xx is for deliveries that no retry can improve.

#include "kallglot/web/webhook_route.hpp"

#include "kallglot/api/webhook_event.hpp"
#include "web/webhook_signature.hpp"

#include <charconv>
#include <utility>

namespace kallglot {

namespace {

// The sender gives up before.
constexpr std::chrono::hours longest_delivery(72);

// The sender repeats the delivery, so the event is not lost while the store cannot persist it.
http_response make_retry_later() {
    http_response response =
        make_text_response(503, "the exporter cannot write its store: not registered, retry later");
    response.fields.emplace_back("Retry-After", "10");
    return response;
}

} // namespace

webhook_route::webhook_route(session_intake& intake,
                             webhook_metrics& metrics,
                             const clock& time,
                             std::vector<secret> secrets,
                             milliseconds tolerance)
    : intake_(intake),
      metrics_(metrics),
      clock_(time),
      secrets_(std::move(secrets)),
      tolerance_(tolerance) {}

void webhook_route::install(http_routes& routes, const std::string& path) {
    routes.add_with_body(
        "POST",
        path,
        [this](http_request request) { return deliver(std::move(request)); },
        [this](const http_request& head) { return reject(head); });
}

// Deliveries that already wait for the store were verified with the old secrets, and stay valid.
void webhook_route::use_secrets(std::vector<secret> secrets, milliseconds tolerance) {
    secrets_ = std::move(secrets);
    tolerance_ = tolerance;
}

// Whether a signature is good shows only with the body. But without one the body need not be read.
std::optional<http_response> webhook_route::reject(const http_request& head) {
    if (is_signature(head.field("Kallglot-Signature"))) {
        return std::nullopt;
    }
    // Counted as any other bad signature: a scanner, or a sender with a wrong secret.
    metrics_.request(webhook_result::signature);
    return make_text_response(401, "invalid signature");
}

task<http_response> webhook_route::deliver(http_request request) {
    // First the signature over the raw bytes: nothing of an unsigned body is parsed.
    const signature_verdict verdict = verify_signature(request.field("Kallglot-Signature"),
                                                       request.body,
                                                       secrets_,
                                                       clock_.wall_now(),
                                                       tolerance_);
    if (verdict != signature_verdict::good) {
        // The answer does not say which part is wrong, so it does not help to forge one. The metric does.
        metrics_.request(verdict == signature_verdict::bad ? webhook_result::signature
                                                           : webhook_result::timestamp);
        co_return make_text_response(401, "invalid signature");
    }
    // Unknown event types are valid events; only a body that is no event at all is rejected.
    const auto event = parse_webhook_event(request.body);
    if (!event) {
        metrics_.request(webhook_result::malformed);
        co_return make_text_response(400, "invalid event");
    }
    // After the signature: a stranger does not learn whether the store works.
    // Reject early while the store is not writable: waiting for a commit that cannot happen would hold the connection.
    if (!intake_.accepting()) {
        metrics_.request(webhook_result::overload);
        co_return make_retry_later();
    }
    // Completes after the change is durable, or with an error if it could not be persisted.
    const auto outcome = co_await intake_.take_event(*event);
    if (!outcome) {
        metrics_.request(webhook_result::overload);
        co_return make_retry_later();
    }
    switch (*outcome) {
        // The event is new. Only these count for the delivery delay: a repeated delivery would distort it.
        case event_outcome::accepted:
            metrics_.request(webhook_result::accepted);
            metrics_.event(event->type);
            metrics_.accepted_at(clock_.wall_now());
            note_delay(request);
            break;
        // The same event id was delivered before.
        case event_outcome::duplicate:
            metrics_.request(webhook_result::duplicate);
            break;
        // The session is already further, or was forgotten.
        case event_outcome::outdated:
            metrics_.request(webhook_result::outdated);
            break;
    }
    // The same answer for all three: the sender must not deliver any of them again.
    co_return make_text_response(200, "accepted");
}

void webhook_route::note_delay(const http_request& request) {
    // The header has the time of the event itself, not of this attempt. A first attempt may come without it.
    const std::string_view text = request.field("Kallglot-Original-Timestamp");
    std::int64_t made = 0;
    // An invalid header only loses the measurement; the event is accepted already. The bound is the year 9999.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made);
    if (error != std::errc() || end != text.data() + text.size() || made < 0
        || made > 253'402'300'799) {
        return;
    }
    // The header is not signed, and the sender's last attempt comes earlier: a longer delay is no delay of a delivery.
    const milliseconds delay = clock_.wall_now() - api_time(seconds(made));
    if (delay > longest_delivery) {
        return;
    }
    // Clocks differ: an event of the future counts as delivered at once.
    metrics_.delivery_delay(std::max(delay, milliseconds::zero()));
}

} // namespace kallglot
