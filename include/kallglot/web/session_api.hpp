/// The session API: clients register, query and delete tracked sessions (`/api/v1/sessions`), and query stuck episodes
/// (`/api/v1/episodes`).
///
/// Every call requires the bearer token. An id is durable before its call is answered. The API reaches registry and
/// store only through the port session_intake. Ids are the only text of a request that an answer repeats, as JSON.

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
    /// Ids in one POST, and sessions on one page.
    static constexpr std::size_t max_ids = 10'000;
    static constexpr std::size_t max_listed = 1'000;

    /// Without a token every call is answered with 404, as if there were no such routes.
    session_api(session_intake& intake, daemon_metrics& metrics, secret token);
    session_api(const session_api&) = delete;
    session_api& operator=(const session_api&) = delete;

    void install(http_routes& routes);

    /// Replaces the token, after a reload; an empty one disables the API.
    void use_token(secret token) { token_ = std::move(token); }

    [[nodiscard]] bool enabled() const noexcept { return !token_.empty(); }

    /// Whether the request is for this API and has a bearer token. Then refusal() replaces the check of other
    /// credentials.
    [[nodiscard]] bool checks(const http_request& request) const;

    /// The error that applies to every call, for example 401 without the token. Empty: the request is accepted so far,
    /// or it is not for this API.
    [[nodiscard]] std::optional<http_response> refusal(const http_request& request) const;

private:
    [[nodiscard]] task<http_response> put_one(http_request request);
    [[nodiscard]] task<http_response> get_one(http_request request);
    [[nodiscard]] task<http_response> delete_one(http_request request);
    [[nodiscard]] task<http_response> post_many(http_request request);
    [[nodiscard]] task<http_response> get_list(http_request request);
    [[nodiscard]] task<http_response> get_episodes(http_request request);

    /// The error for a caller without the token or before the restore; empty: the request is accepted so far.
    [[nodiscard]] std::optional<http_response> reject(const http_request& request) const;

    /// Compares the token in constant time.
    [[nodiscard]] bool is_allowed(const http_request& request) const;

    session_intake& intake_;
    daemon_metrics& metrics_;
    secret token_;
};

} // namespace kallglot

#endif
