/// Parser of the API's error bodies.

#ifndef KALLGLOT_API_API_ERROR_PARSER_HPP
#define KALLGLOT_API_API_ERROR_PARSER_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// The family of an error code of the API, as far as polling depends on it.
enum class api_error_kind : std::uint8_t {
    none, ///< no readable error body
    key,  ///< the organization or the key's permission is at fault (403 with such a code)
    other ///< any other code
};

/// The content of an error body: the body of a response other than 200.
struct api_error {
    api_error_kind kind = api_error_kind::none;
    std::optional<seconds> retry_after; ///< error.retry_after of the newer generation
};

/// Reads `{"error":{"type","code","retry_after"}}`. `key` for the codes insufficient_permissions,
/// organization_suspended, organization_inactive, feature_not_available and anything else that
/// begins with `organization_` or contains `permission`. Never fails: an unreadable body gives an
/// api_error without content. Bodies over 16 KiB are not read. No text of the body is stored.
///
/// Source: kallglot-api reference section 4, tests/samples/error_*.json.
[[nodiscard]] api_error parse_api_error(std::string_view body) noexcept;

} // namespace kallglot

#endif
