// Each handler has the same steps: check token and readiness, parse the request, ask the intake, render JSON. The
// intake completes only after the commit, so a 2xx answer means that the id is durable.

#include "kallglot/web/session_api.hpp"

#include "kallglot/base/text.hpp"
#include "kallglot/web/error_page.hpp"
#include "web/session_json.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <string>
#include <utility>

namespace kallglot {

namespace {

constexpr std::string_view collection = "/api/v1/sessions";
constexpr std::string_view episodes_path = "/api/v1/episodes";
// RFC 6750 section 2.1; in lower case for the comparison.
constexpr std::string_view bearer = "bearer ";
// Short, because a restore and a failing store are both expected to recover soon.
constexpr std::string_view retry_after_seconds = "5";

using sha256 = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

sha256 hash(std::string_view text) {
    sha256 out{};
    // One call without a context: it cannot fail.
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
}

/// RFC 9110 section 11.1: the name of an authentication scheme is case-insensitive.
bool is_bearer(std::string_view given) {
    return ascii_iequals(given.substr(0, bearer.size()), bearer);
}

// The same answer for a missing and a wrong token, so that it does not help to guess one.
http_response make_unauthorized() {
    http_response response =
        make_error_answer(401, "unauthorized", "missing or invalid bearer token");
    response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"kallglot_exporter\"");
    return response;
}

// 503 with Retry-After: the caller can repeat the same call.
http_response make_retry(std::string_view code, std::string_view message) {
    http_response response = make_error_answer(503, code, message);
    response.fields.emplace_back("Retry-After", retry_after_seconds);
    return response;
}

/// The answer for an error of the intake. 507: a retry does not help. 503: the caller may retry.
http_response make_failure(const error_code& error) {
    if (error == errc::session_limit) {
        return make_error_answer(507,
                                 "session_limit",
                                 "sessions.max_tracked reached: no more sessions are accepted");
    }
    return error == errc::memory_short
               ? make_retry("memory_short", "out of memory for sessions, retry later")
               : make_retry("store_unavailable",
                            "the exporter cannot write its store: not registered, retry later");
}

http_response make_bad_id() {
    return make_error_answer(400,
                             "invalid_id",
                             "invalid session id: allowed are 1 to 64 characters of [A-Za-z0-9_-]");
}

// Also for sessions that were tracked once: remembered ids are no part of this API.
http_response make_not_tracked() {
    return make_error_answer(404, "not_tracked", "session is not tracked");
}

/// Whether a path is of this API.
bool is_ours(std::string_view path) {
    return is_below(path, collection) || path == episodes_path;
}

/// The id in the path, after `/api/v1/sessions/`.
result<session_id> id_of(const http_request& request) {
    return session_id::parse(std::string_view(request.path).substr(collection.size() + 1));
}

} // namespace

session_api::session_api(session_intake& intake, daemon_metrics& metrics, secret token)
    : intake_(intake),
      metrics_(metrics),
      token_(std::move(token)) {}

void session_api::install(http_routes& routes) {
    // Every route is a member function; the table needs a callable that knows the object.
    using handler = task<http_response> (session_api::*)(http_request);
    const auto add = [&](std::string method,
                         std::string path,
                         handler answer,
                         http_routes::match how) {
        routes.add(
            std::move(method),
            std::move(path),
            [this, answer](http_request request) { return (this->*answer)(std::move(request)); },
            how);
    };
    // The collection matches exactly; a single session is any path below it, and the handler validates the id.
    const std::string all(collection);
    routes.add_with_body(
        "POST",
        all,
        [this](http_request request) { return post_many(std::move(request)); },
        [this](const http_request& head) { return reject(head); });
    add("GET", all, &session_api::get_list, http_routes::match::exact);
    add("PUT", all + '/', &session_api::put_one, http_routes::match::prefix);
    add("GET", all + '/', &session_api::get_one, http_routes::match::prefix);
    add("GET", std::string(episodes_path), &session_api::get_episodes, http_routes::match::exact);
    add("DELETE", all + '/', &session_api::delete_one, http_routes::match::prefix);
}

task<http_response> session_api::put_one(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    const auto id = id_of(request);
    if (!id) {
        // Only calls that register ids count rejections; a bad id in a GET or DELETE is just a 400.
        metrics_.session_rejected(reject_reason::invalid_id, 1);
        co_return make_bad_id();
    }
    // Waits for the commit, also if another call registered the same id and its commit is still running.
    const auto outcome = co_await intake_.track(*id);
    if (!outcome) {
        co_return make_failure(outcome.error());
    }
    // Another call can delete the session while this one waits for the commit.
    const auto view = intake_.look_up(*id);
    if (!view) {
        co_return make_not_tracked();
    }
    co_return make_session_answer(*outcome == track_outcome::added ? 201 : 200, *view);
}

task<http_response> session_api::get_one(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    const auto id = id_of(request);
    if (!id) {
        co_return make_bad_id();
    }
    const auto view = intake_.look_up(*id);
    if (!view) {
        co_return make_not_tracked();
    }
    co_return make_session_answer(200, *view);
}

task<http_response> session_api::delete_one(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    const auto id = id_of(request);
    if (!id) {
        co_return make_bad_id();
    }
    // Completes after the deletion is durable, so the session does not return after a restart.
    const auto outcome = co_await intake_.forget(*id);
    if (!outcome) {
        co_return make_failure(outcome.error());
    }
    if (*outcome == forget_outcome::not_tracked) {
        co_return make_not_tracked();
    }
    // 204 has no body, so there is no JSON to render.
    http_response response;
    response.status = 204;
    co_return response;
}

task<http_response> session_api::post_many(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    // The gate and the server have asked reject() already, before the body was read. A handler does not rely on
    // either.
    // A malformed body is rejected as a whole; a single invalid id is not, and its reason is in the answer.
    auto bulk = parse_bulk(request.body, max_ids);
    if (!bulk) {
        co_return make_error_answer(
            400,
            "malformed",
            "invalid body: expected {\"ids\":[...]} with up to 10,000 strings");
    }
    metrics_.session_rejected(reject_reason::invalid_id, bulk->rejected.size());
    const auto outcome = co_await intake_.track_all(std::move(bulk->ids));
    if (!outcome) {
        co_return make_failure(outcome.error());
    }
    // Ids over sessions.max_tracked join the invalid ones, so the caller finds all rejections in one list.
    for (const session_id& id : outcome->over_limit) {
        bulk->rejected.push_back({std::string(id.view()), "limit"});
    }
    co_return make_bulk_answer(outcome->added, outcome->known, bulk->rejected);
}

task<http_response> session_api::get_list(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    auto query = parse_query(request.query, max_listed);
    // One message for all parameters: it lists the allowed ones instead of naming the invalid one.
    if (!query) {
        co_return make_error_answer(400,
                                    "bad_query",
                                    "invalid query: allowed are status, older_than (seconds), "
                                    "limit (1 to 1000) and after, each once");
    }
    // Sorting a large table takes several turns of the loop. A cursor of another process is an error.
    const auto page = co_await intake_.list(std::move(*query));
    if (!page) {
        co_return make_error_answer(
            400,
            "bad_query",
            "invalid cursor in after: use the value of next from this process");
    }
    co_return make_page_answer(*page);
}

task<http_response> session_api::get_episodes(http_request request) {
    if (auto rejection = reject(request)) {
        co_return *std::move(rejection);
    }
    const auto query = parse_episode_query(request.query, max_listed);
    if (!query) {
        co_return make_error_answer(400,
                                    "bad_query",
                                    "invalid query: allowed are open (true or false), since (a "
                                    "timestamp with time zone), limit (1 to 1000) and after, each "
                                    "once");
    }
    co_return make_episodes_answer(intake_.list_episodes(*query));
}

std::optional<http_response> session_api::reject(const http_request& request) const {
    // Without a token the API does not exist: the same answer as for any unknown path.
    if (!enabled()) {
        return make_error_page(404, request.path);
    }
    // The token comes before readiness, so an unauthorized caller learns nothing about the state of the daemon.
    if (!is_allowed(request)) {
        return make_unauthorized();
    }
    // Before the restore a tracked id would look unknown.
    if (!intake_.restored()) {
        return make_retry("restoring", "restoring sessions, retry later");
    }
    return std::nullopt;
}

// A listener with basic auth asks this first: a request with a bearer token is checked here instead.
bool session_api::checks(const http_request& request) const {
    return enabled() && is_ours(request.path) && is_bearer(request.field("Authorization"));
}

std::optional<http_response> session_api::refusal(const http_request& request) const {
    return is_ours(request.path) ? reject(request) : std::nullopt;
}

bool session_api::is_allowed(const http_request& request) const {
    const std::string_view given = request.field("Authorization");
    if (!is_bearer(given)) {
        return false;
    }
    // All hashes have one length, so the time of the comparison does not even reveal the length of the token.
    const sha256 expected = hash(token_.reveal());
    const sha256 received = hash(given.substr(bearer.size()));
    return CRYPTO_memcmp(expected.data(), received.data(), expected.size()) == 0;
}

} // namespace kallglot
