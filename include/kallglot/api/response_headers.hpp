/// Header fields of API responses that polling uses: time, limits, credits, and whether a cache stored the response.

#ifndef KALLGLOT_API_RESPONSE_HEADERS_HPP
#define KALLGLOT_API_RESPONSE_HEADERS_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace kallglot {

/// Time, limits, credits and age from the API's response headers. All fields are optional: the API "may" send them, and
/// their absence is not an error.
///
/// Source: kallglot-api reference, rate limits and errors; RFC 9110 sections 5.6.7 (dates), 10.2.3; RFC 9111 sections 5.1
///         (Age) and 5.5 (Warning); RFC 9211 (Cache-Status). `X-Cache` and its kin are what nginx, Varnish, Squid and
///         the large networks send.
struct response_headers {
    std::optional<api_time> date;                   ///< Date, whole seconds
    std::optional<seconds> retry_after;             ///< Retry-After in seconds; at most 10 years
    std::optional<api_time> retry_at;               ///< Retry-After as an HTTP date
    std::optional<std::uint32_t> rate_limit;        ///< X-RateLimit-Limit, requests a window
    std::optional<std::uint32_t> rate_remaining;    ///< X-RateLimit-Remaining
    std::optional<api_time> rate_reset;             ///< X-RateLimit-Reset, Unix seconds
    std::optional<std::uint64_t> credits_remaining; ///< X-API-Credits-Remaining
    std::optional<std::uint64_t> credits_used;      ///< X-API-Credits-Used
    std::optional<seconds> age; ///< Age: how long a cache has had the response; at most 10 years
    std::string_view
        stored_by; ///< the name of a field that says "stored"; static text, empty if none does
    std::uint64_t request_id =
        0; ///< a hash of X-Request-ID, of which each response has its own; 0: none
};

/// Stores one header field in `headers` if it is listed above and well formed; ignores all others. Compares names
/// without case. Never throws, never allocates.
///
/// If a field comes twice, the first well formed value counts, because an intermediary may have added the later one.
/// The caller removes white space around values.
///
/// Units: Retry-After is whole seconds, cut at 10 years; X-RateLimit-Reset is Unix seconds and is
///        ignored outside 2001 to 9999.
void note_header(response_headers& headers, std::string_view name, std::string_view value) noexcept;

} // namespace kallglot

#endif
