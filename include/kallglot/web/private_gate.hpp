/// The gate of the private listener: which requests may go on to their page.
///
/// In this order: the rate limit, protection against foreign web pages in an operator's browser, then the credentials: a
/// password, or the token of the session API. Probes (`/-/healthy`, `/-/ready`) need none of them. Each refused login is
/// counted, and logged once a minute without its name, password or token.

#ifndef KALLGLOT_WEB_PRIVATE_GATE_HPP
#define KALLGLOT_WEB_PRIVATE_GATE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/log_throttle.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/settings/web_settings.hpp"
#include "kallglot/web/session_api.hpp"
#include "web/basic_auth.hpp"
#include "web/login_ledger.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: everything it refers to outlives it; no admit() is running when it is destroyed.
class private_gate {
public:
    /// `api` checks the token of its own pages. `external_url` is where a proxy shows the listener; empty without one.
    private_gate(const loop_executor& loop,
                 const session_api& api,
                 const std::optional<api_endpoint>& external_url,
                 daemon_metrics& metrics,
                 const clock& time,
                 logger& log);

    /// Replaces users and rate limit, after a reload. The rate limit starts with a full bucket.
    void use(std::vector<basic_auth_user> users, std::optional<request_rate> rate);

    /// Empty: the request may go on. Otherwise the response that refuses it. Lifetime: `request` outlives the call.
    [[nodiscard]] task<std::optional<http_response>> admit(const http_request* request);

    /// Stops the worker thread of the password hashes. False if it does not end within `patience`.
    [[nodiscard]] bool stop_worker(steady_duration patience) { return auth_.stop(patience); }

private:
    [[nodiscard]] bool take_from_bucket();
    [[nodiscard]] std::optional<http_response> check_token(const http_request& request);
    [[nodiscard]] task<std::optional<http_response>> check_password(const http_request* request);
    void note_refusal(login_refusal reason);

    const session_api& api_;
    std::optional<api_endpoint> external_url_;
    daemon_metrics& metrics_;
    const clock& clock_;
    logger& log_;
    basic_auth auth_;
    login_ledger wrong_tokens_;
    std::optional<request_rate> rate_;
    double bucket_ = 0; ///< requests that the rate limit permits now
    steady_time refilled_at_ = no_time;
    std::array<log_throttle, login_refusal_words.size()> logged_;
};

} // namespace kallglot

#endif
