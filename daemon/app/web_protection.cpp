#include "app/web_protection.hpp"

#include <array>

namespace kallglot {

web_protection web_protection::of(const web_settings& values) {
    web_protection has;
    has.users = !values.users.empty();
    has.rate_limit = values.rate.has_value();
    has.headers = !values.headers.empty();
    if (!values.tls) {
        return has;
    }
    const tls_client_auth auth = values.tls->client_auth;
    has.tls = true;
    // Two questions, since the five words of client_auth_type are in no order of strength.
    has.demands_certificate =
        auth == tls_client_auth::require_any || auth == tls_client_auth::require_and_verify;
    has.verifies_certificate =
        auth == tls_client_auth::verify_if_given || auth == tls_client_auth::require_and_verify;
    has.restricts_names = !values.tls->allowed_sans.empty();
    // Ciphers and curves are left out: no list of them is stronger than another in every respect.
    has.tls_1_3_only = values.tls->min_version == tls_version::tls_1_3;
    return has;
}

std::vector<std::string_view> lost_protection(const web_protection& now,
                                              const web_protection& next) {
    struct kind {
        bool web_protection::* has;
        // Means nothing without TLS.
        bool needs_tls;
        std::string_view words;
    };

    // Users are one protection, however many there are: an operator may remove one, and the last one is the mistake.
    constexpr auto kinds = std::to_array<kind>(
        {{&web_protection::tls, false, "TLS"},
         {&web_protection::demands_certificate, true, "the required client certificate"},
         {&web_protection::verifies_certificate, true, "the verification of client certificates"},
         {&web_protection::restricts_names, true, "client_allowed_sans"},
         {&web_protection::tls_1_3_only, true, "the minimum TLS version 1.3"},
         {&web_protection::users, false, "the last user"},
         {&web_protection::rate_limit, false, "the rate limit"},
         {&web_protection::headers, false, "the response headers"}});
    std::vector<std::string_view> lost;
    for (const kind& one : kinds) {
        // That the certificates of clients are gone with TLS needs no words of its own.
        if (now.*one.has && !(next.*one.has) && (next.tls || !one.needs_tls)) {
            lost.push_back(one.words);
        }
    }
    return lost;
}

} // namespace kallglot
