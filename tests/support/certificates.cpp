#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <utility>

namespace kallglot::test {

namespace {

// Deleters as types: unique_ptr stays one pointer wide, and no attribute of a function type is lost.
struct key_deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct certificate_deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

struct extension_deleter {
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

struct bio_deleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

using key_ptr = std::unique_ptr<EVP_PKEY, key_deleter>;
using certificate_ptr = std::unique_ptr<X509, certificate_deleter>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, extension_deleter>;
using bio_ptr = std::unique_ptr<BIO, bio_deleter>;

[[noreturn]] void raise(const char* step) {
    char reason[256] = "no reason given";
    if (const unsigned long code = ERR_get_error(); code != 0) {
        ERR_error_string_n(code, reason, sizeof reason);
    }
    throw std::runtime_error(std::string(step) + ": " + reason);
}

void require(bool done, const char* step) {
    if (!done) {
        raise(step);
    }
}

key_ptr make_key() {
    key_ptr key{EVP_EC_gen("P-256")};
    require(key != nullptr, "make a P-256 key");
    return key;
}

void set_serial(X509* certificate) {
    // Random serials, because clients cache certificates by issuer and serial, and runs follow each other within
    // seconds.
    unsigned char bytes[16];
    require(RAND_bytes(bytes, sizeof bytes) == 1, "draw a serial number");
    bytes[0] &= 0x7f;
    bytes[0] |= 0x01;
    BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
    const bool set = number != nullptr
                     && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    require(set, "set the serial number");
}

void set_times(X509* certificate, const certificate_wish& wish) {
    const auto not_before = std::chrono::system_clock::to_time_t(wish.not_before);
    const auto not_after = std::chrono::system_clock::to_time_t(wish.not_after);
    require(ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) != nullptr,
            "set the start of validity");
    require(ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) != nullptr,
            "set the end of validity");
}

void set_name(X509* certificate, const std::string& common_name) {
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1,
            "set the common name");
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const extension_ptr extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
    require(extension != nullptr, "make an extension");
    require(X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

std::string alternative_names(const certificate_wish& wish) {
    std::string names;
    const auto add = [&names](std::string_view kind, const std::string& value) {
        names += names.empty() ? "" : ",";
        names.append(kind).append(value);
    };
    for (const std::string& name : wish.dns_names) {
        add("DNS:", name);
    }
    for (const std::string& address : wish.addresses) {
        add("IP:", address);
    }
    return names;
}

std::string purpose_text(key_purpose purpose) {
    switch (purpose) {
        case key_purpose::server:
            return "serverAuth";
        case key_purpose::client:
            return "clientAuth";
        case key_purpose::server_and_client:
            return "serverAuth,clientAuth";
    }
    return "serverAuth";
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    require(size > 0, "write PEM");
    return std::string(data, static_cast<std::size_t>(size));
}

std::string to_pem(X509* certificate) {
    const bio_ptr bio{BIO_new(BIO_s_mem())};
    require(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1,
            "write a certificate");
    return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
    const bio_ptr bio{BIO_new(BIO_s_mem())};
    require(
        bio != nullptr
            && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "write a private key");
    return text_of(bio.get());
}

// The parts that every certificate has. `issuer` null: the certificate is signed by itself.
certificate_ptr make_body(const certificate_wish& wish, EVP_PKEY* key, X509* issuer) {
    certificate_ptr certificate{X509_new()};
    require(certificate != nullptr, "make a certificate");
    require(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "set the version");
    set_serial(certificate.get());
    set_times(certificate.get(), wish);
    set_name(certificate.get(), wish.common_name);
    X509* named_issuer = issuer != nullptr ? issuer : certificate.get();
    require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(named_issuer)) == 1,
            "set the issuer");
    require(X509_set_pubkey(certificate.get(), key) == 1, "set the public key");
    // The key identifiers let a client find the right issuer among several of one name.
    add_extension(certificate.get(), named_issuer, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) {
        add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
    }
    return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
    require(X509_sign(certificate, key, EVP_sha256()) > 0, "sign a certificate");
}

void add_leaf_extensions(X509* certificate, X509* issuer, const certificate_wish& wish) {
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, issuer, NID_ext_key_usage, purpose_text(wish.purpose));
    if (const std::string names = alternative_names(wish); !names.empty()) {
        add_extension(certificate, issuer, NID_subject_alt_name, names);
    }
}

// A new key and its certificate, signed by the issuer, or by itself without one.
identity make_identity(const certificate_wish& wish, X509* issuer, EVP_PKEY* issuer_key) {
    const key_ptr key = make_key();
    const certificate_ptr leaf = make_body(wish, key.get(), issuer);
    add_leaf_extensions(leaf.get(), issuer != nullptr ? issuer : leaf.get(), wish);
    sign(leaf.get(), issuer_key != nullptr ? issuer_key : key.get());
    identity made;
    made.certificate_pem = to_pem(leaf.get());
    made.chain_pem = made.certificate_pem;
    made.private_key_pem = to_pem(key.get());
    return made;
}

} // namespace

struct certificate_authority::state {
    key_ptr key;
    certificate_ptr certificate;
    std::string pem;
};

certificate_authority::certificate_authority(std::string_view common_name, authority_flag flag)
    : state_(std::make_unique<state>()) {
    certificate_wish wish;
    wish.common_name = common_name;
    state_->key = make_key();
    state_->certificate = make_body(wish, state_->key.get(), nullptr);
    X509* root = state_->certificate.get();
    const bool real = flag == authority_flag::present;
    add_extension(root,
                  root,
                  NID_basic_constraints,
                  real ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(root,
                  root,
                  NID_key_usage,
                  real ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    sign(root, state_->key.get());
    state_->pem = to_pem(root);
}

certificate_authority::~certificate_authority() = default;
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;
certificate_authority& certificate_authority::operator=(certificate_authority&&) noexcept = default;

const std::string& certificate_authority::certificate_pem() const {
    return state_->pem;
}

identity certificate_authority::issue(const certificate_wish& wish) const {
    return make_identity(wish, state_->certificate.get(), state_->key.get());
}

identity make_self_signed(const certificate_wish& wish) {
    return make_identity(wish, nullptr, nullptr);
}

test_certificates::test_certificates()
    : authority_("Kallglot test authority"),
      stranger_("Another authority"),
      flagless_("Kallglot test authority without the flag", authority_flag::absent) {}

const certificate_authority& test_certificates::authority() const {
    return authority_;
}

identity test_certificates::good() const {
    return authority_.issue(certificate_wish{});
}

identity test_certificates::wrong_host() const {
    certificate_wish wish;
    wish.common_name = "api.example.net";
    wish.dns_names = {"api.example.net", "*.example.net"};
    wish.addresses = {"192.0.2.17"};
    return authority_.issue(wish);
}

identity test_certificates::wrong_address() const {
    certificate_wish wish;
    wish.addresses = {"192.0.2.17"};
    return authority_.issue(wish);
}

identity test_certificates::expired() const {
    certificate_wish wish;
    const auto now = std::chrono::system_clock::now();
    wish.not_before = now - std::chrono::hours{24 * 30};
    wish.not_after = now - std::chrono::hours{1};
    return authority_.issue(wish);
}

identity test_certificates::not_yet_valid() const {
    certificate_wish wish;
    wish.not_before = std::chrono::system_clock::now() + std::chrono::hours{1};
    return authority_.issue(wish);
}

identity test_certificates::self_signed() const {
    return make_self_signed(certificate_wish{});
}

identity test_certificates::unknown_authority() const {
    return stranger_.issue(certificate_wish{});
}

identity test_certificates::client_only() const {
    certificate_wish wish;
    wish.purpose = key_purpose::client;
    return authority_.issue(wish);
}

const certificate_authority& test_certificates::flagless_authority() const {
    return flagless_;
}

identity test_certificates::signed_by_flagless_authority() const {
    return flagless_.issue(certificate_wish{});
}

} // namespace kallglot::test
