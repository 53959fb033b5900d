/// The words of exporter-toolkit and their meaning here. Private to web_config.

#ifndef KALLGLOT_CONFIG_WEB_CONFIG_WORDS_HPP
#define KALLGLOT_CONFIG_WEB_CONFIG_WORDS_HPP

#include "kallglot/settings/web_settings.hpp"

#include <array>
#include <string>
#include <string_view>

namespace kallglot::config {

/// A word of Go's crypto/tls and the OpenSSL name.
struct translation {
    std::string_view go;
    std::string_view openssl;
};

// Go does not let operators choose the suites of TLS 1.3; here they are always enabled.
inline constexpr std::array suites = std::to_array<translation>(
    {{"TLS_AES_128_GCM_SHA256", ""},
     {"TLS_AES_256_GCM_SHA384", ""},
     {"TLS_CHACHA20_POLY1305_SHA256", ""},
     {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
     {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
     {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
     {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
     {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
     {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
     {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
     {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
     {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
     {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}});

inline constexpr std::array curves = std::to_array<translation>(
    {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}});

struct client_auth_word {
    std::string_view go;
    tls_client_auth meaning;
};

inline constexpr std::array client_auths = std::to_array<client_auth_word>(
    {{"", tls_client_auth::none},
     {"NoClientCert", tls_client_auth::none},
     {"RequestClientCert", tls_client_auth::request},
     {"RequireClientCert", tls_client_auth::require_any},
     {"RequireAnyClientCert", tls_client_auth::require_any},
     {"VerifyClientCertIfGiven", tls_client_auth::verify_if_given},
     {"RequireAndVerifyClientCert", tls_client_auth::require_and_verify}});

/// A header that may be set, and its allowed values; none: any value.
struct header_rule {
    std::string_view name;
    std::array<std::string_view, 2> values{};
};

inline constexpr std::array header_rules =
    std::to_array<header_rule>({{"Content-Security-Policy"},
                                {"X-Frame-Options", {"deny", "sameorigin"}},
                                {"X-Content-Type-Options", {"nosniff", ""}},
                                {"X-XSS-Protection"},
                                {"Strict-Transport-Security"}});

/// Why a value is not allowed in that header; empty if it is allowed.
[[nodiscard]] std::string why_not_header(const header_rule& rule, std::string_view value);

/// Why a text is not a bcrypt hash of cost 4 to 14; empty if it is one.
[[nodiscard]] std::string_view why_not_bcrypt(std::string_view hash);

} // namespace kallglot::config

#endif
