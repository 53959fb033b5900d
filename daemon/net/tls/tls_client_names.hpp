/// Whether a client's certificate carries a name that is allowed: `client_allowed_sans` of the web configuration.

#ifndef KALLGLOT_NET_TLS_TLS_CLIENT_NAMES_HPP
#define KALLGLOT_NET_TLS_TLS_CLIENT_NAMES_HPP

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace kallglot {

/// Compares the certificate's DNS names, mail addresses, URIs and IP addresses (as text) exactly.
[[nodiscard]] bool carries_one_of(const X509* certificate, const std::vector<std::string>& names);

} // namespace kallglot

#endif
