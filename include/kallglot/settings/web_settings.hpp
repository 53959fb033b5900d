/// Settings of the web configuration file: TLS, users, headers and request rate of the private listener.
///
/// A plain value; an empty file means the defaults: no TLS, no users.

#ifndef KALLGLOT_SETTINGS_WEB_SETTINGS_HPP
#define KALLGLOT_SETTINGS_WEB_SETTINGS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// Whether clients show a certificate: client_auth_type of exporter-toolkit, in its order.
enum class tls_client_auth : std::uint8_t {
    none,
    request,            ///< requested, not required, not checked
    require_any,        ///< required, not checked
    verify_if_given,    ///< checked when there is one
    require_and_verify, ///< required and checked
};

enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };

/// TLS settings of a listener. Each PEM comes from a file or inline; empty lists mean our defaults.
struct tls_server_options {
    std::string cert_file; ///< PEM: leaf first, then its issuers
    std::string key_file;
    std::string client_ca_file;
    std::string cert_pem; ///< used if there is no file, like the next two
    std::string key_pem;
    std::string client_ca_pem;
    tls_client_auth client_auth = tls_client_auth::none;
    std::vector<std::string> allowed_sans; ///< the client's certificate must have one of them
    tls_version min_version = tls_version::tls_1_2;
    tls_version max_version = tls_version::tls_1_3;
    std::string ciphers; ///< TLS 1.2 cipher list in OpenSSL's names
    std::string groups;  ///< key exchange groups in OpenSSL's names, for example X25519:P-256
    bool prefer_server_ciphers = false;
};

struct basic_auth_user {
    std::string name;
    std::string hash; ///< bcrypt, cost 4 to 14
};

/// At most one request for each `interval`, with bursts of up to `burst`.
struct request_rate {
    std::chrono::milliseconds interval{};
    std::size_t burst = 0;
};

struct web_settings {
    std::optional<tls_server_options> tls;
    std::vector<basic_auth_user> users; ///< empty: no authentication
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<request_rate> rate;
};

} // namespace kallglot

#endif
