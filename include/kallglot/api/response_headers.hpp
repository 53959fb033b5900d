#ifndef KALLGLOT_API_RESPONSE_HEADERS_HPP
#define KALLGLOT_API_RESPONSE_HEADERS_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace kallglot {

/// What the API's response headers say about time, limits and credits. All of it is optional: the
/// API "may" send these, and their absence is no error.
///
/// Source: kallglot-api reference, rate limits and errors; RFC 9110 sections 5.6.7 (dates), 10.2.3.
struct response_headers {
    std::optional<api_time> date;                   ///< Date, whole seconds
    std::optional<seconds> retry_after;             ///< Retry-After in seconds; at most 10 years
    std::optional<api_time> retry_at;               ///< Retry-After as an HTTP date
    std::optional<std::uint32_t> rate_limit;        ///< X-RateLimit-Limit, requests a window
    std::optional<std::uint32_t> rate_remaining;    ///< X-RateLimit-Remaining
    std::optional<api_time> rate_reset;             ///< X-RateLimit-Reset, Unix seconds
    std::optional<std::uint64_t> credits_remaining; ///< X-API-Credits-Remaining
    std::optional<std::uint64_t> credits_used;      ///< X-API-Credits-Used
};

/// Takes one header field into `headers` if it is one of ours and well formed; anything else is
/// ignored. Names compare without case. Never throws, never allocates.
///
/// Of a field that comes twice the first well formed value counts: the later one is what somebody on
/// the way may have added. Values come without white space around them.
///
/// Units: Retry-After is whole seconds, cut at 10 years; X-RateLimit-Reset is Unix seconds and is
///        ignored outside 2001 to 9999.
void note_header(response_headers& headers, std::string_view name, std::string_view value) noexcept;

} // namespace kallglot

#endif
