// Which servers a client accepts, and the reasons it gives for the others.

#include "tls_pair.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <functional>

namespace kallglot::test {

namespace {

struct bad_server {
    std::string name;
    std::function<identity(const test_certificates&)> shows;
    std::string host = "localhost";
    std::string reason;
};

std::vector<bad_server> bad_servers() {
    const auto wish = [](const std::string& dns) {
        certificate_wish wanted;
        wanted.common_name = "localhost";
        wanted.dns_names = {dns};
        wanted.addresses.clear();
        return [wanted](const test_certificates& all) {
            return all.authority().issue(wanted);
        };
    };
    return {
        {"WrongHost", &test_certificates::wrong_host, "localhost", "hostname mismatch"},
        {"WrongHostThoughTheCommonNameFits",
         wish("api.example.com"),
         "localhost",
         "hostname mismatch"},
        {"WrongAddress", &test_certificates::wrong_address, "127.0.0.1", "IP address mismatch"},
        {"NameInPlaceOfAnAddress", wish("localhost"), "127.0.0.1", "IP address mismatch"},
        {"PartOfALabelAsWildcard", wish("loc*"), "localhost", "hostname mismatch"},
        {"WildcardForTwoLabels", wish("*.example.com"), "a.b.example.com", "hostname mismatch"},
        {"Expired",
         &test_certificates::expired,
         "localhost",
         "the peer's certificate has expired, or the clock of this machine is wrong"},
        {"NotYetValid",
         &test_certificates::not_yet_valid,
         "localhost",
         "the peer's certificate is not yet valid, or the clock of this machine is wrong"},
        {"SelfSigned", &test_certificates::self_signed, "localhost", "self-signed certificate"},
        {"UnknownAuthority",
         &test_certificates::unknown_authority,
         "localhost",
         "unable to get local issuer certificate"},
        {"ForClientsOnly",
         &test_certificates::client_only,
         "localhost",
         "unsuitable certificate purpose"},
    };
}

} // namespace

class TlsVerification : public ::testing::TestWithParam<bad_server> {};

INSTANTIATE_TEST_SUITE_P(BadServers,
                         TlsVerification,
                         ::testing::ValuesIn(bad_servers()),
                         [](const auto& each) { return each.param.name; });

TEST_P(TlsVerification, RejectsTheServerWithAReason) {
    const tls_setup setup;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const tls_context server = setup.server(GetParam().shows(setup.certificates));
        SSL_CTX_set_max_proto_version(server.native(), version);
        const tls_context client = setup.client(GetParam().host);
        tls_pair pair(client, server);
        pair.shake_hands();
        EXPECT_EQ(pair.client_status, tls_status::failed);
        EXPECT_FALSE(pair.client->established());
        EXPECT_EQ(pair.client->error(), errc::certificate_rejected);
        EXPECT_EQ(pair.client->reason(), GetParam().reason);
        EXPECT_EQ(pair.server_status, tls_status::failed) << "the server is told by an alert";
    }
}

TEST(TlsTrust, RejectsAnAuthorityWithoutTheCaFlag) {
    const tls_setup setup;
    const tls_context server = setup.server(setup.certificates.signed_by_flagless_authority());
    const tls_context client =
        setup.client_trusting(setup.certificates.flagless_authority().certificate_pem());
    tls_pair pair(client, server);
    pair.shake_hands();
    EXPECT_EQ(pair.client->error(), errc::certificate_rejected);
    EXPECT_EQ(pair.client->reason(), "invalid CA certificate");
}

TEST(TlsTrust, AcceptsEveryNameOfTheCertificate) {
    const tls_setup setup;
    const tls_context server = setup.server(setup.certificates.good());
    for (const std::string host : {"localhost", "127.0.0.1", "::1"}) {
        const tls_context client = setup.client(host);
        tls_pair pair(client, server);
        pair.shake_hands();
        EXPECT_TRUE(pair.established()) << host << ": " << pair.client->reason();
        const char* const told =
            SSL_get_servername(pair.server->native(), TLSEXT_NAMETYPE_host_name);
        EXPECT_EQ(std::string(told != nullptr ? told : ""), host == "localhost" ? host : "")
            << "names are told, addresses are not";
    }
}

TEST(TlsTrust, TheSystemStoreRejectsTheTestAuthority) {
    const tls_setup setup;
    const tls_context server = setup.server(setup.certificates.good());
    tls_client_options options;
    options.host = "localhost";
    const tls_context client = tls_setup::take(tls_context::make_client(options));
    tls_pair pair(client, server);
    pair.shake_hands();
    EXPECT_EQ(pair.client->error(), errc::certificate_rejected);
}

TEST(TlsVersions, RejectsVersionsBelowTls12) {
    const tls_setup setup;
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        const tls_context server = setup.server(setup.certificates.good());
        SSL_CTX_set_min_proto_version(server.native(), version);
        SSL_CTX_set_max_proto_version(server.native(), version);
        SSL_CTX_set_cipher_list(server.native(), "ALL:@SECLEVEL=0");
        const tls_context client = setup.client();
        tls_pair pair(client, server);
        pair.shake_hands();
        EXPECT_EQ(pair.client->error(), errc::tls_failed);
        EXPECT_FALSE(pair.established());
    }
}

class TlsClientAuth : public ::testing::Test {
protected:
    // Whether the server accepts the client, which sends `certificate` unless it is empty.
    bool accepts(tls_client_auth auth, const std::optional<identity>& certificate) {
        tls_server_options options;
        options.client_auth = auth;
        options.client_ca_file =
            setup_.folder.file("clients.pem", setup_.certificates.authority().certificate_pem());
        const tls_context server = setup_.server(setup_.certificates.good(), options);
        tls_client_options mine;
        mine.host = "localhost";
        mine.ca_file =
            setup_.folder.file("ca.pem", setup_.certificates.authority().certificate_pem());
        if (certificate) {
            mine.client_cert_file = setup_.folder.file("client.pem", certificate->chain_pem);
            mine.client_key_file = setup_.folder.file("client.key", certificate->private_key_pem);
        }
        const tls_context client = tls_setup::take(tls_context::make_client(mine));
        tls_pair pair(client, server);
        pair.shake_hands();
        named_ = pair.server->peer_has_name("localhost");
        trusted_until_ = pair.server->peer_trusted_until();
        std::string nothing;
        pair.read(*pair.client, pair.to_client, nothing);
        resumable_ = client.resumable_sessions();
        return pair.server_status == tls_status::done;
    }

    tls_setup setup_;
    bool named_ = false;
    std::int64_t trusted_until_ = 0;
    std::size_t resumable_ = 0;
};

TEST_F(TlsClientAuth, FollowsTheFiveModes) {
    const identity good = setup_.certificates.client_only();
    const identity stranger = setup_.certificates.unknown_authority();
    EXPECT_TRUE(accepts(tls_client_auth::none, std::nullopt));
    EXPECT_TRUE(accepts(tls_client_auth::request, std::nullopt));
    EXPECT_TRUE(accepts(tls_client_auth::request, stranger));
    EXPECT_FALSE(accepts(tls_client_auth::require_any, std::nullopt));
    EXPECT_TRUE(accepts(tls_client_auth::require_any, stranger));
    EXPECT_TRUE(accepts(tls_client_auth::verify_if_given, std::nullopt));
    EXPECT_FALSE(accepts(tls_client_auth::verify_if_given, stranger));
    EXPECT_FALSE(accepts(tls_client_auth::require_and_verify, std::nullopt));
    EXPECT_FALSE(accepts(tls_client_auth::require_and_verify, stranger));
    EXPECT_TRUE(accepts(tls_client_auth::require_and_verify, good));
    EXPECT_TRUE(named_);
}

// A resumed session is not verified again, so it would outlive the client's certificate.
TEST_F(TlsClientAuth, OffersNoSessionToResume) {
    const identity good = setup_.certificates.client_only();
    EXPECT_TRUE(accepts(tls_client_auth::none, good));
    EXPECT_GE(resumable_, 1U);
    for (const auto auth : {tls_client_auth::request,
                            tls_client_auth::require_any,
                            tls_client_auth::verify_if_given,
                            tls_client_auth::require_and_verify}) {
        EXPECT_TRUE(accepts(auth, good));
        EXPECT_EQ(resumable_, 0U);
    }
}

TEST_F(TlsClientAuth, TrustsAVerifiedCertificateToItsEnd) {
    const identity good = setup_.certificates.client_only();
    EXPECT_TRUE(accepts(tls_client_auth::require_and_verify, good));
    EXPECT_GT(trusted_until_, 1'700'000'000);
    EXPECT_TRUE(accepts(tls_client_auth::require_any, good));
    EXPECT_EQ(trusted_until_, 0);
    EXPECT_TRUE(accepts(tls_client_auth::verify_if_given, std::nullopt));
    EXPECT_EQ(trusted_until_, 0);
}

} // namespace kallglot::test
