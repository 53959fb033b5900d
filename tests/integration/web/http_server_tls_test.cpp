// The server over TLS: requests, large responses, changes of certificate, and clients that do not speak TLS.

#include "kallglot/net/tls/tls_context.hpp"
#include "net/tls/tls_engine.hpp"
#include "server_fixture.hpp"
#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

class HttpServerTls : public test::server_fixture {
protected:
    tls_context identity(std::string_view name) {
        const test::identity made = authority_.issue(test::certificate_wish{});
        tls_server_options options;
        options.cert_file = folder_.file(std::string(name) + ".pem", made.certificate_pem);
        options.key_file = folder_.file(std::string(name) + ".key", made.private_key_pem);
        return *tls_context::make_server(options);
    }

    tls_context trust() {
        tls_client_options options;
        options.host = "localhost";
        options.ca_file = folder_.file("ca.pem", authority_.certificate_pem());
        return *tls_context::make_client(options);
    }

    void start_tls() {
        start();
        server_->on_handshake_failure(
            [this](std::string_view reason) { failures_.emplace_back(reason); });
        server_->use_tls(identity("first"));
    }

    test::temporary_folder folder_;
    test::certificate_authority authority_{"authority of the test"};
    std::vector<std::string> failures_;
};

/// TLS on top of a raw client, in pieces of at most `piece` bytes.
class tls_client {
public:
    tls_client(test::raw_client& raw, const tls_context& trust, std::size_t piece = 1 << 20)
        : raw_(raw),
          engine_(trust),
          piece_(piece) {}

    testing::AssertionResult handshake() {
        tls_status status = tls_status::want_input;
        while (status == tls_status::want_input) {
            std::string output;
            std::span<const char> input = unread();
            status = engine_.handshake(input, output);
            taken_ = raw_.text().size() - input.size();
            send(output);
            if (status == tls_status::want_input && !raw_.read_beyond(taken_)) {
                return testing::AssertionFailure() << "nothing came";
            }
            if (status == tls_status::want_input && raw_.closed() && unread().empty()) {
                return testing::AssertionFailure() << "closed in the handshake";
            }
        }
        return status == tls_status::done
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure() << std::string(engine_.reason());
    }

    void ask(std::string_view request) {
        std::string output;
        ASSERT_EQ(engine_.write(request, output), tls_status::done);
        send(output);
    }

    /// Reads plaintext until there are `size` bytes, or the stream ends.
    std::string read(std::size_t size) {
        std::string text;
        std::array<char, 16'384> into;
        while (text.size() < size) {
            std::string output;
            std::span<const char> input = unread();
            const tls_engine::read_result got = engine_.read(input, into, output);
            taken_ = raw_.text().size() - input.size();
            text.append(into.data(), got.size);
            if (got.status == tls_status::closed) {
                ended_well_ = true;
                return text;
            }
            const bool more = got.status == tls_status::done
                              || (got.status == tls_status::want_input && raw_.read_beyond(taken_)
                                  && raw_.text().size() > taken_);
            if (!more) {
                return text;
            }
        }
        return text;
    }

    [[nodiscard]] bool ended_well() const { return ended_well_; }

private:
    [[nodiscard]] std::span<const char> unread() const {
        return std::span<const char>(raw_.text()).subspan(taken_);
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            raw_.send(bytes.substr(0, piece_));
            bytes.remove_prefix(std::min(piece_, bytes.size()));
        }
    }

    test::raw_client& raw_;
    tls_engine engine_;
    std::size_t piece_;
    std::size_t taken_ = 0;
    bool ended_well_ = false;
};

constexpr std::string_view hello = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view last_hello = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTls, AnswersSeveralRequestsOnOneConnection) {
    start_tls();
    tls_client client(connect(), trust());
    ASSERT_TRUE(client.handshake());
    for (int i = 0; i < 3; ++i) {
        client.ask(hello);
        std::string answer;
        for (std::string more = client.read(1); !more.empty(); more = client.read(1)) {
            answer += more;
            if (answer.ends_with("thirty-two bytes\n")) {
                break;
            }
        }
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        EXPECT_TRUE(answer.ends_with("thirty-two bytes\n"));
    }
    client.ask(last_hello);
    EXPECT_NE(client.read(1 << 20).find("hello, this is a page"), std::string::npos);
    EXPECT_TRUE(client.ended_well());
}

TEST_F(HttpServerTls, ReadsHandshakeAndRequestByteByByte) {
    start_tls();
    tls_client client(connect(), trust(), 1);
    ASSERT_TRUE(client.handshake());
    client.ask(last_hello);
    EXPECT_NE(client.read(1 << 20).find("hello, this is a page"), std::string::npos);
}

TEST_F(HttpServerTls, SendsALargeResponseWhole) {
    large_.assign(std::size_t{1} << 20, 'L');
    large_ += "the end";
    start_tls();
    tls_client client(connect(), trust());
    ASSERT_TRUE(client.handshake());
    client.ask("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string answer = client.read(std::size_t{2} << 20);
    EXPECT_TRUE(answer.ends_with("Lthe end"));
    EXPECT_GT(answer.size(), large_.size());
    EXPECT_TRUE(client.ended_well());
}

TEST_F(HttpServerTls, UsesANewCertificateForNewConnections) {
    start_tls();
    tls_client old(connect(), trust());
    ASSERT_TRUE(old.handshake());
    server_->use_tls(identity("second"));
    tls_client fresh(connect(), trust());
    ASSERT_TRUE(fresh.handshake());
    for (tls_client* client : {&old, &fresh}) {
        client->ask(last_hello);
        EXPECT_NE(client->read(1 << 20).find("hello, this is a page"), std::string::npos);
    }
}

TEST_F(HttpServerTls, TellsAPlainClientToUseHttps) {
    start_tls();
    const std::string got = exchange(hello);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_TRUE(got.ends_with("\r\n\r\nthis port speaks HTTPS\n"));
    EXPECT_EQ(got.find("hello, this"), std::string::npos);
    EXPECT_EQ(failures_, std::vector<std::string>{"plain HTTP to a TLS port"});
}

TEST_F(HttpServerTls, CountsFailedHandshakes) {
    start_tls();
    static_cast<void>(exchange("\x16\x7f\x7f\x7f\x7f, this is no record of TLS"));
    EXPECT_EQ(failures_.size(), 1U);
    // A client that does not trust our certificate says so.
    tls_client_options stranger;
    stranger.host = "localhost";
    stranger.ca_file =
        folder_.file("other.pem", test::certificate_authority("other").certificate_pem());
    EXPECT_FALSE(tls_client(connect(), *tls_context::make_client(stranger)).handshake());
    settle();
    EXPECT_EQ(failures_.size(), 2U);
    test::raw_client& half = connect();
    half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    half.close();
    settle();
    ASSERT_EQ(failures_.size(), 3U);
    EXPECT_EQ(failures_.back(), "closed by the client");
}

TEST_F(HttpServerTls, DoesNotCountClientsThatSayNothing) {
    start_tls();
    connect().close();
    settle();
    static_cast<void>(connect());
    settle();
    clock_.advance(limits_.request_timeout + 1s);
    settle();
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_EQ(failures_, std::vector<std::string>{});
}

TEST_F(HttpServerTls, CountsTlsToAPlainPort) {
    start_tls();
    server_->use_tls(std::nullopt);
    EXPECT_FALSE(tls_client(connect(), trust()).handshake());
    EXPECT_EQ(failures_, std::vector<std::string>{"TLS to a plain port"});
}

TEST_F(HttpServerTls, ClosesAConnectionWhoseCertificateHasEnded) {
    start();
    const test::identity made = authority_.issue(test::certificate_wish{});
    tls_server_options options;
    options.cert_file = folder_.file("server.pem", made.certificate_pem);
    options.key_file = folder_.file("server.key", made.private_key_pem);
    options.client_ca_file = folder_.file("client_ca.pem", authority_.certificate_pem());
    options.client_auth = tls_client_auth::require_and_verify;
    server_->use_tls(*tls_context::make_server(options));

    test::certificate_wish wish;
    wish.purpose = test::key_purpose::client;
    const test::identity client_identity = authority_.issue(wish);
    tls_client_options trusting;
    trusting.host = "localhost";
    trusting.ca_file = folder_.file("ca.pem", authority_.certificate_pem());
    trusting.client_cert_file = folder_.file("client.pem", client_identity.certificate_pem);
    trusting.client_key_file = folder_.file("client.key", client_identity.private_key_pem);
    tls_client client(connect(), *tls_context::make_client(trusting));
    ASSERT_TRUE(client.handshake());
    const auto end = std::chrono::duration_cast<milliseconds>(wish.not_after.time_since_epoch());
    clock_.jump_wall(end - clock_.wall_now().time_since_epoch() - 1min);
    client.ask(hello);
    EXPECT_TRUE(client.read(1).starts_with("H"));
    clock_.jump_wall(2min);
    client.ask(hello);
    EXPECT_EQ(client.read(1 << 20).find("HTTP/1.1", 1), std::string::npos);
    EXPECT_TRUE(client.ended_well());
}

TEST_F(HttpServerTls, ClosesAClientWithoutACompleteHandshake) {
    start_tls();
    test::raw_client& silent = connect();
    test::raw_client& half = connect();
    half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    settle();
    clock_.advance(limits_.request_timeout + 1s);
    EXPECT_TRUE(silent.read_to_end());
    EXPECT_TRUE(half.read_to_end());
    EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpServerTls, KeepsADeadlineThatMeetsHalfARecord) {
    start_tls();
    test::raw_client& client = connect();
    settle();
    // The read and the deadline end in the same turn of the loop, so there is no operation to cancel.
    client.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    asio::post(loop_.executor(), [&] { clock_.advance(limits_.request_timeout + 1s); });
    settle();
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpServerTls, IsCutDuringALargeResponse) {
    start_tls();
    test::raw_client& raw = connect(4096);
    tls_client client(raw, trust());
    ASSERT_TRUE(client.handshake());
    client.ask("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    settle();
    cut();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_TRUE(raw.read_to_end());
}

} // namespace
} // namespace kallglot
