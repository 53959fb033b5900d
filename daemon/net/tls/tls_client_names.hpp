/// Checks the names of a client's certificate against `client_allowed_sans` of the web configuration.

#ifndef KALLGLOT_NET_TLS_TLS_CLIENT_NAMES_HPP
#define KALLGLOT_NET_TLS_TLS_CLIENT_NAMES_HPP

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace kallglot {

/// Whether a DNS name, mail address, URI or IP address (as text) of the certificate equals one of `names`.
[[nodiscard]] bool carries_one_of(const X509* certificate, const std::vector<std::string>& names);

} // namespace kallglot

#endif
