// Host names with several addresses; addresses and a DNS that do not answer; a lack of descriptors.

#include "client_fixture.hpp"

#include <boost/asio/ip/address.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>

namespace kallglot::test {

namespace {

const std::string id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";

using found = result<std::vector<tcp_endpoint>>;

tcp_endpoint loopback(const char* address, std::uint16_t port) {
    return {asio::ip::make_address(address), port};
}

// A listener with a full queue: a connect neither succeeds nor fails, as with an address that drops packets.
class black_hole {
public:
    explicit black_hole(asio::io_context& context)
        : listener_(context),
          first_(context),
          second_(context) {
        const tcp_endpoint any = loopback("127.0.0.1", 0);
        listener_.open(any.protocol());
        listener_.bind(any);
        ::listen(listener_.native_handle(), 0);
        address_ = listener_.local_endpoint();
        for (tcp_socket* const each : {&first_, &second_}) {
            each->open(any.protocol());
            each->non_blocking(true);
            // Asio's own connect would wait for the outcome.
            EXPECT_LT(::connect(each->native_handle(),
                                address_.data(),
                                static_cast<socklen_t>(address_.size())),
                      0);
        }
    }

    [[nodiscard]] tcp_endpoint address() const { return address_; }

private:
    tcp_acceptor listener_;
    tcp_socket first_;
    tcp_socket second_;
    tcp_endpoint address_;
};

} // namespace

TEST_F(HttpsClient, LooksNamesUp) {
    serve({always_good()});
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, TriesTheNextAddressWhenOneRefuses) {
    serve({always_good()});
    const std::uint16_t port = server_->port();
    lookup_ = [port](const std::string&, std::uint16_t) -> found {
        return std::vector{loopback("127.0.0.7", port), loopback("127.0.0.1", port)};
    };
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_LT(answers_.back().received - answers_.back().sent, seconds(30));
}

TEST_F(HttpsClient, TriesTheNextAddressWhenOneIsSilent) {
    const black_hole silent(loop_.context());
    serve({always_good()});
    const std::uint16_t port = server_->port();
    lookup_ = [&silent, port](const std::string&, std::uint16_t) -> found {
        return std::vector{silent.address(), loopback("127.0.0.1", port)};
    };
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, LeavesAnAddressThatAloneReturnsErrors) {
    serve({always_good()});
    const script bad{
        .steps = {{step::kind::request},
                  {step::kind::send,
                   response("HTTP/1.1 500 Internal Server Error", "Content-Length: 2\r\n", "no")}},
        .repeat = true};
    scripted_server other(loop_.executor(), server_tls(certificates_.good()), {bad});
    const std::uint16_t port = server_->port();
    const std::uint16_t other_port = other.port();
    lookup_ = [port, other_port](const std::string&, std::uint16_t) -> found {
        return std::vector{loopback("127.0.0.1", port), loopback("127.0.0.1", other_port)};
    };
    start_client("localhost");
    std::size_t failed = 0;
    for (std::size_t round = 0; round < 40; ++round) {
        // Two at a time, so that both addresses are used.
        ask(id);
        ask(id);
        static_cast<void>(answer(2 * round + 2));
        for (std::size_t last = 2 * round; last < 2 * round + 2; ++last) {
            failed += answers_[last].http_status == 200 ? 0 : 1;
            EXPECT_TRUE(round < 10 || answers_[last].http_status == 200) << round;
        }
    }
    EXPECT_GE(failed, 5U);
    EXPECT_EQ(other.requests(), failed);
    finish();
    other.stop();
    EXPECT_TRUE(loop_.run_until([&] { return other.finished(); }));
}

TEST_F(HttpsClient, AvoidsAnAddressWithoutHandshakes) {
    serve({always_good()});
    settings_.connect_timeout = milliseconds(500);
    scripted_server other(loop_.executor(),
                          server_tls(certificates_.good()),
                          {script{.steps = {}, .stall_handshake = true, .repeat = true}});
    const std::uint16_t port = server_->port();
    const std::uint16_t other_port = other.port();
    lookup_ = [port, other_port](const std::string&, std::uint16_t) -> found {
        return std::vector{loopback("127.0.0.1", other_port), loopback("127.0.0.1", port)};
    };
    start_client("localhost");
    int failed = 0;
    for (int round = 0; round < 8; ++round) {
        failed += ask_and_wait(id, true).error ? 1 : 0;
    }
    EXPECT_EQ(failed, 1);
    finish();
    other.stop();
    EXPECT_TRUE(loop_.run_until([&] { return other.finished(); }));
}

TEST_F(HttpsClient, ASilentAddressEndsAtTheConnectTimeout) {
    const black_hole silent(loop_.context());
    settings_.connect_timeout = milliseconds(50);
    lookup_ = [&silent](const std::string&, std::uint16_t) -> found {
        return std::vector{silent.address()};
    };
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).error, errc::connect_timeout);
}

TEST_F(HttpsClient, ANameWithoutAddressFailsAllWaitingRequests) {
    lookup_ = [](const std::string&, std::uint16_t) -> found {
        return errc::name_not_resolved;
    };
    start_client("no-such-name.invalid");
    ask(id);
    ask(id);
    EXPECT_EQ(answer(2).error, errc::name_not_resolved);
    EXPECT_EQ(answers_[0].error, errc::name_not_resolved);
}

TEST_F(HttpsClient, PlainHttpIsSentToLoopbackAddressesOnly) {
    serve_with(std::nullopt, {always_good()});
    const std::uint16_t port = server_->port();
    lookup_ = [port](const std::string&, std::uint16_t) -> found {
        return std::vector{loopback("192.0.2.1", port), loopback("127.0.0.1", port)};
    };
    start_client("localhost");
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(ask_and_wait(id, true).http_status, 200);
    }
}

TEST_F(HttpsClient, PlainHttpIsSentNowhereWithoutALoopbackAddress) {
    serve_with(std::nullopt, {always_good()});
    const std::uint16_t port = server_->port();
    lookup_ = [port](const std::string&, std::uint16_t) -> found {
        return std::vector{loopback("192.0.2.1", port), loopback("2001:db8::1", port)};
    };
    start_client("localhost");
    const api_answer& failed = ask_and_wait(id);
    EXPECT_EQ(failed.error, errc::name_not_resolved);
    EXPECT_NE(failed.detail.find("loopback"), std::string_view::npos);
    EXPECT_EQ(server_->requests(), 0U);
}

TEST_F(HttpsClient, AStuckLookupFailsRequestsAtTheTimeout) {
    std::promise<void> release;
    const std::shared_future<void> released = release.get_future().share();
    settings_.connect_timeout = milliseconds(50);
    lookup_ = [released](const std::string&, std::uint16_t) -> found {
        released.wait();
        return errc::name_not_resolved;
    };
    start_client("localhost");
    EXPECT_EQ(ask_and_wait(id).error, errc::resolve_timeout);
    EXPECT_EQ(ask_and_wait(id).error, errc::resolve_timeout);
    // Stopping does not wait for the lookup either; only the worker does.
    finish();
    EXPECT_FALSE(worker_.stop(milliseconds(1)));
    release.set_value();
    EXPECT_TRUE(worker_.stop(std::chrono::hours(1)));
    loop_.poll();
}

TEST_F(HttpsClient, AFailedLookupKeepsTheOldAddresses) {
    std::atomic<int> lookups = 0;
    serve({{.steps = {{step::kind::request}, good_answer("Connection: close\r\n")}}});
    const std::uint16_t port = server_->port();
    lookup_ = [&lookups, port](const std::string&, std::uint16_t) -> found {
        return lookups++ == 0 ? found(std::vector{loopback("127.0.0.1", port)})
                              : found(errc::name_not_resolved);
    };
    start_client("localhost");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask_and_wait(id).http_status, 200);
    }
    EXPECT_EQ(lookups, 1) << "an answer is good for half a minute";
}

/// Uses up every free descriptor.
std::vector<int> take_all_descriptors() {
    std::vector<int> taken;
    for (int each = ::dup(0); each >= 0; each = ::dup(0)) {
        taken.push_back(each);
    }
    return taken;
}

TEST_F(HttpsClient, LackOfDescriptorsKeepsOpenConnections) {
    settings_.max_connections = 8;
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);

    const std::vector<int> taken = take_all_descriptors();
    ask(id);
    ask(id);
    const api_answer first = answer(2);
    const api_answer second = answer(3);
    const std::size_t capacity = client_->capacity();
    for (const int each : taken) {
        ::close(each);
    }
    const api_answer& failed = first.error ? first : second;
    const api_answer& served = first.error ? second : first;
    EXPECT_EQ(served.http_status, 200);
    EXPECT_EQ(failed.error, errc::no_descriptors) << failed.error.message();
    EXPECT_EQ(failed.detail, "Too many open files");
    EXPECT_EQ(capacity, 1U);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, LackOfDescriptorsKeepsOpeningConnections) {
    settings_.max_connections = 8;
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);

    std::vector<int> taken = take_all_descriptors();
    ::close(taken.back());
    taken.pop_back();
    // One open connection, one that takes the last descriptor, one that gets none.
    ask(id);
    ask(id);
    ask(id);
    EXPECT_EQ(answer(2).error, errc::no_descriptors)
        << "the two open connections have not answered yet";
    for (const int each : taken) {
        ::close(each);
    }
    EXPECT_EQ(answer(4).http_status, 200);
    EXPECT_TRUE(loop_.run_until([&] { return client_->connections().opened_total == 2; }));
    EXPECT_EQ(client_->connections().idle, 2U);
}

} // namespace kallglot::test
