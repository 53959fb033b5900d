/// `/api/v1/sessions`: programs tell the daemon which sessions to follow, and ask what it knows.
///
/// Every call needs the bearer token. An id is durable before its call is answered. Reaches the table and the store
/// through the port session_intake only; ids are the only text of a request that is shown again, as JSON.

#ifndef KALLGLOT_WEB_SESSION_API_HPP
#define KALLGLOT_WEB_SESSION_API_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/settings/secret.hpp"

#include <cstddef>
#include <string_view>

namespace kallglot {

/// Loop only. Lifetime: intake and metrics outlive it; it outlives the server that uses its routes.
class session_api {
public:
    static constexpr std::size_t max_ids = 10'000;
    static constexpr std::size_t max_listed = 1'000;

    /// Without a token every call is answered with 404, as if there were no such routes.
    session_api(session_intake& intake, daemon_metrics& metrics, secret token);
    session_api(const session_api&) = delete;
    session_api& operator=(const session_api&) = delete;

    void install(http_routes& routes);

    /// Another token, or none, from now on.
    void use_token(secret token) { token_ = std::move(token); }

    [[nodiscard]] bool enabled() const noexcept { return !token_.empty(); }

    /// Whether the request is for us and comes with a bearer token: then refusal() stands for other credentials.
    [[nodiscard]] bool checks(const http_request& request) const;

    /// What all calls answer at once, without the token for example; empty if the request may go on or is not for us.
    [[nodiscard]] std::optional<http_response> refusal(const http_request& request) const;

private:
    [[nodiscard]] task<http_response> put_one(http_request request);
    [[nodiscard]] task<http_response> get_one(http_request request);
    [[nodiscard]] task<http_response> delete_one(http_request request);
    [[nodiscard]] task<http_response> post_many(http_request request);
    [[nodiscard]] task<http_response> get_list(http_request request);

    /// The answer to a caller without the token; empty: go on.
    [[nodiscard]] std::optional<http_response> refuse(const http_request& request) const;

    /// Compares in the same time wherever the texts differ.
    [[nodiscard]] bool is_allowed(const http_request& request) const;

    session_intake& intake_;
    daemon_metrics& metrics_;
    secret token_;
};

} // namespace kallglot

#endif
