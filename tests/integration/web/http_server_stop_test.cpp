#include "server_fixture.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

class HttpServerStop : public test::server_fixture {
protected:
    HttpServerStop() { start(); }

    void start_waiting(test::raw_client& client) {
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(loop_.run_until([&] { return waiting_ == 1; }));
    }
};

TEST_F(HttpServerStop, FinishesTheResponseInFlight) {
    test::raw_client& client = connect();
    start_waiting(client);
    finish();
    EXPECT_EQ(server_->connections(), 1U);
    release();
    ASSERT_TRUE(client.read_to_end());
    EXPECT_NE(client.text().find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(client.text().ends_with("of some length\n"));
    EXPECT_TRUE(loop_.run(server_->join()));
}

TEST_F(HttpServerStop, ClosesConnectionsWithoutARequest) {
    test::raw_client& idle = connect();
    test::raw_client& half = connect();
    half.send("GET / HT");
    settle();
    finish();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_TRUE(idle.read_to_end());
    EXPECT_TRUE(half.read_to_end());
    EXPECT_EQ(idle.text() + half.text(), "");
}

TEST_F(HttpServerStop, AcceptsNoNewConnection) {
    const std::uint16_t port = server_->port();
    finish();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_THROW(test::raw_client(loop_, port), boost::system::system_error);
}

TEST_F(HttpServerStop, CutsHandlersThatDoNotFinish) {
    test::raw_client& client = connect();
    start_waiting(client);
    finish();
    // The test does not release the handler, so cut() must cancel its wait.
    cut();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_EQ(waiting_, 0);
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(client.text(), "");
}

TEST_F(HttpServerStop, CutsConnectionsInEveryPhase) {
    test::raw_client& waiting = connect();
    test::raw_client& half = connect();
    test::raw_client& slow_reader = connect(4096);
    test::raw_client& refused = connect();
    test::raw_client& answered = connect();
    half.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    slow_reader.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    refused.send("GET / HTTP/1.1\r\n\r\n");
    start_waiting(answered);
    settle();
    ASSERT_EQ(server_->connections(), 5U);
    cut();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_EQ(server_->connections(), 0U);
    for (test::raw_client* client : {&waiting, &half, &slow_reader, &refused, &answered}) {
        EXPECT_TRUE(client->read_to_end());
    }
}

TEST_F(HttpServerStop, CutsAConnectionBeforeItsFirstTurn) {
    clients_.emplace_back(loop_, server_->port());
    ASSERT_TRUE(loop_.run_until([&] { return server_->connections() == 1; }));
    cut();
    EXPECT_TRUE(loop_.run(server_->join()));
    EXPECT_EQ(server_->connections(), 0U);
}

} // namespace
} // namespace kallglot
