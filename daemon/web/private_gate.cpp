#include "kallglot/web/private_gate.hpp"

#include "kallglot/web/error_page.hpp"
#include "web/browser_check.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kallglot {

namespace {

/// The response of a refusal, with one more header field if it is named.
http_response make_refusal(const http_request& request,
                           int status,
                           std::string_view field = {},
                           std::string_view value = {}) {
    http_response refusal = make_error_page(status, request.path);
    if (!field.empty()) {
        refusal.fields.emplace_back(field, value);
    }
    return refusal;
}

} // namespace

private_gate::private_gate(const loop_executor& loop,
                           const session_api& api,
                           const std::optional<api_endpoint>& external_url,
                           daemon_metrics& metrics,
                           const clock& time,
                           logger& log)
    : api_(api),
      external_url_(external_url),
      metrics_(metrics),
      clock_(time),
      log_(log),
      auth_(loop, time) {}

void private_gate::use(std::vector<basic_auth_user> users, std::optional<request_rate> rate) {
    auth_.use(std::move(users));
    rate_ = rate;
    // Full after each reload, as at the start.
    bucket_ = rate_ ? static_cast<double>(rate_->burst) : 0;
    refilled_at_ = clock_.now();
}

task<std::optional<http_response>> private_gate::admit(const http_request* request) {
    // Probes of orchestrators have no credentials, and name the host as they like.
    if (request->path == "/-/healthy" || request->path == "/-/ready") {
        co_return std::nullopt;
    }
    // Before the password check, which is expensive on purpose.
    if (rate_ && !take_from_bucket()) {
        co_return make_refusal(*request, 429);
    }
    // Before the credentials, because a browser adds the remembered password by itself.
    const browser_verdict verdict =
        check_browser(*request, external_url_ ? &*external_url_ : nullptr);
    if (verdict != browser_verdict::accepted) {
        co_return make_refusal(*request, verdict == browser_verdict::foreign_host ? 421 : 403);
    }
    // A bearer token for the session API takes the place of a password.
    if (auth_.enabled() && !api_.checks(*request)) {
        // In a local and not in the condition: house rule C1.
        std::optional<http_response> refused = co_await check_password(request);
        if (refused) {
            co_return refused;
        }
    }
    // Last, and for its own paths only: a right password does not open the session API.
    co_return check_token(*request);
}

task<std::optional<http_response>> private_gate::check_password(const http_request* request) {
    // The hash is computed on a worker, one at a time.
    const auth_outcome outcome =
        co_await auth_.check(request->field("Authorization"), request->client.network);
    switch (outcome) {
        case auth_outcome::allowed:
            break;
        case auth_outcome::busy:
            note_refusal(login_refusal::busy);
            // Not 401: a browser would forget the password and ask for it again.
            co_return make_refusal(*request, 503, "Retry-After", "1");
        case auth_outcome::refused:
            note_refusal(login_refusal::password);
            // Without a realm, as exporter-toolkit does.
            co_return make_refusal(*request, 401, "WWW-Authenticate", "Basic");
    }
    co_return std::nullopt;
}

// The session API's own check. A network that keeps sending wrong tokens has to wait.
std::optional<http_response> private_gate::check_token(const http_request& request) {
    std::optional<http_response> refused = api_.refusal(request);
    if (!refused || refused->status != 401) {
        return refused;
    }
    note_refusal(login_refusal::token);
    // The right token is accepted at any time: a client must not be locked out by another at the same address.
    if (!wrong_tokens_.charge(request.client.network, clock_.now())) {
        return make_refusal(request, 429, "Retry-After", "1");
    }
    return refused;
}

void private_gate::note_refusal(login_refusal reason) {
    metrics_.login_refused(reason);
    log_throttle& throttle = logged_[static_cast<std::size_t>(reason)];
    // No value while the same message was logged a short time ago. The next one has the count of all since.
    if (const auto count = throttle.note(clock_.now())) {
        log_.warn("login refused: the client gets no page",
                  {{"listener", "private"},
                   {"reason", login_refusal_words.text_of(reason)},
                   {"count", *count}});
    }
}

// A token bucket: it fills at the configured rate, up to the burst, and each request takes one token.
bool private_gate::take_from_bucket() {
    const steady_time now = clock_.now();
    // Parts of a token count, so that frequent requests do not lose time to rounding.
    const double earned = to_seconds(now - refilled_at_) / to_seconds(rate_->interval);
    bucket_ = std::min(bucket_ + earned, static_cast<double>(rate_->burst));
    refilled_at_ = now;
    if (bucket_ < 1) {
        return false;
    }
    bucket_ -= 1;
    return true;
}

} // namespace kallglot
