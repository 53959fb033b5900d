#include "support/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string>

namespace kallglot::test {
namespace {

X509* read_certificate(const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    return certificate;
}

// What OpenSSL's own verification says of `leaf` when it trusts `root` and asks for the name and
// the address.
int verify(const certificate_authority& root,
           const identity& leaf,
           const char* name,
           const char* ip) {
    X509* trusted = read_certificate(root.certificate_pem());
    X509* certificate = read_certificate(leaf.certificate_pem);
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, trusted);
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, certificate, nullptr);
    X509_STORE_CTX_set_default(context, "ssl_server");
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context);
    if (name != nullptr) {
        X509_VERIFY_PARAM_set1_host(rules, name, 0);
    }
    if (ip != nullptr) {
        X509_VERIFY_PARAM_set1_ip_asc(rules, ip);
    }
    X509_verify_cert(context);
    const int outcome = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(certificate);
    X509_free(trusted);
    return outcome;
}

TEST(TestCertificates, ValidOneIsAcceptedForEachOfItsNames) {
    const test_certificates made;
    const identity good = made.good();
    EXPECT_EQ(verify(made.authority(), good, "localhost", nullptr), X509_V_OK);
    EXPECT_EQ(verify(made.authority(), good, nullptr, "127.0.0.1"), X509_V_OK);
    EXPECT_EQ(verify(made.authority(), good, nullptr, "::1"), X509_V_OK);
}

TEST(TestCertificates, EachInvalidOneIsRejectedForItsReason) {
    const test_certificates made;
    const auto outcome = [&made](const identity& leaf) {
        return verify(made.authority(), leaf, "localhost", nullptr);
    };
    EXPECT_EQ(outcome(made.wrong_host()), X509_V_ERR_HOSTNAME_MISMATCH);
    EXPECT_EQ(verify(made.authority(), made.wrong_address(), nullptr, "127.0.0.1"),
              X509_V_ERR_IP_ADDRESS_MISMATCH);
    EXPECT_EQ(outcome(made.expired()), X509_V_ERR_CERT_HAS_EXPIRED);
    EXPECT_EQ(outcome(made.not_yet_valid()), X509_V_ERR_CERT_NOT_YET_VALID);
    EXPECT_EQ(outcome(made.self_signed()), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    EXPECT_EQ(outcome(made.unknown_authority()), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    EXPECT_EQ(outcome(made.client_only()), X509_V_ERR_INVALID_PURPOSE);
    const int flagless = verify(made.flagless_authority(),
                                made.signed_by_flagless_authority(),
                                "localhost",
                                nullptr);
    EXPECT_EQ(flagless, X509_V_ERR_INVALID_CA);
}

TEST(TestCertificates, EveryIdentityHasItsOwnKeyAndSerial) {
    const test_certificates made;
    const identity one = made.good();
    const identity other = made.good();
    EXPECT_NE(one.certificate_pem, other.certificate_pem);
    EXPECT_NE(one.private_key_pem, other.private_key_pem);
    EXPECT_NE(one.private_key_pem.find("PRIVATE KEY"), std::string::npos);
}

} // namespace
} // namespace kallglot::test
