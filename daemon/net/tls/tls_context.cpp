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

constexpr std::size_t most_sessions = 8;

// AES-128-GCM first: as safe, and a tenth cheaper a poll. No CBC, no key exchange without forward secrecy.
constexpr const char* modern_suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* modern_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// Both sides of the handshake need only a few issuers; a longer chain is an attempt to keep us busy.
constexpr int deepest_chain = 9;

int native_version(tls_version version) noexcept {
    return version == tls_version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// What holds for clients and servers alike.
bool set_common(SSL_CTX* ctx) {
    SSL_CTX_set_options(ctx,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    // Buffers of 16 KiB each are given back whenever a connection is idle.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_keylog_callback(ctx, nullptr);
    SSL_CTX_set_verify_depth(ctx, deepest_chain);
    return SSL_CTX_set_ciphersuites(ctx, modern_suites) == 1
           && SSL_CTX_set_cipher_list(ctx, modern_ciphers) == 1
           && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

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

// Verifies a client's certificate as the options ask: its chain, unless any will do, and its names.
int verify_client(X509_STORE_CTX* store, void* context) {
    const auto* const wanted = static_cast<const client_rule*>(context);
    if (!wanted->any && X509_verify_cert(store) != 1) {
        return 0;
    }
    if (wanted->allowed_sans.empty()
        || carries_one_of(X509_STORE_CTX_get0_cert(store), wanted->allowed_sans)) {
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

std::optional<tls_load_error> set_lists(SSL_CTX* ctx, const tls_server_options& options) {
    if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(ctx, options.ciphers.c_str()) != 1) {
        return tls_load_error{"none of the cipher suites is known", false};
    }
    if (!options.groups.empty() && SSL_CTX_set1_groups_list(ctx, options.groups.c_str()) != 1) {
        return tls_load_error{"a curve is not known", false};
    }
    if (SSL_CTX_set_min_proto_version(ctx, native_version(options.min_version)) != 1
        || SSL_CTX_set_max_proto_version(ctx, native_version(options.max_version)) != 1
        || options.max_version < options.min_version) {
        return tls_load_error{"the TLS versions do not fit together", false};
    }
    return std::nullopt;
}

// Lifetime: `rule` lives as long as the context.
std::optional<tls_load_error> set_client_auth(SSL_CTX* ctx,
                                              const tls_server_options& options,
                                              client_rule& rule) {
    SSL_CTX_set_verify(ctx, verify_mode(options.client_auth), nullptr);
    rule.any = options.client_auth == tls_client_auth::request
               || options.client_auth == tls_client_auth::require_any;
    rule.allowed_sans = options.allowed_sans;
    SSL_CTX_set_cert_verify_callback(ctx, verify_client, &rule);
    if (options.client_ca_file.empty() && options.client_ca_pem.empty()) {
        return std::nullopt;
    }
    return load_authorities(ctx, {options.client_ca_file, options.client_ca_pem}, true);
}

// OpenSSL calls this for each session that the server lets us keep (TLS 1.3: during reads).
int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* const keeper =
        static_cast<std::vector<SSL_SESSION*>*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (keeper->size() == most_sessions) {
        SSL_SESSION_free(keeper->front());
        keeper->erase(keeper->begin());
    }
    keeper->push_back(session);
    return 1;
}

std::int64_t own_not_after(const SSL_CTX* ctx) noexcept {
    const X509* const certificate = SSL_CTX_get0_certificate(ctx);
    return certificate != nullptr ? unix_seconds(X509_get0_notAfter(certificate)) : 0;
}

tls_load_error out_of_order() {
    ERR_clear_error();
    return {"the TLS library cannot be set up", true};
}

} // namespace

std::int64_t unix_seconds(const ASN1_TIME* time) noexcept {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        return 0;
    }
    return static_cast<std::int64_t>(timegm(&parts));
}

tls_context::state::~state() {
    for (SSL_SESSION* const session : sessions) {
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(ctx);
    BIO_meth_free(method);
}

SSL_SESSION* tls_context::state::newest() {
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    while (!sessions.empty()) {
        SSL_SESSION* const session = sessions.back();
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

tls_result<tls_context> tls_context::make_client(const tls_client_options& options) {
    const auto shared = std::make_shared<state>();
    shared->ctx = SSL_CTX_new(TLS_client_method());
    shared->method = make_engine_bio_method();
    shared->host = options.host;
    shared->client = true;
    if (shared->ctx == nullptr || shared->method == nullptr || !set_common(shared->ctx)) {
        return out_of_order();
    }

    // Trust: the file alone, or the system's store alone.
    if (options.ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(shared->ctx) != 1) {
            return out_of_order();
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
    SSL_CTX_set_verify(shared->ctx, SSL_VERIFY_PEER, nullptr);

    // Sessions are kept by us, since OpenSSL's own cache is for servers.
    SSL_CTX_set_session_cache_mode(shared->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(shared->ctx, &shared->sessions);
    SSL_CTX_sess_set_new_cb(shared->ctx, keep_session);
    shared->sessions.reserve(most_sessions);
    return tls_context(shared);
}

tls_result<tls_context> tls_context::make_server(const tls_server_options& options) {
    const auto shared = std::make_shared<state>();
    shared->ctx = SSL_CTX_new(TLS_server_method());
    shared->method = make_engine_bio_method();
    if (shared->ctx == nullptr || shared->method == nullptr || !set_common(shared->ctx)) {
        return out_of_order();
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
    if (options.prefer_server_ciphers) {
        SSL_CTX_set_options(shared->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }

    // Tickets carry the session, so that no cache grows here; their keys die with this context.
    SSL_CTX_set_session_cache_mode(shared->ctx, SSL_SESS_CACHE_OFF);
    constexpr unsigned char name[] = "kallglot";
    SSL_CTX_set_session_id_context(shared->ctx, name, sizeof name - 1);
    shared->not_after = own_not_after(shared->ctx);
    return tls_context(shared);
}

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

std::size_t tls_context::kept_sessions() const noexcept {
    return state_->sessions.size();
}

ssl_ctx_st* tls_context::native() const noexcept {
    return state_->ctx;
}

} // namespace kallglot
