#include "server_fixture.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

class HttpServer : public test::server_fixture {
protected:
    HttpServer() { start(); }
};

const std::string get_root = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string hello = "hello, this is a page of more than thirty-two bytes\n";

TEST_F(HttpServer, AnswersWithLengthDateAndType) {
    test::raw_client& client = connect();
    client.send(get_root);
    EXPECT_EQ(client.take_answer(),
              "HTTP/1.1 200 OK\r\n"
              "Date: Tue, 14 Apr 2026 09:00:00 GMT\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: 52\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "Connection: keep-alive\r\n"
              "\r\n"
                  + hello);
}

TEST_F(HttpServer, SendsAConfiguredFieldOnce) {
    server_->use_fields({{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "deny"}});
    test::raw_client& client = connect();
    client.send(get_root);
    const std::string answer = client.take_answer();
    const std::size_t first = answer.find("X-Content-Type-Options");
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(answer.find("X-Content-Type-Options", first + 1), std::string::npos) << answer;
    EXPECT_NE(answer.find("X-Frame-Options: deny\r\n"), std::string::npos);
}

TEST_F(HttpServer, TellsAHandlerWhereTheClientIs) {
    test::raw_client& client = connect();
    client.send("GET /place HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // 127.0.0.1 as a number.
    EXPECT_TRUE(client.take_answer().ends_with("\r\n\r\n2130706433 v4 on loopback\n"));
}

TEST_F(HttpServer, KeepsTheConnectionForTheNextRequest) {
    test::raw_client& client = connect();
    for (int i = 0; i < 5; ++i) {
        client.send(get_root);
        EXPECT_TRUE(client.take_answer().ends_with(hello));
    }
    EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
    test::raw_client& client = connect();
    client.send(get_root + "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + get_root);
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServer, ReadsARequestByteByByte) {
    test::raw_client& client = connect();
    for (const char c : get_root) {
        client.send(std::string_view(&c, 1));
    }
    EXPECT_TRUE(client.take_answer().ends_with(hello));
}

TEST_F(HttpServer, AnswersHeadWithTheSameHeadAndNoBody) {
    test::raw_client& client = connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(client.read_to_end());
    EXPECT_NE(client.text().find("Content-Length: 52\r\n"), std::string::npos);
    EXPECT_TRUE(client.text().ends_with("\r\n\r\n"));
}

TEST_F(HttpServer, ClosesWhenTheClientAsksForIt) {
    const std::string answer = exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with(hello));
    EXPECT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").ends_with(hello));
}

TEST_F(HttpServer, RefusesUnknownPathsAndOtherMethods) {
    test::raw_client& client = connect();
    client.send("GET /nothing<script> HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    const std::string unknown = client.take_answer();
    EXPECT_TRUE(unknown.starts_with("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_EQ(unknown.find("script"), std::string::npos);
    EXPECT_EQ(unknown.find("evil"), std::string::npos);
    client.send("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string other = client.take_answer();
    EXPECT_TRUE(other.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    EXPECT_NE(other.find("\r\nAllow: GET, HEAD, OPTIONS\r\n"), std::string::npos);
}

TEST_F(HttpServer, AnswersOptionsWithTheMethods) {
    test::raw_client& client = connect();
    for (const auto& [target, methods] : {std::pair("/keep", "OPTIONS, POST"),
                                          std::pair("/", "GET, HEAD, OPTIONS"),
                                          std::pair("*", "GET, HEAD, OPTIONS, POST")}) {
        client.send("OPTIONS " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = client.take_answer();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
        EXPECT_NE(answer.find("\r\nAllow: " + std::string(methods) + "\r\n"), std::string::npos);
        EXPECT_EQ(answer.find("Content-"), std::string::npos);
    }
    client.send("OPTIONS /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(HttpServer, RespondsWith500ToAnException) {
    test::raw_client& client = connect();
    client.send("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.take_answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    EXPECT_EQ(answer.find("bug"), std::string::npos);
    client.send(get_root);
    EXPECT_TRUE(client.take_answer().ends_with(hello));
}

TEST_F(HttpServer, AsksForABodyThatTheClientHoldsBack) {
    test::raw_client& client = connect();
    client.send(
        "POST /keep HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n");
    ASSERT_TRUE(client.read_until("\r\n\r\n"));
    EXPECT_EQ(client.take_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("a body of exactly forty bytes, no more.\n");
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 201 Created\r\n"));
    EXPECT_EQ(last_body_, "a body of exactly forty bytes, no more.\n");
}

TEST_F(HttpServer, SendsALargeBodyWhole) {
    const std::string answer =
        exchange("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, large_.size());
    EXPECT_TRUE(answer.ends_with("LLLL"));
}

TEST_F(HttpServer, SurvivesClientsThatCloseAtAnyByte) {
    const std::string request =
        "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome body";
    for (std::size_t size = 0; size <= request.size(); ++size) {
        test::raw_client& client = connect();
        client.send(std::string_view(request).substr(0, size));
        client.close();
        EXPECT_TRUE(loop_.run_until([&] {
            asio::post(loop_.executor(), [] {});
            return server_->connections() == 0;
        }));
    }
}

TEST_F(HttpServer, ServesOthersWhileOneWaits) {
    test::raw_client& slow = connect();
    slow.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    test::raw_client& quick = connect();
    quick.send(get_root);
    EXPECT_TRUE(quick.take_answer().ends_with(hello));
    release();
    EXPECT_TRUE(slow.take_answer().ends_with("of some length\n"));
}

} // namespace
} // namespace kallglot
