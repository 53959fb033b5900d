#include "simulator/tls_channel.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace kallglot::simulator {

namespace {

int bio_read(BIO* bio, char* data, int size) {
    auto& transport = *static_cast<tls_channel::transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (transport.incoming.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const auto taken = std::min(static_cast<std::size_t>(size), transport.incoming.size());
    std::memcpy(data, transport.incoming.data(), taken);
    transport.incoming.remove_prefix(taken);
    return static_cast<int>(taken);
}

int bio_write(BIO* bio, const char* data, int size) {
    auto& transport = *static_cast<tls_channel::transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    // There is no output buffer while the channel is destroyed.
    if (transport.outgoing != nullptr) {
        transport.outgoing->append(data, static_cast<std::size_t>(size));
    }
    return size;
}

long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int select_protocol(SSL*,
                    const unsigned char** out,
                    unsigned char* out_size,
                    const unsigned char* offered,
                    unsigned int offered_size,
                    void* identity) {
    const auto& chosen = static_cast<tls_identity*>(identity)->choose(
        {reinterpret_cast<const char*>(offered), offered_size});
    if (!chosen) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (chosen->empty()) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = reinterpret_cast<const unsigned char*>(chosen->data());
    *out_size = static_cast<unsigned char>(chosen->size());
    return SSL_TLSEXT_ERR_OK;
}

void require(bool done, const char* step) {
    if (!done) {
        throw std::runtime_error(std::string(step) + " failed");
    }
}

// Leaf first, then the rest of the chain, as in the PEM text.
void use_chain(SSL_CTX* context, const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    bool leaf = true;
    bool good = true;
    while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
        if (leaf) {
            good = SSL_CTX_use_certificate(context, certificate) == 1;
            X509_free(certificate);
        } else {
            good = good && SSL_CTX_add0_chain_cert(context, certificate) == 1;
        }
        leaf = false;
    }
    ERR_clear_error();
    BIO_free(bio);
    require(!leaf && good, "loading the server's certificate");
}

void use_key(SSL_CTX* context, const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    const bool good = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    require(good && SSL_CTX_check_private_key(context) == 1, "loading the server's key");
}

} // namespace

tls_identity::tls_identity(const test::identity& identity, bool resumption, protocol_choice choose)
    : choose_(std::move(choose)),
      context_(SSL_CTX_new(TLS_server_method())),
      method_(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kallglot_simulator")) {
    require(context_ != nullptr && method_ != nullptr, "making a TLS context");
    BIO_meth_set_read(method_, bio_read);
    BIO_meth_set_write(method_, bio_write);
    BIO_meth_set_ctrl(method_, bio_control);
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    // OpenSSL frees the record buffers of idle connections.
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (!resumption) {
        SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context_, 0);
    }
    static constexpr std::string_view session_context = "kallglot_simulator";
    SSL_CTX_set_session_id_context(context_,
                                   reinterpret_cast<const unsigned char*>(session_context.data()),
                                   static_cast<unsigned>(session_context.size()));
    SSL_CTX_set_alpn_select_cb(context_, select_protocol, this);
    use_chain(context_, identity.chain_pem);
    use_key(context_, identity.private_key_pem);
}

tls_identity::~tls_identity() {
    SSL_CTX_free(context_);
    BIO_meth_free(method_);
}

tls_channel::tls_channel(const tls_identity& identity) : ssl_(SSL_new(identity.context())) {
    require(ssl_ != nullptr, "making a TLS channel");
    BIO* bio = BIO_new(identity.method());
    require(bio != nullptr, "making a BIO");
    BIO_set_data(bio, &transport_);
    BIO_set_init(bio, 1);
    // One BIO serves both directions; the SSL object owns it from here on.
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
}

tls_channel::~tls_channel() {
    // OpenSSL removes a session from its cache if the connection had no shutdown.
    if (!broken_) {
        SSL_set_quiet_shutdown(ssl_, 1);
        SSL_shutdown(ssl_);
    }
    SSL_free(ssl_);
}

bool tls_channel::resumed() const {
    return SSL_session_reused(ssl_) == 1;
}

std::string_view tls_channel::agreed() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

tls_progress tls_channel::handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done == 1) {
        established_ = true;
        return tls_progress::going;
    }
    if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ) {
        return tls_progress::going;
    }
    broken_ = true;
    return tls_progress::failed;
}

tls_progress tls_channel::read(std::string& plain) {
    constexpr std::size_t step = 4096;
    for (;;) {
        const std::size_t before = plain.size();
        plain.resize(before + step);
        ERR_clear_error();
        std::size_t taken = 0;
        const int done = SSL_read_ex(ssl_, plain.data() + before, step, &taken);
        plain.resize(before + taken);
        if (done == 1) {
            continue;
        }
        switch (SSL_get_error(ssl_, done)) {
            case SSL_ERROR_WANT_READ:
                return tls_progress::going;
            case SSL_ERROR_ZERO_RETURN:
                return tls_progress::closed;
            default:
                broken_ = true;
                return tls_progress::failed;
        }
    }
}

tls_progress tls_channel::receive(std::string_view bytes, std::string& plain, std::string& wire) {
    transport_.incoming = bytes;
    transport_.outgoing = &wire;
    tls_progress progress = established_ ? tls_progress::going : handshake();
    if (progress == tls_progress::going && established_) {
        progress = read(plain);
    }
    transport_.incoming = {};
    transport_.outgoing = nullptr;
    return progress;
}

bool tls_channel::seal(std::string_view plain, std::string& wire) {
    if (plain.empty()) {
        return true;
    }
    transport_.outgoing = &wire;
    ERR_clear_error();
    std::size_t written = 0;
    const bool done = SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1;
    transport_.outgoing = nullptr;
    broken_ = broken_ || !done;
    return done;
}

void tls_channel::say_farewell(std::string& wire) {
    if (broken_ || !established_) {
        return;
    }
    transport_.outgoing = &wire;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    transport_.outgoing = nullptr;
}

} // namespace kallglot::simulator
