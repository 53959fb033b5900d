// One webhook delivery: body, signature, headers.
//
// Source: docs of webhooks: overview, signatures, retry policy. The body's `data` is the whole session, including the
// data that the daemon must never reveal.

#ifndef KALLGLOT_SIMULATOR_WEBHOOK_MESSAGE_HPP
#define KALLGLOT_SIMULATOR_WEBHOOK_MESSAGE_HPP

#include "simulator/webhook_calendar.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// The destination of webhooks and the secret that signs them.
struct webhook_target {
    std::string host;
    std::string port;
    std::string path{"/"};
    std::string secret;
};

/// Reads `http://127.0.0.1:9465/webhooks/kallglot`; `host` is empty if the text is no such address.
[[nodiscard]] webhook_target parse_webhook_url(std::string_view url);

/// The JSON of one event. Its id is derived from session and kind, so that a second delivery has the same id.
[[nodiscard]] std::string webhook_body(const webhook_event& event, std::string_view session_id);

/// `t=<seconds>,v1=<hex>`, of this body sent at `sent`.
[[nodiscard]] std::string sign_webhook(std::string_view secret,
                                       std::string_view body,
                                       system_time sent);

/// The delay before the retry after the `attempt`th failure (from 1), if the first delay is `first`; zero: no retry.
/// The documented schedule: 1, 5, 30 minutes, 2, 5, 10, 24 hours.
[[nodiscard]] std::chrono::milliseconds webhook_retry_delay(unsigned attempt,
                                                            std::chrono::milliseconds first);

} // namespace kallglot::simulator

#endif
