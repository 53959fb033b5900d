/// Verifies webhook signatures: HMAC-SHA256 over the timestamp and the raw body, before the body is parsed.
///
/// Source: kallglot-api reference section 6: `Kallglot-Signature: t=<unix seconds>,v1=<64 hex digits>`, the signed
/// text is `t` as received, a dot, and the body. RFC 2104 for the MAC.

#ifndef KALLGLOT_WEB_WEBHOOK_SIGNATURE_HPP
#define KALLGLOT_WEB_WEBHOOK_SIGNATURE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/settings/secret.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kallglot {

enum class signature_verdict : std::uint8_t {
    good,
    bad,      ///< missing, malformed, or none of the signatures matches
    untimely, ///< matches, but its timestamp differs from now by more than the tolerance
};

/// Whether the header has the form that verify_signature() accepts.
[[nodiscard]] bool is_signature(std::string_view header) noexcept;

/// The header may have several `v1`, and there may be several secrets: one match suffices, so that secrets can be
/// rotated. Other keys of the header, blanks around commas and a `v1` of another form are ignored; a repeated `t` is
/// malformed. Without secrets the result is `bad`.
///
/// Cost: a MAC for each secret; comparisons take constant time.
[[nodiscard]] signature_verdict verify_signature(std::string_view header,
                                                 std::string_view body,
                                                 const std::vector<secret>& secrets,
                                                 api_time now,
                                                 milliseconds tolerance);

} // namespace kallglot

#endif
