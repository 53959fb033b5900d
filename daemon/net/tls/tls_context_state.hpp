/// The state behind tls_context. Included only by the bodies of the context and of the engine.

#ifndef KALLGLOT_NET_TLS_TLS_CONTEXT_STATE_HPP
#define KALLGLOT_NET_TLS_TLS_CONTEXT_STATE_HPP

#include "kallglot/net/tls/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace kallglot {

/// A server's rule for the certificates of its clients.
struct client_rule {
    bool any = false;                      ///< true: the chain is not verified
    std::vector<std::string> allowed_sans; ///< empty: any name
};

struct tls_context::state {
    state() = default;
    ~state();
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    /// The newest session that can still be resumed, or nullptr. It stays in the list: servers accept a ticket more
    /// than once, and a thousand connections that reconnect together share eight tickets.
    [[nodiscard]] SSL_SESSION* newest();

    /// Removes a session from the list, if it is there.
    void drop(SSL_SESSION* session) noexcept;

    SSL_CTX* ctx = nullptr;
    BIO_METHOD* method =
        nullptr; ///< passes bytes between OpenSSL and the engine; made by tls_engine.cpp
    std::string host;
    bool client = false;
    std::int64_t not_after = 0;
    client_rule clients;
    std::vector<SSL_SESSION*> sessions; ///< oldest first
};

/// The methods of a BIO whose data is a tls_engine: it reads from the engine's input and writes to its output.
[[nodiscard]] BIO_METHOD* make_engine_bio_method();

/// Unix seconds of an ASN.1 time; 0 if it is invalid.
[[nodiscard]] std::int64_t unix_seconds(const ASN1_TIME* time) noexcept;

} // namespace kallglot

#endif
