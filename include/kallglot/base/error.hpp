/// Errors with an external cause, as one enumeration, and the closed set of failure reasons.
///
/// Policy and metrics share the reasons. Library codes (Asio, OpenSSL, SQLite) are translated once, at the edge.

#ifndef KALLGLOT_BASE_ERROR_HPP
#define KALLGLOT_BASE_ERROR_HPP

#include "kallglot/base/vocabulary.hpp"

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace kallglot {

using error_code = boost::system::error_code;

template <class T>
using result = boost::system::result<T>;

/// A condition caused by the network, the API, a file or a user. Never a bug of the daemon.
enum class errc {
    // Reaching the API. The request was not sent. The pool backs off; the session is due again.
    name_not_resolved = 1, ///< DNS has no answer for the API's host
    resolve_timeout,       ///< DNS did not answer within connect_timeout
    connect_refused,       ///< every address refused the connection
    connect_timeout,       ///< TCP was not established within connect_timeout
    network_unreachable,   ///< no route, or the link is down
    connect_failed,        ///< any other failure to connect
    no_descriptors,        ///< out of file descriptors or ports; open connections stay
    proxy_refused,         ///< the CONNECT proxy answered with another status than 2xx
    handshake_timeout,     ///< TLS was not established within connect_timeout
    tls_failed,            ///< the TLS handshake failed, or a record could not be decrypted
    certificate_rejected,  ///< the chain or the host name of the API's certificate is not trusted
    http2_unavailable,     ///< the API does not speak HTTP/2, and api.http_version is 2

    // One exchange. The connection is closed.
    request_timeout,   ///< no complete answer within request_timeout
    connection_reset,  ///< the peer reset the connection, or it broke
    connection_closed, ///< the peer closed before the answer was complete
    reused_connection_closed, ///< a reused connection, or any of HTTP/2, was lost before the answer began: retried once
    malformed_response, ///< not HTTP, or with contradictory framing
    unsolicited_data,   ///< bytes that belong to no request
    header_too_large,   ///< the header exceeds 64 KiB; over HTTP/2 each field counts 32 bytes more
    response_too_large, ///< the body exceeds max_response_size
    encoded_response,   ///< a Content-Encoding that was not requested
    foreign_content,    ///< a Content-Type other than JSON on an answer that must be a session
    stream_reset,       ///< HTTP/2: the API reset the stream of this request; the connection stays

    // The content of an answer.
    malformed_json,  ///< the body is not one JSON object, or too deep
    invalid_session, ///< the object lacks an id or a status, or has one twice
    wrong_session,   ///< the body describes another session than the requested one

    // Input of users.
    invalid_session_id, ///< not [A-Za-z0-9_-]{1,64}
    invalid_event,      ///< a webhook body without an id or a type
    session_limit,      ///< max_tracked is reached
    store_unavailable,  ///< the store cannot write now; the id is not tracked
    memory_short,       ///< memory is close to its limit; the id is not tracked

    cancelled, ///< stopped by the daemon itself: never logged as an error, never counted
};

/// Why a poll failed: the label of kallglot_exporter_api_request_failures_total and the input of
/// api_health, so that policy and metric cannot drift apart.
enum class failure_reason : std::uint8_t {
    dns,
    connect,
    tls,
    timeout,
    reset,
    throttled,
    unauthorized,
    credits,
    server,
    redirect,
    body,
    not_found,
    other
};

inline constexpr auto failure_reason_words = make_vocabulary<failure_reason>({
    {failure_reason::dns, "dns"},
    {failure_reason::connect, "connect"},
    {failure_reason::tls, "tls"},
    {failure_reason::timeout, "timeout"},
    {failure_reason::reset, "reset"},
    {failure_reason::throttled, "throttled"},
    {failure_reason::unauthorized, "unauthorized"},
    {failure_reason::credits, "credits"},
    {failure_reason::server, "server"},
    {failure_reason::redirect, "redirect"},
    {failure_reason::body, "body"},
    {failure_reason::not_found, "not_found"},
    {failure_reason::other, "other"},
});
inline constexpr std::size_t failure_reason_count = failure_reason_words.size();

/// The label value. Never empty, always the same storage.

[[nodiscard]] constexpr std::string_view to_string(failure_reason reason) noexcept {
    return failure_reason_words.text_of(reason);
}

/// The reason of a failed exchange. `cancelled` has none and must not be classified.
[[nodiscard]] failure_reason classify(errc error) noexcept;

/// Whether this error of one answer says that the server, or something before it, does not speak our HTTP.
[[nodiscard]] bool is_refused_answer(errc error) noexcept;

/// The reason of an HTTP status other than 200: 401 and 403 unauthorized, 402 credits, 404 and 410
/// not_found, 429 throttled, 3xx redirect, 5xx server, the rest other.
[[nodiscard]] failure_reason classify_status(int http_status) noexcept;

[[nodiscard]] const boost::system::error_category& category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc error) noexcept {
    return {static_cast<int>(error), category()};
}

} // namespace kallglot

template <>
struct boost::system::is_error_code_enum<kallglot::errc> : std::true_type {};

#endif
