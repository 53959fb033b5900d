#include "net/tls/tls_files.hpp"

#include "kallglot/files/operator_file.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace kallglot {

namespace {

// A bundle of all public CA certificates is smaller than half a mebibyte.
constexpr std::size_t max_file_bytes = 8 * 1024 * 1024;

// Frees any of OpenSSL's objects, so that no error path can leak one.
struct free_openssl {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }

    void operator()(X509* certificate) const noexcept { X509_free(certificate); }

    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

using bio_ptr = std::unique_ptr<BIO, free_openssl>;
using x509_ptr = std::unique_ptr<X509, free_openssl>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_openssl>;

// The bytes of a file. The destructor wipes them, because they may be a key.
class file_text {
public:
    file_text() = default;

    ~file_text() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

    file_text(const file_text&) = delete;
    file_text& operator=(const file_text&) = delete;

    std::optional<tls_load_error> read(const pem_source& source) {
        if (source.file.empty()) {
            bytes_.assign(source.text.begin(), source.text.end());
            return std::nullopt;
        }
        file_contents contents = read_file(source.file, max_file_bytes);
        bytes_ = std::move(contents.bytes);
        if (contents.too_large) {
            return tls_load_error{source.file + ": larger than 8 MiB", false};
        }
        if (!contents.reason.empty()) {
            return tls_load_error{"cannot read " + source.file + ": " + contents.reason, true};
        }
        return std::nullopt;
    }

    // A view of the text, without a copy.
    [[nodiscard]] bio_ptr open() const {
        // The size fits: files are bounded at 8 MiB.
        return bio_ptr(BIO_new_mem_buf(bytes_.data(), static_cast<int>(bytes_.size())));
    }

private:
    std::vector<char> bytes_;
};

// A daemon cannot ask for a password; without this OpenSSL would ask on the terminal.
int no_password(char*, int, int, void*) {
    return -1;
}

// OpenSSL's text for its last error.
std::string last_reason() {
    const char* const text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text != nullptr ? text : "unknown error";
}

// For messages: inline PEM has no path.
std::string name_of(const pem_source& source) {
    return source.file.empty() ? "the inline PEM" : source.file;
}

// An error of the content, not of reading it.
tls_load_error bad(const pem_source& source, const std::string& what) {
    return {name_of(source) + ": " + what, false};
}

// The next certificate; nullptr at the end of the file, and after an error, which sets `fault`.
x509_ptr next_certificate(BIO* bio, std::string& fault) {
    ERR_clear_error();
    x509_ptr certificate(PEM_read_bio_X509(bio, nullptr, no_password, nullptr));
    // "No start line" is how OpenSSL reports the end of a PEM file. Text before and between certificates is skipped.
    if (!certificate && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        fault = "invalid certificate: " + last_reason();
    }
    ERR_clear_error();
    return certificate;
}

// The server's certificate and the issuers behind it.
std::optional<tls_load_error> load_chain(SSL_CTX* ctx, const pem_source& source) {
    file_text text;
    if (auto fault = text.read(source)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    std::string fault;
    // The first certificate is the server's or client's own, as RFC 8446 section 4.4.2 orders them.
    const x509_ptr leaf = next_certificate(bio.get(), fault);
    if (!leaf) {
        return bad(source, fault.empty() ? "contains no certificate" : fault);
    }
    if (SSL_CTX_use_certificate(ctx, leaf.get()) != 1) {
        return bad(source, "certificate rejected: " + last_reason());
    }
    // The rest of the file are issuers, which the server sends along.
    while (const x509_ptr issuer = next_certificate(bio.get(), fault)) {
        if (SSL_CTX_add1_chain_cert(ctx, issuer.get()) != 1) {
            return bad(source, "chain certificate rejected: " + last_reason());
        }
    }
    return fault.empty() ? std::nullopt : std::optional(bad(source, fault));
}

// The key, which must match the certificate.
std::optional<tls_load_error> load_key(SSL_CTX* ctx,
                                       const pem_source& source,
                                       const pem_source& cert) {
    file_text text;
    if (auto fault = text.read(source)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    ERR_clear_error();
    const key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    if (!key) {
        // OpenSSL's error could quote the text around the key, so it is not part of the message.
        ERR_clear_error();
        return bad(source, "contains no unencrypted private key in PEM form");
    }
    // OpenSSL compares the key with the certificate that is loaded already.
    if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1) {
        ERR_clear_error();
        return bad(source, "does not match the certificate in " + name_of(cert));
    }
    return std::nullopt;
}

} // namespace

std::optional<tls_load_error> load_identity(SSL_CTX* ctx,
                                            const pem_source& cert,
                                            const pem_source& key) {
    // The chain first: the key is checked against it.
    if (auto fault = load_chain(ctx, cert)) {
        return fault;
    }
    return load_key(ctx, key, cert);
}

std::optional<tls_load_error> load_authorities(SSL_CTX* ctx,
                                               const pem_source& authorities,
                                               bool announce) {
    file_text text;
    if (auto fault = text.read(authorities)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    std::string fault;
    // An empty bundle would trust no server, and every poll would fail: better an error now.
    std::size_t count = 0;
    // Every certificate of the bundle is trusted.
    while (const x509_ptr authority = next_certificate(bio.get(), fault)) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority.get()) != 1
            || (announce && SSL_CTX_add_client_CA(ctx, authority.get()) != 1)) {
            return bad(authorities, "CA certificate rejected: " + last_reason());
        }
        ++count;
    }
    // A damaged certificate in the middle must not silently shorten the trust.
    if (!fault.empty()) {
        return bad(authorities, fault);
    }
    return count != 0 ? std::nullopt : std::optional(bad(authorities, "contains no certificate"));
}

} // namespace kallglot
