/// Is a delivery from Kallglot? HMAC-SHA256 over the timestamp and the raw body, before any byte of it is parsed.
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
    untimely, ///< a match, but signed longer ago or further ahead than is tolerated
};

/// Several `v1` and several secrets are allowed: any match is enough, so that secrets can be rotated. Other keys are
/// ignored; a repeated `t` is malformed. Without secrets everything is `bad`.
///
/// Cost: a MAC for each secret; the comparison takes the same time wherever it fails.
[[nodiscard]] signature_verdict verify_signature(std::string_view header,
                                                 std::string_view body,
                                                 const std::vector<secret>& secrets,
                                                 api_time now,
                                                 milliseconds tolerance);

} // namespace kallglot

#endif
