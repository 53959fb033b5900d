#include "kallglot/net/tls/tls_context.hpp"

#include "net/tls/tls_client_names.hpp"
#include "net/tls/tls_context_state.hpp"
#include "net/tls/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstddef>
#include <ctime>
#include <optional>
#include <utility>

namespace kallglot {

namespace {

// Sessions to resume. Servers accept a ticket more than once, so a few serve all connections.
constexpr std::size_t max_sessions = 8;

// AES-128-GCM first: as safe as AES-256, and a poll costs a tenth less. No CBC, no key exchange without forward
// secrecy.
constexpr const char* modern_suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* modern_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// Issuers in a chain. Real chains have a few; a longer one is an attempt to use up CPU time.
constexpr int max_chain_depth = 9;

// OpenSSL's number of a version.
int native_version(tls_version version) noexcept {
    return version == tls_version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// The options that clients and servers share.
bool set_common(SSL_CTX* ctx) {
    SSL_CTX_set_options(ctx,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    // OpenSSL frees its buffers of 16 KiB whenever a connection is idle.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_keylog_callback(ctx, nullptr);
    SSL_CTX_set_verify_depth(ctx, max_chain_depth);
    return SSL_CTX_set_ciphersuites(ctx, modern_suites) == 1
           && SSL_CTX_set_cipher_list(ctx, modern_ciphers) == 1
           && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

// The modes have the names of Go's crypto/tls, as in other exporters.
int verify_mode(tls_client_auth auth) noexcept {
    switch (auth) {
        case tls_client_auth::none:
            return SSL_VERIFY_NONE;
        case tls_client_auth::request:
        case tls_client_auth::verify_if_given:
            return SSL_VERIFY_PEER;
        case tls_client_auth::require_any:
        case tls_client_auth::require_and_verify:
            return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    return SSL_VERIFY_NONE;
}

// Verifies a client's certificate by its rule: the chain, unless any certificate is accepted, and the names.
int verify_client(X509_STORE_CTX* store, void* context) {
    // OpenSSL calls this in place of its own verification; 0 ends the handshake with an alert.
    const auto* const rule = static_cast<const client_rule*>(context);
    if (!rule->any && X509_verify_cert(store) != 1) {
        return 0;
    }
    if (rule->allowed_sans.empty()
        || carries_one_of(X509_STORE_CTX_get0_cert(store), rule->allowed_sans)) {
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

// Cipher suites, curves and versions of the configuration.
std::optional<tls_load_error> set_lists(SSL_CTX* ctx, const tls_server_options& options) {
    if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(ctx, options.ciphers.c_str()) != 1) {
        return tls_load_error{"cipher_suites: OpenSSL supports none of them", false};
    }
    if (!options.groups.empty() && SSL_CTX_set1_groups_list(ctx, options.groups.c_str()) != 1) {
        return tls_load_error{"curve_preferences: unknown curve", false};
    }
    if (SSL_CTX_set_min_proto_version(ctx, native_version(options.min_version)) != 1
        || SSL_CTX_set_max_proto_version(ctx, native_version(options.max_version)) != 1
        || options.max_version < options.min_version) {
        return tls_load_error{"min_version exceeds max_version", false};
    }
    return std::nullopt;
}

// Lifetime: `rule` lives as long as the context.
// How the server checks the certificates of its clients.
std::optional<tls_load_error> set_client_auth(SSL_CTX* ctx,
                                              const tls_server_options& options,
                                              client_rule& rule) {
    SSL_CTX_set_verify(ctx, verify_mode(options.client_auth), nullptr);
    rule.any = options.client_auth == tls_client_auth::request
               || options.client_auth == tls_client_auth::require_any;
    rule.allowed_sans = options.allowed_sans;
    SSL_CTX_set_cert_verify_callback(ctx, verify_client, &rule);
    // A resumed session is not verified again, and each resumption renews the ticket. So a client certificate would never end.
    if (options.client_auth != tls_client_auth::none) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
    // Modes without verification need no CA certificates.
    if (options.client_ca_file.empty() && options.client_ca_pem.empty()) {
        return std::nullopt;
    }
    return load_authorities(ctx, {options.client_ca_file, options.client_ca_pem}, true);
}

// OpenSSL calls this for each session that the server offers (TLS 1.3: during reads). 1: the reference is ours.
int store_session(SSL* ssl, SSL_SESSION* session) {
    auto* const sessions =
        static_cast<std::vector<SSL_SESSION*>*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    // The oldest session makes room: the server accepts newer ones for longer.
    if (sessions->size() == max_sessions) {
        SSL_SESSION_free(sessions->front());
        sessions->erase(sessions->begin());
    }
    sessions->push_back(session);
    return 1;
}

// Expiry of the certificate that is loaded into the context; 0 without one.
std::int64_t own_not_after(const SSL_CTX* ctx) noexcept {
    const X509* const certificate = SSL_CTX_get0_certificate(ctx);
    return certificate != nullptr ? unix_seconds(X509_get0_notAfter(certificate)) : 0;
}

// An error inside OpenSSL without a file at fault, for example a lack of memory.
tls_load_error setup_failed() {
    ERR_clear_error();
    return {"OpenSSL cannot be set up", true};
}

} // namespace

std::int64_t unix_seconds(const ASN1_TIME* time) noexcept {
    std::tm parts{};
    // Certificates contain their times as text, in UTC.
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        return 0;
    }
    return static_cast<std::int64_t>(timegm(&parts));
}

tls_context::state::~state() {
    // The list owns one reference of each session.
    for (SSL_SESSION* const session : sessions) {
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(ctx);
    BIO_meth_free(method);
}

// Sessions expire at the server, so the newest has the best chance.
SSL_SESSION* tls_context::state::newest() {
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    // Drops sessions that can no longer be resumed, from the newest on.
    while (!sessions.empty()) {
        SSL_SESSION* const session = sessions.back();
        // The server would reject an expired ticket, so it is dropped here.
        const std::int64_t end =
            std::int64_t{SSL_SESSION_get_time(session)} + SSL_SESSION_get_timeout(session);
        if (SSL_SESSION_is_resumable(session) == 1 && now < end) {
            return session;
        }
        SSL_SESSION_free(session);
        sessions.pop_back();
    }
    return nullptr;
}

void tls_context::state::drop(SSL_SESSION* session) noexcept {
    if (std::erase(sessions, session) != 0) {
        SSL_SESSION_free(session);
    }
}

// Every error before the return frees what was made, since `shared` owns it.
tls_result<tls_context> tls_context::make_client(const tls_client_options& options) {
    const auto shared = std::make_shared<state>();
    shared->ctx = SSL_CTX_new(TLS_client_method());
    shared->method = make_engine_bio_method();
    shared->host = options.host;
    shared->client = true;
    if (shared->ctx == nullptr || shared->method == nullptr || !set_common(shared->ctx)) {
        return setup_failed();
    }

    // Trust is either the file or the system's store, never both.
    if (options.ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(shared->ctx) != 1) {
            return setup_failed();
        }
    } else if (auto fault = load_authorities(shared->ctx, {options.ca_file}, false)) {
        return *std::move(fault);
    }
    if (!options.client_cert_file.empty()) {
        if (auto fault =
                load_identity(shared->ctx, {options.client_cert_file}, {options.client_key_file})) {
            return *std::move(fault);
        }
        shared->not_after = own_not_after(shared->ctx);
    }
    // The host is set for each connection by the engine.
    SSL_CTX_set_verify(shared->ctx, SSL_VERIFY_PEER, nullptr);

    // The context stores sessions itself, because OpenSSL's internal cache works for servers only.
    SSL_CTX_set_session_cache_mode(shared->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(shared->ctx, &shared->sessions);
    SSL_CTX_sess_set_new_cb(shared->ctx, store_session);
    shared->sessions.reserve(max_sessions);
    return tls_context(shared);
}

// In the order in which an operator fixes errors: options, certificate, rules for clients.
tls_result<tls_context> tls_context::make_server(const tls_server_options& options) {
    const auto shared = std::make_shared<state>();
    shared->ctx = SSL_CTX_new(TLS_server_method());
    shared->method = make_engine_bio_method();
    if (shared->ctx == nullptr || shared->method == nullptr || !set_common(shared->ctx)) {
        return setup_failed();
    }
    if (auto fault = set_lists(shared->ctx, options)) {
        return *std::move(fault);
    }
    if (auto fault = load_identity(shared->ctx,
                                   {options.cert_file, options.cert_pem},
                                   {options.key_file, options.key_pem})) {
        return *std::move(fault);
    }
    if (auto fault = set_client_auth(shared->ctx, options, shared->clients)) {
        return *std::move(fault);
    }
    // Without this the client's order of cipher suites decides.
    if (options.prefer_server_ciphers) {
        SSL_CTX_set_options(shared->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }

    // The client stores the session in a ticket, so no cache grows here. The ticket keys end with this context.
    SSL_CTX_set_session_cache_mode(shared->ctx, SSL_SESS_CACHE_OFF);
    // Sessions of other servers that use OpenSSL are not accepted (SSL_CTX_set_session_id_context(3)).
    constexpr unsigned char name[] = "kallglot";
    SSL_CTX_set_session_id_context(shared->ctx, name, sizeof name - 1);
    shared->not_after = own_not_after(shared->ctx);
    return tls_context(shared);
}

// For the watch of certificate files, which reloads the trust when the system's store changes.
std::vector<std::string> tls_context::system_trust(std::string file, std::string folder) {
    return {file.empty() ? std::string(X509_get_default_cert_file()) : std::move(file),
            folder.empty() ? std::string(X509_get_default_cert_dir()) : std::move(folder)};
}

bool tls_context::is_client() const noexcept {
    return state_->client;
}

const std::string& tls_context::host() const noexcept {
    return state_->host;
}

std::int64_t tls_context::certificate_not_after() const noexcept {
    return state_->not_after;
}

std::size_t tls_context::resumable_sessions() const noexcept {
    return state_->sessions.size();
}

ssl_ctx_st* tls_context::native() const noexcept {
    return state_->ctx;
}

} // namespace kallglot
