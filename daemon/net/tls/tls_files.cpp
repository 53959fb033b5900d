#include "net/tls/tls_files.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace kallglot {

namespace {

// Bundles of all public authorities are below half a mebibyte.
constexpr std::size_t largest_file = 8 * 1024 * 1024;

struct free_openssl {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }

    void operator()(X509* certificate) const noexcept { X509_free(certificate); }

    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

using bio_ptr = std::unique_ptr<BIO, free_openssl>;
using x509_ptr = std::unique_ptr<X509, free_openssl>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_openssl>;
using file_ptr = std::unique_ptr<std::FILE, free_openssl>;

// The text of a file; wiped when it goes, since it may be a key.
class file_text {
public:
    file_text() = default;

    ~file_text() { OPENSSL_cleanse(text_.data(), text_.size()); }

    file_text(const file_text&) = delete;
    file_text& operator=(const file_text&) = delete;

    std::optional<tls_load_error> read(const pem_place& place) {
        if (place.file.empty()) {
            text_ = place.text;
            return std::nullopt;
        }
        return read_file(place.file);
    }

    [[nodiscard]] bio_ptr open() const {
        return bio_ptr(BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())));
    }

private:
    std::optional<tls_load_error> read_file(const std::string& path) {
        const file_ptr file(std::fopen(path.c_str(), "rbe"));
        if (!file) {
            return tls_load_error{"cannot read " + path + ": " + std::strerror(errno), true};
        }
        // One allocation only, so that no copy of a key is left behind in freed memory.
        text_.resize(largest_file);
        const std::size_t size = std::fread(text_.data(), 1, text_.size(), file.get());
        if (std::ferror(file.get()) != 0) {
            return tls_load_error{"cannot read " + path + ": " + std::strerror(errno), true};
        }
        if (size == text_.size()) {
            return tls_load_error{path + " is too large for certificates", false};
        }
        text_.resize(size);
        return std::nullopt;
    }

    std::string text_;
};

// A daemon has nobody to ask for a password.
int no_password(char*, int, int, void*) {
    return -1;
}

// Why the last call into OpenSSL failed, in its words.
std::string last_reason() {
    const char* const text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text != nullptr ? text : "unknown error";
}

std::string name_of(const pem_place& place) {
    return place.file.empty() ? "the inline PEM" : place.file;
}

tls_load_error bad(const pem_place& place, const std::string& what) {
    return {name_of(place) + ": " + what, false};
}

// The next certificate; nullptr at the end, and `fault` set if that is not the end of the file.
x509_ptr next_certificate(BIO* bio, std::string& fault) {
    ERR_clear_error();
    x509_ptr certificate(PEM_read_bio_X509(bio, nullptr, no_password, nullptr));
    if (!certificate && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        fault = "not a valid certificate: " + last_reason();
    }
    ERR_clear_error();
    return certificate;
}

std::optional<tls_load_error> load_chain(SSL_CTX* ctx, const pem_place& place) {
    file_text text;
    if (auto fault = text.read(place)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    std::string fault;
    const x509_ptr leaf = next_certificate(bio.get(), fault);
    if (!leaf) {
        return bad(place, fault.empty() ? "holds no certificate" : fault);
    }
    if (SSL_CTX_use_certificate(ctx, leaf.get()) != 1) {
        return bad(place, "certificate refused: " + last_reason());
    }
    while (const x509_ptr issuer = next_certificate(bio.get(), fault)) {
        if (SSL_CTX_add1_chain_cert(ctx, issuer.get()) != 1) {
            return bad(place, "certificate of the chain refused: " + last_reason());
        }
    }
    return fault.empty() ? std::nullopt : std::optional(bad(place, fault));
}

std::optional<tls_load_error> load_key(SSL_CTX* ctx,
                                       const pem_place& place,
                                       const pem_place& cert) {
    file_text text;
    if (auto fault = text.read(place)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    ERR_clear_error();
    const key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    if (!key) {
        // OpenSSL's words could quote the text around the key, so they are not passed on.
        ERR_clear_error();
        return bad(place, "holds no private key without a password in PEM form");
    }
    // OpenSSL compares it with the certificate that is already there.
    if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1) {
        ERR_clear_error();
        return bad(place, "does not belong to the certificate in " + name_of(cert));
    }
    return std::nullopt;
}

} // namespace

std::optional<tls_load_error> load_identity(SSL_CTX* ctx,
                                            const pem_place& cert,
                                            const pem_place& key) {
    if (auto fault = load_chain(ctx, cert)) {
        return fault;
    }
    return load_key(ctx, key, cert);
}

std::optional<tls_load_error> load_authorities(SSL_CTX* ctx,
                                               const pem_place& authorities,
                                               bool announce) {
    file_text text;
    if (auto fault = text.read(authorities)) {
        return fault;
    }
    const bio_ptr bio = text.open();
    std::string fault;
    std::size_t count = 0;
    while (const x509_ptr authority = next_certificate(bio.get(), fault)) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority.get()) != 1
            || (announce && SSL_CTX_add_client_CA(ctx, authority.get()) != 1)) {
            return bad(authorities, "authority refused: " + last_reason());
        }
        ++count;
    }
    if (!fault.empty()) {
        return bad(authorities, fault);
    }
    return count != 0 ? std::nullopt : std::optional(bad(authorities, "holds no certificate"));
}

} // namespace kallglot
