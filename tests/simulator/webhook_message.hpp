// One webhook delivery as it goes over the wire: body, signature, headers.
//
// Source: docs of webhooks: overview, signatures, retry policy. The body's `data` is the session itself, with
// everything in it that the daemon must never let out.

#ifndef KALLGLOT_SIMULATOR_WEBHOOK_MESSAGE_HPP
#define KALLGLOT_SIMULATOR_WEBHOOK_MESSAGE_HPP

#include "simulator/webhook_calendar.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// Where to, and signed with what.
struct webhook_target {
    std::string host;
    std::string port;
    std::string path{"/"};
    std::string secret;
};

/// Reads `http://127.0.0.1:9465/webhooks/kallglot`; empty text in `host` if it is no such address.
[[nodiscard]] webhook_target parse_webhook_url(std::string_view url);

/// The JSON of one event; its id follows from session and kind, so that a second delivery has the same.
[[nodiscard]] std::string webhook_body(const webhook_event& event, std::string_view session_id);

/// `t=<seconds>,v1=<hex>`, of this body sent at `sent`.
[[nodiscard]] std::string sign_webhook(std::string_view secret,
                                       std::string_view body,
                                       system_time sent);

/// How long after its `attempt`th failure (1 is the first) a delivery is tried again, if the first
/// time is `first`; zero: never again. The documented course: 1, 5, 30 minutes, 2, 5, 10, 24 hours.
[[nodiscard]] std::chrono::milliseconds webhook_retry_delay(unsigned attempt,
                                                            std::chrono::milliseconds first);

} // namespace kallglot::simulator

#endif
