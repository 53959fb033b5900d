/// Reads certificates and keys into a context, with errors that name the file and the cause.
///
/// OpenSSL's own file functions report a missing file, a wrong password and a wrong format with the same message, and
/// one of them asks for a password on the terminal.

#ifndef KALLGLOT_NET_TLS_TLS_FILES_HPP
#define KALLGLOT_NET_TLS_TLS_FILES_HPP

#include "kallglot/net/tls/tls_context.hpp"

#include <openssl/ssl.h>

#include <optional>
#include <string>

namespace kallglot {

/// A PEM text: the content of a file, or, without a file, the text itself.
struct pem_source {
    std::string file;
    std::string text{};
};

/// Loads the chain (leaf first) and its key into `ctx`. Returns the error, or nothing.
[[nodiscard]] std::optional<tls_load_error> load_identity(SSL_CTX* ctx,
                                                          const pem_source& cert,
                                                          const pem_source& key);

/// Loads the CA certificates of a PEM bundle into `ctx`. With `announce`, the server sends their names to clients.
[[nodiscard]] std::optional<tls_load_error> load_authorities(SSL_CTX* ctx,
                                                             const pem_source& authorities,
                                                             bool announce);

} // namespace kallglot

#endif
