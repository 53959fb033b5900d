/// Parsers of the timestamps in JSON bodies and in HTTP header fields.

#ifndef KALLGLOT_BASE_TIMESTAMPS_HPP
#define KALLGLOT_BASE_TIMESTAMPS_HPP

#include "kallglot/base/time.hpp"

#include <optional>
#include <string_view>

namespace kallglot {

/// An ISO 8601 / RFC 3339 timestamp as the API writes it: date, `T` or `t` or a space, time, any
/// number of fraction digits (cut to milliseconds), `Z` or an offset of up to 14 hours. `:60` is
/// read as the next second. Empty for anything else, and for years outside 1970 to 9999.
///
/// Source: samples in tests/samples, RFC 3339 section 5.6.
[[nodiscard]] std::optional<api_time> parse_timestamp(std::string_view text) noexcept;

/// An HTTP date in any of the three forms of RFC 9110 section 5.6.7 (IMF-fixdate, RFC 850, asctime).
[[nodiscard]] std::optional<api_time> parse_http_date(std::string_view text) noexcept;

} // namespace kallglot

#endif
