/// Header fields of API responses that polling uses: time, limits and credits.

#ifndef KALLGLOT_API_RESPONSE_HEADERS_HPP
#define KALLGLOT_API_RESPONSE_HEADERS_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace kallglot {

/// Time, limits and credits from the API's response headers. All fields are optional: the API "may" send them, and
/// their absence is not an error.
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
