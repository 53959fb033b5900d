// A client engine against a server engine, byte by byte, without sockets.

#include "net/tls/tls_engine.hpp"

#include "tls_pair.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace kallglot::test {

namespace {

const std::string request_text =
    "GET /v1/sessions/sess_0123456789abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\n"
    "Authorization: Bearer kg_live_0123456789abcdefghijklmnop\r\n\r\n";

void limit_to(const tls_context& context, int version) {
    SSL_CTX_set_min_proto_version(context.native(), version);
    SSL_CTX_set_max_proto_version(context.native(), version);
}

// The second byte of a record's version: the only byte that receivers must ignore.
bool is_minor_version(const std::string& flight, std::size_t offset) {
    std::size_t start = 0;
    while (start + 5 <= offset) {
        const auto high = static_cast<unsigned char>(flight[start + 3]);
        const auto low = static_cast<unsigned char>(flight[start + 4]);
        start += 5 + high * 256U + low;
    }
    return offset == start + 2;
}

} // namespace

/// Tests that run with both versions of TLS.
class TlsEngine : public ::testing::TestWithParam<int> {
protected:
    TlsEngine() { limit_to(server_, GetParam()); }

    void establish(tls_pair& pair, std::size_t piece = 1 << 20) {
        pair.shake_hands(piece);
        ASSERT_TRUE(pair.established()) << pair.client->reason() << pair.server->reason();
    }

    tls_setup setup_;
    tls_context server_ = setup_.server(setup_.certificates.good());
    tls_context client_ = setup_.client();
};

INSTANTIATE_TEST_SUITE_P(Versions,
                         TlsEngine,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                             return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsEngine, CompletesAHandshakeByteByByte) {
    tls_pair pair(client_, server_);
    establish(pair, 1);
    EXPECT_TRUE(pair.client->established());
    EXPECT_TRUE(pair.server->established());
    EXPECT_FALSE(pair.client->resumed());
    EXPECT_EQ(pair.client->version(), GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_GT(pair.client->peer_not_after(), 1'700'000'000);
    EXPECT_FALSE(pair.client->error());
}

TEST_P(TlsEngine, CarriesTextSplitAtEveryOffset) {
    tls_pair pair(client_, server_);
    establish(pair);
    std::string nothing;
    pair.read(*pair.client, pair.to_client, nothing);

    std::string wire;
    ASSERT_EQ(pair.client->write(request_text, wire), tls_status::done);
    const std::size_t size = wire.size();
    for (std::size_t cut = 0; cut <= size; ++cut) {
        if (cut != 0) {
            wire.clear();
            ASSERT_EQ(pair.client->write(request_text, wire), tls_status::done);
        }
        std::string first = wire.substr(0, cut);
        std::string second = wire.substr(cut);
        std::string text = pair.read(*pair.server, first, nothing);
        EXPECT_EQ(pair.last, tls_status::want_input);
        text += pair.read(*pair.server, second, nothing);
        ASSERT_EQ(text, request_text) << "cut at " << cut;
    }
    EXPECT_TRUE(nothing.empty());
}

TEST_P(TlsEngine, CarriesManyRecordsAtOnce) {
    tls_pair pair(client_, server_);
    establish(pair);
    std::string body(100'000, 'b');
    std::string nothing;
    ASSERT_EQ(pair.server->write(body, pair.to_client), tls_status::done);
    EXPECT_EQ(pair.read(*pair.client, pair.to_client, nothing), body);
    ASSERT_EQ(pair.server->write(body, pair.to_client), tls_status::done);
    EXPECT_EQ(pair.read(*pair.client, pair.to_client, nothing, 7), body);
}

TEST_P(TlsEngine, LeavesUnusedInputToTheCaller) {
    tls_pair pair(client_, server_);
    establish(pair);
    std::string nothing;
    pair.read(*pair.client, pair.to_client, nothing);
    ASSERT_EQ(pair.server->write("the first record", pair.to_client), tls_status::done);
    const std::size_t first = pair.to_client.size();
    ASSERT_EQ(pair.server->write("the second record", pair.to_client), tls_status::done);

    std::span<const char> input(pair.to_client);
    std::array<char, 100> plain{};
    const auto got = pair.client->read(input, plain, nothing);
    EXPECT_EQ(got.status, tls_status::done);
    EXPECT_EQ(got.size, 16U);
    EXPECT_EQ(input.size(), pair.to_client.size() - first);
}

TEST_P(TlsEngine, RefusesAlteredRecords) {
    for (const std::size_t offset : {0U, 3U, 5U, 20U, 60U}) {
        tls_pair pair(client_, server_);
        establish(pair);
        std::string out;
        pair.read(*pair.client, pair.to_client, out);
        ASSERT_EQ(pair.server->write(request_text, pair.to_client), tls_status::done);
        pair.to_client[offset] = static_cast<char>(pair.to_client[offset] ^ 0x55);

        const std::string text = pair.read(*pair.client, pair.to_client, out);

        // A record whose length field grew only waits for more bytes.
        EXPECT_TRUE(text.empty());
        if (pair.last != tls_status::want_input) {
            EXPECT_EQ(pair.last, tls_status::failed) << offset;
            EXPECT_EQ(pair.client->error(), errc::tls_failed);
            EXPECT_FALSE(pair.client->reason().empty());
            EXPECT_FALSE(out.empty()) << "the alert must go to the peer";
        }
    }
}

TEST_P(TlsEngine, SeesCloseNotify) {
    tls_pair pair(client_, server_);
    establish(pair);
    std::string nothing;
    ASSERT_EQ(pair.server->write("last words", pair.to_client), tls_status::done);
    pair.server->close(pair.to_client);
    EXPECT_EQ(pair.read(*pair.client, pair.to_client, nothing), "last words");
    EXPECT_EQ(pair.last, tls_status::closed);
    EXPECT_FALSE(pair.client->error());
}

TEST_P(TlsEngine, ResumesAfterAnyOrderlyEnd) {
    for (const bool with_close_notify : {true, false}) {
        const tls_context client = setup_.client();
        tls_pair first(client, server_);
        establish(first);
        std::string nothing;
        first.read(*first.client, first.to_client, nothing);
        if (with_close_notify) {
            first.client->close(nothing);
        }
        first.client.reset();
        EXPECT_GE(client.resumable_sessions(), 1U);

        for (int i = 0; i < 3; ++i) {
            tls_pair next(client, server_);
            establish(next);
            EXPECT_TRUE(next.client->resumed());
            EXPECT_TRUE(next.server->resumed());
            EXPECT_GT(next.client->peer_not_after(), 1'700'000'000);
        }
    }
}

TEST_P(TlsEngine, DropsTheSessionOfAFailedHandshake) {
    tls_pair first(client_, server_);
    establish(first);
    std::string nothing;
    first.read(*first.client, first.to_client, nothing);
    const std::size_t kept = client_.resumable_sessions();
    ASSERT_GE(kept, 1U);
    for (std::size_t left = kept; left > 0; --left) {
        tls_pair pair(client_, server_);
        std::span<const char> input;
        std::string hello;
        ASSERT_EQ(pair.client->handshake(input, hello), tls_status::want_input);
        EXPECT_EQ(client_.resumable_sessions(), left) << "the handshake has not failed yet";
        // A fatal alert, as a server sends it for a binder or a ticket that it rejects.
        const std::string alert("\x15\x03\x03\x00\x02\x02\x33", 7);
        input = alert;
        EXPECT_EQ(pair.client->handshake(input, hello), tls_status::failed);
        EXPECT_EQ(client_.resumable_sessions(), left - 1);
    }
    // A handshake without any response says nothing about the session.
    {
        tls_pair pair(client_, server_);
        establish(pair);
        EXPECT_FALSE(pair.client->resumed());
        pair.read(*pair.client, pair.to_client, nothing);
    }
    const std::size_t again_kept = client_.resumable_sessions();
    ASSERT_GE(again_kept, 1U);
    {
        const tls_engine unanswered(client_);
    }
    EXPECT_EQ(client_.resumable_sessions(), again_kept);
}

TEST_P(TlsEngine, ReportsAnIncompleteRecord) {
    tls_pair pair(client_, server_);
    establish(pair);
    std::string out;
    pair.read(*pair.client, pair.to_client, out);
    EXPECT_FALSE(pair.client->holds_input());
    ASSERT_EQ(pair.server->write("an answer", pair.to_client), tls_status::done);
    std::string rest = pair.to_client.substr(3);
    pair.to_client.resize(3);
    EXPECT_EQ(pair.read(*pair.client, pair.to_client, out), "");
    EXPECT_TRUE(pair.client->holds_input());
    EXPECT_EQ(pair.read(*pair.client, rest, out), "an answer");
    EXPECT_FALSE(pair.client->holds_input());
}

TEST_P(TlsEngine, KeepsEightSessionsAtMost) {
    for (int i = 0; i < 12; ++i) {
        tls_pair pair(client_, server_);
        establish(pair);
        std::string nothing;
        pair.read(*pair.client, pair.to_client, nothing);
    }
    EXPECT_LE(client_.resumable_sessions(), 8U);
    EXPECT_GE(client_.resumable_sessions(), 1U);
}

TEST_P(TlsEngine, ResumesNoSessionOfAnotherContext) {
    tls_pair first(client_, server_);
    establish(first);
    std::string nothing;
    first.read(*first.client, first.to_client, nothing);

    const tls_context other = setup_.client();
    tls_pair second(other, server_);
    establish(second);
    EXPECT_FALSE(second.client->resumed());
}

TEST_P(TlsEngine, FailsWithAnyAlteredByteOfTheHandshake) {
    // Alters each byte of the server's flight in turn: the handshake must never complete.
    tls_pair sample(client_, server_);
    std::span<const char> none;
    std::string hello;
    static_cast<void>(sample.client->handshake(none, hello));
    std::size_t size = 1;
    for (std::size_t offset = 0; offset < size; offset += offset < 8 ? 1 : 61) {
        tls_pair pair(client_, server_);
        std::string to_server;
        std::string to_client;
        ASSERT_EQ(pair.client->handshake(none, to_server), tls_status::want_input);
        std::span<const char> first(to_server);
        ASSERT_EQ(pair.server->handshake(first, to_client), tls_status::want_input);
        size = to_client.size();
        if (is_minor_version(to_client, offset)) {
            continue;
        }
        to_client[offset] = static_cast<char>(to_client[offset] ^ 0x41);
        std::span<const char> second(to_client);
        std::string reply;
        tls_status status = pair.client->handshake(second, reply);
        if (status == tls_status::want_input) {
            // TLS 1.2: the server notices first.
            std::span<const char> third(reply);
            std::string last;
            static_cast<void>(pair.server->handshake(third, last));
            std::span<const char> fourth(last);
            status = pair.client->handshake(fourth, reply);
        }
        EXPECT_NE(status, tls_status::done) << "offset " << offset;
    }
}

TEST(TlsEngine13, SurvivesAFloodOfKeyUpdates) {
    tls_setup setup;
    const tls_context server = setup.server(setup.certificates.good());
    const tls_context client = setup.client();
    tls_pair pair(client, server);
    pair.shake_hands();
    ASSERT_TRUE(pair.established());
    std::string reply;
    pair.read(*pair.client, pair.to_client, reply);
    ASSERT_TRUE(reply.empty());

    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(SSL_key_update(pair.server->native(), SSL_KEY_UPDATE_REQUESTED), 1);
        ASSERT_EQ(pair.server->write(request_text, pair.to_client), tls_status::done);
    }
    EXPECT_EQ(pair.read(*pair.client, pair.to_client, reply).size(), 1000 * request_text.size());
    EXPECT_EQ(pair.last, tls_status::want_input);

    // Reads produce the answers, so their output must be sent; the last answer comes with a write.
    EXPECT_FALSE(reply.empty());
    ASSERT_EQ(pair.client->write(request_text, reply), tls_status::done);
    std::string nothing;
    EXPECT_EQ(pair.read(*pair.server, reply, nothing), request_text);
}

TEST(TlsEngine12, RefusesRenegotiation) {
    tls_setup setup;
    const tls_context server = setup.server(setup.certificates.good());
    limit_to(server, TLS1_2_VERSION);
    const tls_context client = setup.client();
    tls_pair pair(client, server);
    pair.shake_hands();
    ASSERT_TRUE(pair.established());
    EXPECT_EQ(SSL_renegotiate(pair.client->native()), 0);
    EXPECT_EQ(SSL_renegotiate(pair.server->native()), 0);
}

TEST(TlsEngineErrors, IgnoresErrorsOfOtherConnections) {
    tls_setup setup;
    const tls_context server = setup.server(setup.certificates.good());
    const tls_context client = setup.client();
    tls_pair good(client, server);
    good.shake_hands();
    ASSERT_TRUE(good.established());

    // Meanwhile another connection fails.
    tls_pair bad(client, server);
    std::string garbage = "this is no TLS record at all";
    std::span<const char> input(garbage);
    std::string out;
    EXPECT_EQ(bad.client->handshake(input, out), tls_status::failed);

    ASSERT_EQ(good.server->write(request_text, good.to_client), tls_status::done);
    EXPECT_EQ(good.read(*good.client, good.to_client, out), request_text);
    EXPECT_FALSE(good.client->error());
}

} // namespace kallglot::test
