/// The inside of tls_context, shared by the body of the context and by the engine; nobody else includes it.

#ifndef KALLGLOT_NET_TLS_TLS_CONTEXT_STATE_HPP
#define KALLGLOT_NET_TLS_TLS_CONTEXT_STATE_HPP

#include "kallglot/net/tls/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace kallglot {

/// What a server asks of the certificates of its clients.
struct client_rule {
    bool any = false;                      ///< their chain is not verified
    std::vector<std::string> allowed_sans; ///< empty: any name
};

struct tls_context::state {
    state() = default;
    ~state();
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    /// The newest session that can still be resumed, or nullptr. Not removed: servers accept a ticket more than
    /// once, and a thousand connections that come back together have eight tickets between them.
    [[nodiscard]] SSL_SESSION* newest();

    /// Keeps it no more.
    void drop(SSL_SESSION* session) noexcept;

    SSL_CTX* ctx = nullptr;
    BIO_METHOD* method = nullptr; ///< hands the engine's bytes to OpenSSL; made by tls_engine.cpp
    std::string host;
    bool client = false;
    std::int64_t not_after = 0;
    client_rule clients;
    std::vector<SSL_SESSION*> sessions; ///< oldest first
};

/// Made by the engine's body: a BIO that reads from and writes to the engine that is its data.
[[nodiscard]] BIO_METHOD* make_engine_bio_method();

/// Seconds since 1970 of an ASN.1 time, 0 if it cannot be read.
[[nodiscard]] std::int64_t unix_seconds(const ASN1_TIME* time) noexcept;

} // namespace kallglot

#endif
