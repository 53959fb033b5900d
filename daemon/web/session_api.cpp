#include "kallglot/web/session_api.hpp"

#include "kallglot/base/ascii.hpp"
#include "kallglot/web/url_path.hpp"
#include "web/session_json.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <string>
#include <utility>

namespace kallglot {

namespace {

constexpr std::string_view collection = "/api/v1/sessions";
constexpr std::string_view bearer = "bearer ";
constexpr std::string_view retry_after_seconds = "5";

using sha256 = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

sha256 hash(std::string_view text) {
    sha256 out{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
}

/// RFC 9110 section 11.1: the name of a scheme is known in any case.
bool is_bearer(std::string_view given) {
    return ascii_iequals(given.substr(0, bearer.size()), bearer);
}

http_response make_unauthorized() {
    http_response response =
        make_error_answer(401, "unauthorized", "missing or invalid bearer token");
    response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"kallglot_exporter\"");
    return response;
}

http_response make_retry(std::string_view code, std::string_view message) {
    http_response response = make_error_answer(503, code, message);
    response.fields.emplace_back("Retry-After", retry_after_seconds);
    return response;
}

/// The answer to what the intake could not do.
http_response make_failure(const error_code& error) {
    if (error == errc::session_limit) {
        return make_error_answer(507,
                                 "session_limit",
                                 "sessions.max_tracked reached: no more sessions are accepted");
    }
    return error == errc::memory_short
               ? make_retry("memory_short", "out of memory for sessions, retry later")
               : make_retry("store_unavailable", "storage unavailable, retry later");
}

http_response make_bad_id() {
    return make_error_answer(400,
                             "invalid_id",
                             "invalid session id: allowed are 1 to 64 characters of [A-Za-z0-9_-]");
}

http_response make_not_tracked() {
    return make_error_answer(404, "not_tracked", "session is not tracked");
}

/// The id behind the collection's path.
result<session_id> id_of(const http_request& request) {
    return session_id::parse(std::string_view(request.path).substr(collection.size() + 1));
}

} // namespace

session_api::session_api(session_intake& intake, daemon_metrics& metrics, secret token)
    : intake_(intake),
      metrics_(metrics),
      token_(std::move(token)) {}

void session_api::install(http_routes& routes) {
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
    const std::string all(collection);
    add("POST", all, &session_api::post_many, http_routes::match::exact);
    add("GET", all, &session_api::get_list, http_routes::match::exact);
    add("PUT", all + '/', &session_api::put_one, http_routes::match::prefix);
    add("GET", all + '/', &session_api::get_one, http_routes::match::prefix);
    add("DELETE", all + '/', &session_api::delete_one, http_routes::match::prefix);
}

task<http_response> session_api::put_one(http_request request) {
    if (auto refusal = refuse(request)) {
        co_return *std::move(refusal);
    }
    const auto id = id_of(request);
    if (!id) {
        metrics_.session_rejected(reject_reason::invalid_id, 1);
        co_return make_bad_id();
    }
    const auto outcome = co_await intake_.track(*id);
    if (!outcome) {
        co_return make_failure(outcome.error());
    }
    const auto view = intake_.look_up(*id);
    if (!view) {
        co_return make_not_tracked();
    }
    co_return make_session_answer(*outcome == track_outcome::added ? 201 : 200, *view);
}

task<http_response> session_api::get_one(http_request request) {
    if (auto refusal = refuse(request)) {
        co_return *std::move(refusal);
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
    if (auto refusal = refuse(request)) {
        co_return *std::move(refusal);
    }
    const auto id = id_of(request);
    if (!id) {
        co_return make_bad_id();
    }
    const auto outcome = co_await intake_.forget(*id);
    if (!outcome) {
        co_return make_failure(outcome.error());
    }
    if (*outcome == forget_outcome::not_tracked) {
        co_return make_not_tracked();
    }
    http_response response;
    response.status = 204;
    co_return response;
}

task<http_response> session_api::post_many(http_request request) {
    if (auto refusal = refuse(request)) {
        co_return *std::move(refusal);
    }
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
    for (const session_id& id : outcome->over_limit) {
        bulk->rejected.push_back({std::string(id.view()), "limit"});
    }
    co_return make_bulk_answer(outcome->added, outcome->known, bulk->rejected);
}

task<http_response> session_api::get_list(http_request request) {
    if (auto refusal = refuse(request)) {
        co_return *std::move(refusal);
    }
    auto query = parse_query(request.query, max_listed);
    if (!query) {
        co_return make_error_answer(400,
                                    "bad_query",
                                    "invalid query: allowed are status, older_than (seconds), "
                                    "limit (1 to 1000) and after, each once");
    }
    const auto page = co_await intake_.list(std::move(*query));
    if (!page) {
        co_return make_error_answer(
            400,
            "bad_query",
            "invalid cursor in after: use the value of next from this process");
    }
    co_return make_page_answer(*page);
}

std::optional<http_response> session_api::refuse(const http_request& request) const {
    if (!enabled()) {
        return make_text_response(404, reason_phrase(404));
    }
    if (!is_allowed(request)) {
        return make_unauthorized();
    }
    if (!intake_.restored()) {
        return make_retry("restoring", "restoring sessions, retry later");
    }
    return std::nullopt;
}

bool session_api::checks(const http_request& request) const {
    return enabled() && is_below(request.path, collection)
           && is_bearer(request.field("Authorization"));
}

std::optional<http_response> session_api::refusal(const http_request& request) const {
    return is_below(request.path, collection) ? refuse(request) : std::nullopt;
}

bool session_api::is_allowed(const http_request& request) const {
    const std::string_view given = request.field("Authorization");
    if (!is_bearer(given)) {
        return false;
    }
    // Hashes have one length, so that not even the token's is told.
    const sha256 wanted = hash(token_.reveal());
    const sha256 shown = hash(given.substr(bearer.size()));
    return CRYPTO_memcmp(wanted.data(), shown.data(), wanted.size()) == 0;
}

} // namespace kallglot
