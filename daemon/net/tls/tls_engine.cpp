#include "net/tls/tls_engine.hpp"

#include "net/tls/tls_context_state.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>
#include <new>

namespace kallglot {

// The socket as OpenSSL sees it: input and output of the current call.
struct tls_engine::io {
    static int read(BIO* bio, char* to, std::size_t capacity, std::size_t* taken) {
        auto* const engine = static_cast<tls_engine*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const std::size_t size = std::min(capacity, engine->unread_size_);
        *taken = size;
        // Not the end of the stream: OpenSSL reports WANT_READ, and the next call continues.
        if (size == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        std::memcpy(to, engine->unread_, size);
        engine->unread_ += size;
        engine->unread_size_ -= size;
        return 1;
    }

    // Output is never refused, so a write of OpenSSL never blocks.
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* taken) {
        auto* const engine = static_cast<tls_engine*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        assert(engine->output_ != nullptr);
        // A lack of memory ends the process (std::set_new_handler), so no exception passes through OpenSSL, which is C.
        engine->output_->append(from, size);
        *taken = size;
        return 1;
    }

    // OpenSSL flushes after a flight and fails if that is not supported; there is nothing to flush.
    static long control(BIO*, int command, long, void*) noexcept {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }
};

BIO_METHOD* make_engine_bio_method() {
    return tls_engine::make_bio_method();
}

namespace {

// Whether the host is an IP address, which is verified in another way than a name.
bool is_address(const std::string& host) {
    const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> parsed(
        a2i_IPADDRESS(host.c_str()),
        ASN1_OCTET_STRING_free);
    return parsed != nullptr;
}

// SSL_set_tlsext_host_name, without the C cast in its macro.
long set_server_name(SSL* ssl, const std::string& host) {
    return SSL_ctrl(ssl,
                    SSL_CTRL_SET_TLSEXT_HOSTNAME,
                    TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str()));
}

// The peer's certificate must contain this name or address. SNI carries names only (RFC 6066 section 3).
bool expect_host(SSL* ssl, const std::string& host) {
    if (is_address(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    // The common name never counts, and *.example.com is the only kind of wildcard.
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, host.c_str()) == 1 && set_server_name(ssl, host) == 1;
}

bool offer_protocols(SSL* ssl, std::string_view alpn) {
    // This call of OpenSSL returns 0 for success.
    const auto* const names = reinterpret_cast<const unsigned char*>(alpn.data());
    return alpn.empty() || SSL_set_alpn_protos(ssl, names, static_cast<unsigned>(alpn.size())) == 0;
}

/// Why a certificate is not trusted. A wrong date may be the fault of either clock, so the text names both.
const char* words_of(long verdict) noexcept {
    switch (verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "the peer's certificate has expired, or the clock of this machine is wrong";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "the peer's certificate is not yet valid, or the clock of this machine is wrong";
        default:
            return X509_verify_cert_error_string(verdict);
    }
}

/// Does what operator new does if memory is short: calls the new-handler, or throws.
[[noreturn]] void report_no_memory() {
    // The daemon's handler ends the process. In tests there is none.
    if (const std::new_handler handler = std::get_new_handler()) {
        handler();
    }
    throw std::bad_alloc();
}

} // namespace

BIO_METHOD* tls_engine::make_bio_method() {
    // One method table serves all engines of a context.
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kallglot");
    if (method != nullptr) {
        BIO_meth_set_read_ex(method, io::read);
        BIO_meth_set_write_ex(method, io::write);
        BIO_meth_set_ctrl(method, io::control);
    }
    return method;
}

// Only a lack of memory can fail here, as for any other object.
tls_engine::tls_engine(const tls_context& context, std::string_view alpn) : context_(context) {
    tls_context::state& shared = *context_.state_;
    ssl_ = SSL_new(shared.ctx);
    BIO* const bio = BIO_new(shared.method);
    if (ssl_ == nullptr || bio == nullptr) {
        // Both accept null.
        BIO_free(bio);
        SSL_free(ssl_);
        report_no_memory();
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    // The SSL object owns the BIO from here on.
    SSL_set_bio(ssl_, bio, bio);

    if (!shared.client) {
        SSL_set_accept_state(ssl_);
        return;
    }
    // A client: the host is part of the context, and so of every connection.
    SSL_set_connect_state(ssl_);
    if (!expect_host(ssl_, shared.host) || !offer_protocols(ssl_, alpn)) {
        SSL_free(ssl_);
        throw std::bad_alloc();
    }
    // A copy, because OpenSSL marks the session of a TLS 1.3 connection as used.
    if (SSL_SESSION* const newest = shared.newest()) {
        SSL_SESSION_up_ref(newest);
        offered_ = newest;
        SSL_SESSION* const session = SSL_SESSION_dup(newest);
        SSL_set_session(ssl_, session);
        SSL_SESSION_free(session);
    }
}

tls_engine::~tls_engine() {
    // Without a shutdown OpenSSL marks the session as not resumable. After a failure that is right.
    if (!error_ && established()) {
        ERR_clear_error();
        // Quiet: nothing is sent. close() has sent a close_notify if there was a peer to read it.
        SSL_set_quiet_shutdown(ssl_, 1);
        SSL_shutdown(ssl_);
    }
    SSL_SESSION_free(offered_);
    SSL_free(ssl_);
}

// Before each call of OpenSSL: makes input and output available to the BIO.
void tls_engine::begin(std::span<const char>& input, std::string& output) noexcept {
    unread_ = input.data();
    unread_size_ = input.size();
    output_ = &output;
    // SSL_get_error() reads the thread's queue of errors, which may contain errors of other connections. The queue is
    // nearly always empty, and checking that is cheaper than clearing its 16 entries.
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

// After each call of OpenSSL: removes the consumed input and translates the outcome.
tls_status tls_engine::finish(std::span<const char>& input, int outcome) noexcept {
    // OpenSSL has consumed the front of the input.
    input = input.last(unread_size_);
    unread_ = nullptr;
    unread_size_ = 0;
    // Before anything else, because every call of OpenSSL may change the queue of errors.
    const int error = outcome > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, outcome);
    output_ = nullptr;
    switch (error) {
        case SSL_ERROR_NONE:
            return tls_status::done;
        case SSL_ERROR_WANT_READ:
            return tls_status::want_input;
        case SSL_ERROR_ZERO_RETURN:
            return tls_status::closed;
        default:
            return fail(error);
    }
}

// Records the error. A certificate that is not trusted has an error of its own.
tls_status tls_engine::fail(int ssl_error) noexcept {
    const long verdict = SSL_get_verify_result(ssl_);
    if (!established() && verdict != X509_V_OK) {
        error_ = errc::certificate_rejected;
        reason_ = words_of(verdict);
    } else {
        // The offered session may be the reason, and would be again in the next handshake.
        if (!established()) {
            forget_session();
        }
        error_ = errc::tls_failed;
        const char* const text =
            ssl_error == SSL_ERROR_SSL ? ERR_reason_error_string(ERR_peek_error()) : nullptr;
        reason_ = text != nullptr ? text : "unknown TLS error";
    }
    ERR_clear_error();
    return tls_status::failed;
}

tls_status tls_engine::handshake(std::span<const char>& input, std::string& output) {
    begin(input, output);
    return finish(input, SSL_do_handshake(ssl_));
}

// Also completes the handshake if it is not complete yet, which the server uses.
tls_engine::read_result tls_engine::read(std::span<const char>& input,
                                         std::span<char> plaintext,
                                         std::string& output) {
    begin(input, output);
    std::size_t size = 0;
    // Output is possible in a read, too: the answer to a KeyUpdate (RFC 8446 section 4.6.3).
    const int outcome = SSL_read_ex(ssl_, plaintext.data(), plaintext.size(), &size);
    return {finish(input, outcome), outcome > 0 ? size : 0};
}

tls_status tls_engine::write(std::string_view plaintext, std::string& output) {
    if (plaintext.empty()) {
        return tls_status::done;
    }
    std::span<const char> no_input;
    begin(no_input, output);
    std::size_t size = 0;
    const tls_status status =
        finish(no_input, SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &size));
    // Memory never blocks. A write that needs input means an incomplete handshake: a bug or an attack.
    return status == tls_status::done ? status : fail(SSL_ERROR_SYSCALL);
}

// Without close_notify the peer could not tell the end of the stream from an attack that cuts it.
void tls_engine::close(std::string& output) noexcept {
    if (error_ || !established()) {
        return;
    }
    std::span<const char> no_input;
    begin(no_input, output);
    SSL_shutdown(ssl_);
    output_ = nullptr;
    ERR_clear_error();
}

bool tls_engine::established() const noexcept {
    return SSL_is_init_finished(ssl_) == 1;
}

// The engine keeps its own reference until it is destroyed.
void tls_engine::forget_session() noexcept {
    if (offered_ != nullptr) {
        context_.state_->drop(offered_);
    }
}

bool tls_engine::holds_input() const noexcept {
    // Bytes of a record that is not complete count as well.
    return SSL_has_pending(ssl_) == 1;
}

bool tls_engine::resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}

std::string_view tls_engine::version() const noexcept {
    return SSL_get_version(ssl_);
}

std::string_view tls_engine::protocol() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::int64_t tls_engine::peer_trusted_until() const noexcept {
    return context_.state_->clients.any ? 0 : peer_not_after();
}

// For the metric of the API's certificate.
std::int64_t tls_engine::peer_not_after() const noexcept {
    // A resumed connection has the certificate of its first handshake.
    const X509* const certificate = SSL_get0_peer_certificate(ssl_);
    return certificate != nullptr ? unix_seconds(X509_get0_notAfter(certificate)) : 0;
}

// Compares exactly: no wildcards, no common name.
bool tls_engine::peer_has_name(std::string_view name) const {
    X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr || name.empty()) {
        return false;
    }
    // OpenSSL needs a terminated text for addresses.
    const std::string text(name);
    constexpr unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    return X509_check_host(certificate, text.data(), text.size(), flags, nullptr) == 1
           || X509_check_email(certificate, text.data(), text.size(), flags) == 1
           || X509_check_ip_asc(certificate, text.c_str(), flags) == 1;
}

} // namespace kallglot
