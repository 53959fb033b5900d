/// Reading certificates and keys into a context, with errors that say which file and why.
///
/// OpenSSL's own file functions report a missing file, a wrong password and a wrong format in the same obscure
/// way, and one of them asks for a password on the terminal.

#ifndef KALLGLOT_NET_TLS_TLS_FILES_HPP
#define KALLGLOT_NET_TLS_TLS_FILES_HPP

#include "kallglot/net/tls/tls_context.hpp"

#include <openssl/ssl.h>

#include <optional>
#include <string>

namespace kallglot {

/// Where a PEM text is: in a file, or, if none is named, here.
struct pem_place {
    std::string file;
    std::string text{};
};

/// Gives `ctx` the chain (leaf first) and its key. Returns what went wrong, if anything did.
[[nodiscard]] std::optional<tls_load_error> load_identity(SSL_CTX* ctx,
                                                          const pem_place& cert,
                                                          const pem_place& key);

/// Gives `ctx` the authorities of a PEM bundle; with `announce`, clients are told their names.
[[nodiscard]] std::optional<tls_load_error> load_authorities(SSL_CTX* ctx,
                                                             const pem_place& authorities,
                                                             bool announce);

} // namespace kallglot

#endif
