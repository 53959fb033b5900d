// Which servers the client trusts, and that no other server receives a byte of the key.

#include "client_fixture.hpp"

#include <boost/asio/write.hpp>

#include <openssl/ssl.h>

#include <functional>

namespace kallglot::test {

namespace {

const std::string id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";

struct bad_server {
    std::string name;
    std::function<identity(const test_certificates&)> shows;
    std::string host;
    std::string reason;
};

} // namespace

class HttpsClientTrust : public HttpsClient, public ::testing::WithParamInterface<bad_server> {};

INSTANTIATE_TEST_SUITE_P(
    BadServers,
    HttpsClientTrust,
    ::testing::Values(
        bad_server{"WrongHost", &test_certificates::wrong_host, "localhost", "hostname mismatch"},
        bad_server{"WrongAddress",
                   &test_certificates::wrong_address,
                   "127.0.0.1",
                   "IP address mismatch"},
        bad_server{"Expired",
                   &test_certificates::expired,
                   "localhost",
                   "the peer's certificate has expired, or the clock of this machine is wrong"},
        bad_server{
            "NotYetValid",
            &test_certificates::not_yet_valid,
            "localhost",
            "the peer's certificate is not yet valid, or the clock of this machine is wrong"},
        bad_server{"SelfSigned",
                   &test_certificates::self_signed,
                   "localhost",
                   "self-signed certificate"},
        bad_server{"UnknownAuthority",
                   &test_certificates::unknown_authority,
                   "localhost",
                   "unable to get local issuer certificate"},
        bad_server{"FlaglessAuthority",
                   &test_certificates::signed_by_flagless_authority,
                   "localhost",
                   "unable to get local issuer certificate"},
        bad_server{"ForClientsOnly",
                   &test_certificates::client_only,
                   "localhost",
                   "unsuitable certificate purpose"}),
    [](const auto& each) { return each.param.name; });

TEST_P(HttpsClientTrust, GivesABadServerNoByteOfTheKey) {
    serve_as(GetParam().shows(certificates_), {always_good()});
    start_client(GetParam().host);
    for (int i = 0; i < 3; ++i) {
        const api_answer& got = ask_and_wait(id);
        EXPECT_EQ(got.error, errc::certificate_rejected) << got.error.message();
        EXPECT_EQ(got.detail, GetParam().reason);
        EXPECT_EQ(got.sent, no_time);
        EXPECT_EQ(got.http_status, 0);
    }
    EXPECT_EQ(client_->connections().tls_handshakes_total, 0U);
    const auto told = [&] {
        return server_->connections().size() == 3 && !server_->connections().back().failure.empty();
    };
    EXPECT_TRUE(loop_.run_until(told)) << "the server hears of it by an alert";
    EXPECT_EQ(server_->plaintext(), 0U);
}

TEST_F(HttpsClient, RefusesAServerOfTls11) {
    tls_context old = server_tls(certificates_.good());
    SSL_CTX_set_min_proto_version(old.native(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(old.native(), TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(old.native(), "ALL:@SECLEVEL=0");
    serve_with(old, {always_good()});
    start_client();
    const api_answer& got = ask_and_wait(id);
    EXPECT_EQ(got.error, errc::tls_failed);
    EXPECT_FALSE(got.detail.empty());
    EXPECT_EQ(server_->plaintext(), 0U);
}

TEST_F(HttpsClient, SpeaksTls12) {
    tls_context plain = server_tls(certificates_.good());
    SSL_CTX_set_max_proto_version(plain.native(), TLS1_2_VERSION);
    serve_with(plain, {always_good()});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_GT(client_->connections().certificate_not_after, 1'700'000'000);
}

TEST_F(HttpsClient, ResumesTheSessionWhenItReconnects) {
    const script once{.steps = {{step::kind::request}, good_answer("Connection: close\r\n")}};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        tls_context tls = server_tls(certificates_.good());
        SSL_CTX_set_max_proto_version(tls.native(), version);
        serve_with(tls, {once});
        trust_.reset();
        start_client("localhost");
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(ask_and_wait(id).http_status, 200);
        }
        EXPECT_EQ(client_->connections().tls_handshakes_total, 5U);
        EXPECT_EQ(client_->connections().tls_resumptions_total, 4U);
        finish();
        answers_.clear();
        next_slot_ = 0;
    }
}

TEST_F(HttpsClient, DropsTheSessionOfAStalledHandshake) {
    settings_.connect_timeout = seconds(1);
    const script once{.steps = {{step::kind::request}, good_answer("Connection: close\r\n")}};
    serve({once, {.steps = {}, .stall_handshake = true}});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    const std::size_t kept = trust_->resumable_sessions();
    ASSERT_GE(kept, 1U);
    EXPECT_EQ(ask_and_wait(id).error, errc::handshake_timeout);
    EXPECT_EQ(trust_->resumable_sessions(), kept - 1);
}

TEST_F(HttpsClient, ResumesAfterAConnectionThatJustBroke) {
    serve({{.steps =
                {{step::kind::request}, good_answer(), {step::kind::request}, {step::kind::reset}}},
           always_good()});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(ask_and_wait(id).error, errc::reused_connection_closed);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(client_->connections().tls_resumptions_total, 1U);
}

TEST_F(HttpsClient, AChangeOfTrustEndsTheOldConnectionsAfterTheirExchange) {
    serve({always_good()});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);

    // The new authority did not sign the server, so no old connection may continue.
    const certificate_authority other("another authority altogether");
    tls_client_options options;
    options.host = "localhost";
    options.ca_file = folder_.file("other.pem", other.certificate_pem());
    const auto trust = tls_context::make_client(options);
    ASSERT_TRUE(trust.has_value());
    ask(id);
    ASSERT_TRUE(client_->configure(settings_, *trust, secret(api_key), "kallglot_exporter/test"));
    EXPECT_EQ(answer(2).http_status, 200) << "what is in flight finishes";
    EXPECT_EQ(ask_and_wait(id).error, errc::certificate_rejected);
}

TEST_F(HttpsClient, ANewKeyNeedsNoNewConnection) {
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_FALSE(client_->use_key(secret("two words")));
    EXPECT_TRUE(client_->use_key(secret("kg_live_the_second_key_0123456789abcdef")));
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    ASSERT_EQ(server_->connections().size(), 1U);
    const auto& requests = server_->connections().front().requests;
    EXPECT_NE(requests.at(0).find(api_key), std::string::npos);
    EXPECT_EQ(requests.at(1).find(api_key), std::string::npos);
    EXPECT_NE(requests.at(1).find("Bearer kg_live_the_second_key_0123456789abcdef\r\n"),
              std::string::npos);
}

TEST_F(HttpsClient, SendsItsOwnCertificate) {
    tls_server_options options;
    const identity mine = certificates_.good();
    options.cert_file = folder_.file("s.pem", mine.chain_pem);
    options.key_file = folder_.file("s.key", mine.private_key_pem);
    options.client_ca_file = folder_.file("ca2.pem", certificates_.authority().certificate_pem());
    options.client_auth = tls_client_auth::require_and_verify;
    const auto server = tls_context::make_server(options);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    serve_with(*server, {always_good()});

    const identity client = certificates_.client_only();
    tls_client_options ours;
    ours.host = "localhost";
    ours.ca_file = options.client_ca_file;
    ours.client_cert_file = folder_.file("c.pem", client.chain_pem);
    ours.client_key_file = folder_.file("c.key", client.private_key_pem);
    const auto trust = tls_context::make_client(ours);
    ASSERT_TRUE(trust.has_value()) << trust.error().message;
    trust_ = *trust;
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    finish();

    // Without the certificate, a TLS 1.3 server completes the handshake and rejects the client afterwards.
    answers_.clear();
    next_slot_ = 0;
    trust_.reset();
    serve_with(*server, {always_good()});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).error, errc::tls_failed);
}

} // namespace kallglot::test
