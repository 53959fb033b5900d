#include "server_fixture.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kallglot {
namespace {

class HttpServerListen : public test::server_fixture {
protected:
    HttpServerListen() {
        server_ = std::make_unique<http_server>(loop_.executor(),
                                                "private",
                                                routes_,
                                                limits_,
                                                clock_,
                                                log_);
    }

    error_code listen(const std::string& host, std::uint16_t port = 0) {
        listen_address address;
        address.host = host;
        address.port = port;
        return server_->listen(address);
    }
};

TEST_F(HttpServerListen, ReturnsThePortOfTheSystem) {
    ASSERT_FALSE(listen("127.0.0.1"));
    EXPECT_EQ(server_->addresses(),
              std::vector<std::string>{"127.0.0.1:" + std::to_string(server_->port())});
}

TEST_F(HttpServerListen, ServesSeveralAddresses) {
    ASSERT_FALSE(listen("127.0.0.1"));
    ASSERT_FALSE(listen("127.0.0.1"));
    ASSERT_EQ(server_->addresses().size(), 2U);
    EXPECT_NE(server_->addresses()[0], server_->addresses()[1]);
}

TEST_F(HttpServerListen, ListensOnIpv6AndShowsBrackets) {
    const error_code error = listen("::1");
    if (error) {
        GTEST_SKIP() << "no IPv6 here: " << error.message();
    }
    EXPECT_EQ(server_->addresses().front(), "[::1]:" + std::to_string(server_->port()));
}

TEST_F(HttpServerListen, ListensOnAHostName) {
    ASSERT_FALSE(listen("localhost"));
    EXPECT_NE(server_->port(), 0);
}

TEST_F(HttpServerListen, ReportsAPortInUse) {
    ASSERT_FALSE(listen("127.0.0.1"));
    EXPECT_EQ(listen("127.0.0.1", server_->port()), asio::error::address_in_use);
    EXPECT_EQ(server_->addresses().size(), 1U);
}

TEST_F(HttpServerListen, ReportsAnAddressOfAnotherHost) {
    EXPECT_TRUE(listen("192.0.2.1"));
    EXPECT_TRUE(server_->addresses().empty());
    EXPECT_EQ(server_->port(), 0);
}

TEST_F(HttpServerListen, AcceptsManyWaitingClientsInAFewTurns) {
    ASSERT_FALSE(listen("127.0.0.1"));
    constexpr std::size_t clients = 48;
    std::vector<std::unique_ptr<test::raw_client>> waiting;
    for (std::size_t i = 0; i < clients; ++i) {
        waiting.push_back(std::make_unique<test::raw_client>(loop_, server_->port()));
    }
    int turns = 0;
    bool over = false;
    std::function<void()> turn = [&] {
        ++turns;
        if (!over) {
            asio::post(loop_.executor(), turn);
        }
    };
    asio::post(loop_.executor(), turn);
    EXPECT_TRUE(loop_.run_until([&] { return server_->connections() == clients; }));
    // With one accept a turn it would take 48 turns.
    EXPECT_LE(turns, 12);
    over = true;
    settle();
}

} // namespace
} // namespace kallglot
