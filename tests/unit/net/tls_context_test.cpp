// Loading certificates and keys: errors name the file and the cause, and never quote the content.

#include "kallglot/net/tls/tls_context.hpp"

#include "tls_pair.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdlib>

namespace kallglot::test {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsContext : public ::testing::Test {
protected:
    tls_load_error server_error(const std::string& cert, const std::string& key) {
        tls_server_options options;
        options.cert_file = cert;
        options.key_file = key;
        const auto made = tls_context::make_server(options);
        EXPECT_FALSE(made.has_value());
        return made ? tls_load_error() : made.error();
    }

    temporary_folder folder_;
    test_certificates certificates_;
    identity good_ = certificates_.good();
    std::string cert_ = folder_.file("good.pem", good_.chain_pem);
    std::string key_ = folder_.file("good.key", good_.private_key_pem);
};

TEST_F(TlsContext, ReadsTheExpiryOfItsCertificate) {
    tls_server_options options;
    options.cert_file = cert_;
    options.key_file = key_;
    const auto made = tls_context::make_server(options);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_GT(made->certificate_not_after(), 1'700'000'000);
    EXPECT_FALSE(made->is_client());
}

TEST_F(TlsContext, NamesAMissingFile) {
    const std::string missing = (folder_.path() / "missing.pem").string();
    for (const tls_load_error& error :
         {server_error(missing, key_), server_error(cert_, missing)}) {
        EXPECT_EQ(error.message, "cannot read " + missing + ": No such file or directory");
        EXPECT_TRUE(error.unreadable);
    }
    tls_client_options options;
    options.ca_file = missing;
    const auto made = tls_context::make_client(options);
    ASSERT_FALSE(made.has_value());
    EXPECT_TRUE(made.error().unreadable);
}

TEST_F(TlsContext, NamesTheFaultOfAFile) {
    const std::string empty = folder_.file("empty.pem", "");
    EXPECT_EQ(server_error(empty, key_).message, empty + ": contains no certificate");
    EXPECT_FALSE(server_error(empty, key_).unreadable);

    const std::string cut = folder_.file("cut.pem", good_.chain_pem.substr(0, 200));
    EXPECT_THAT(server_error(cut, key_).message, HasSubstr(cut + ": invalid certificate"));

    std::string broken_text = good_.chain_pem;
    broken_text.insert(100, "!!!!");
    const std::string broken = folder_.file("broken.pem", good_.chain_pem + broken_text);
    EXPECT_THAT(server_error(broken, key_).message, HasSubstr(broken));

    const std::string other = folder_.file("other.key", certificates_.good().private_key_pem);
    EXPECT_EQ(server_error(cert_, other).message,
              other + ": does not match the certificate in " + cert_);
}

TEST_F(TlsContext, NeverQuotesAKey) {
    std::string damaged = good_.private_key_pem;
    damaged[damaged.size() / 2] = '#';
    const std::string path = folder_.file("damaged.key", damaged);
    const tls_load_error error = server_error(cert_, path);
    EXPECT_EQ(error.message, path + ": contains no unencrypted private key in PEM form");
}

TEST_F(TlsContext, DoesNotAskForAPassword) {
    const std::string path = folder_.file("locked.key",
                                          "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                          "MIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n"
                                          "-----END ENCRYPTED PRIVATE KEY-----\n");
    EXPECT_THAT(server_error(cert_, path).message, HasSubstr("no unencrypted private key"));
}

TEST_F(TlsContext, RejectsUnknownCiphersCurvesAndVersions) {
    tls_server_options options;
    options.cert_file = cert_;
    options.key_file = key_;
    options.ciphers = "NO_SUCH_CIPHER";
    EXPECT_FALSE(tls_context::make_server(options).has_value());
    options.ciphers.clear();
    options.groups = "no-such-curve";
    EXPECT_FALSE(tls_context::make_server(options).has_value());
    options.groups = "X25519:P-256";
    EXPECT_TRUE(tls_context::make_server(options).has_value());
    options.min_version = tls_version::tls_1_3;
    options.max_version = tls_version::tls_1_2;
    EXPECT_FALSE(tls_context::make_server(options).has_value());
}

TEST_F(TlsContext, HasNoKeyLogAndNoWeakOptions) {
    tls_server_options options;
    options.cert_file = cert_;
    options.key_file = key_;
    const auto made = tls_context::make_server(options);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(SSL_CTX_get_keylog_callback(made->native()), nullptr);
    const auto set = SSL_CTX_get_options(made->native());
    for (const auto expected :
         {SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_COMPRESSION, SSL_OP_CLEANSE_PLAINTEXT}) {
        EXPECT_NE(set & expected, 0U);
    }
}

} // namespace kallglot::test
