#include "kallglot/web/webhook_route.hpp"

#include "kallglot/api/webhook_event.hpp"
#include "web/webhook_signature.hpp"

#include <charconv>
#include <utility>

namespace kallglot {

namespace {

http_response make_retry_later() {
    http_response response = make_text_response(503, "storage unavailable, retry later");
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
    routes.add("POST", path, [this](http_request request) { return deliver(std::move(request)); });
}

void webhook_route::use_secrets(std::vector<secret> secrets, milliseconds tolerance) {
    secrets_ = std::move(secrets);
    tolerance_ = tolerance;
}

task<http_response> webhook_route::deliver(http_request request) {
    const signature_verdict verdict = verify_signature(request.field("Kallglot-Signature"),
                                                       request.body,
                                                       secrets_,
                                                       clock_.wall_now(),
                                                       tolerance_);
    if (verdict != signature_verdict::good) {
        // The answer does not say which part was wrong; the metric does.
        metrics_.request(verdict == signature_verdict::bad ? webhook_result::signature
                                                           : webhook_result::timestamp);
        co_return make_text_response(401, "invalid signature");
    }
    const auto event = parse_webhook_event(request.body);
    if (!event) {
        metrics_.request(webhook_result::malformed);
        co_return make_text_response(400, "invalid event");
    }
    if (!intake_.accepting()) {
        metrics_.request(webhook_result::overload);
        co_return make_retry_later();
    }
    metrics_.event(event->type);
    const auto outcome = co_await intake_.take_event(*event);
    if (!outcome) {
        metrics_.request(webhook_result::overload);
        co_return make_retry_later();
    }
    switch (*outcome) {
        case event_outcome::accepted:
            metrics_.request(webhook_result::accepted);
            metrics_.accepted_at(clock_.wall_now());
            note_delay(request);
            break;
        case event_outcome::duplicate:
            metrics_.request(webhook_result::duplicate);
            break;
        case event_outcome::outdated:
            metrics_.request(webhook_result::outdated);
            break;
    }
    co_return make_text_response(200, "accepted");
}

void webhook_route::note_delay(const http_request& request) {
    // The sender says when it first made the event; on a first attempt the field may be missing.
    const std::string_view text = request.field("Kallglot-Original-Timestamp");
    std::int64_t made = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made);
    if (error != std::errc() || end != text.data() + text.size() || made < 0
        || made > 253'402'300'799) {
        return;
    }
    const milliseconds delay = clock_.wall_now() - api_time(seconds(made));
    metrics_.delivery_delay(std::max(delay, milliseconds::zero()));
}

} // namespace kallglot
