/// The webhook route: receives signed events from Kallglot on one path.
///
/// A body is read only if the header has the form of a signature, which is verified over the raw body first. The answer
/// is 2xx only after the change is durable, and 503 while the change cannot be persisted, so that Kallglot delivers the
/// event again. Unknown event types are accepted and counted. Nothing of a body is logged.

#ifndef KALLGLOT_WEB_WEBHOOK_ROUTE_HPP
#define KALLGLOT_WEB_WEBHOOK_ROUTE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/metrics/webhook_metrics.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/settings/secret.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: intake, metrics and clock outlive it; it outlives the server that uses its route.
class webhook_route {
public:
    webhook_route(session_intake& intake,
                  webhook_metrics& metrics,
                  const clock& time,
                  std::vector<secret> secrets,
                  milliseconds tolerance);
    webhook_route(const webhook_route&) = delete;
    webhook_route& operator=(const webhook_route&) = delete;

    void install(http_routes& routes, const std::string& path);

    /// Replaces secrets and tolerance, after a reload.
    void use_secrets(std::vector<secret> secrets, milliseconds tolerance);

private:
    [[nodiscard]] std::optional<http_response> reject(const http_request& head);
    [[nodiscard]] task<http_response> deliver(http_request request);
    void note_delay(const http_request& request);

    session_intake& intake_;
    webhook_metrics& metrics_;
    const clock& clock_;
    std::vector<secret> secrets_;
    milliseconds tolerance_;
};

} // namespace kallglot

#endif
