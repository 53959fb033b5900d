/// Decides whether a changed web configuration may replace the one in force without a request of the operator.
///
/// An editor, a full disk or a crash can leave the file empty or half written for a while. A follower that takes such a
/// file would remove TLS or the passwords. So it takes renewed certificates, hashes and users, but never less
/// protection. A reload or a restart takes the file as it is. Pure.

#ifndef KALLGLOT_APP_WEB_PROTECTION_HPP
#define KALLGLOT_APP_WEB_PROTECTION_HPP

#include "kallglot/settings/web_settings.hpp"

#include <string_view>
#include <vector>

namespace kallglot {

/// How a web configuration protects the listener; it holds no secret. Default: not at all.
struct web_protection {
    bool tls = false;
    bool demands_certificate = false;
    bool verifies_certificate = false;
    bool restricts_names = false; ///< `client_allowed_sans`
    bool tls_1_3_only = false;
    bool users = false;
    bool rate_limit = false;
    bool headers = false; ///< all that the format allows tell browsers to be careful

    [[nodiscard]] static web_protection of(const web_settings& values);

    bool operator==(const web_protection&) const = default;
};

/// What `next` no longer has, in words for the log; empty: it protects the listener at least as well as `now`.
[[nodiscard]] std::vector<std::string_view> lost_protection(const web_protection& now,
                                                            const web_protection& next);

} // namespace kallglot

#endif
