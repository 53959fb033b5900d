#include "server_fixture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot {
namespace {

using std::chrono::seconds;

class HttpServerLimits : public test::server_fixture {
protected:
    [[nodiscard]] bool ends_with(test::raw_client& client, std::string_view text) {
        EXPECT_TRUE(client.read_to_end());
        return client.text().ends_with(text);
    }

    // The clock moves in steps, and between them tasks that a deadline ended can run.
    void pass(std::chrono::milliseconds time) {
        settle();
        clock_.advance(time);
        settle();
    }
};

std::size_t good_answers(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) {
        ++count;
    }
    return count;
}

const std::string get_root = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(HttpServerLimits, ClosesAClientThatSendsNothing) {
    start();
    test::raw_client& client = connect();
    pass(seconds(9));
    EXPECT_EQ(server_->connections(), 1U);
    pass(seconds(1));
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(client.text(), "");
}

TEST_F(HttpServerLimits, RespondsWith408ToASlowClient) {
    start();
    test::raw_client& client = connect();
    // A byte each second: the timeout runs from the accept, not from the last byte.
    for (const char c : std::string_view("GET / HTT")) {
        client.send(std::string_view(&c, 1));
        pass(seconds(1));
        ASSERT_EQ(server_->connections(), 1U);
    }
    pass(seconds(1));
    ASSERT_TRUE(client.read_until("Request Timeout\n"));
    EXPECT_TRUE(client.text().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    client.end();
    EXPECT_TRUE(client.read_to_end());
}

TEST_F(HttpServerLimits, RespondsWith408ToASlowBody) {
    start();
    test::raw_client& client = connect();
    client.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome of it");
    pass(seconds(10));
    ASSERT_TRUE(client.read_until("Request Timeout\n"));
    EXPECT_TRUE(client.text().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpServerLimits, ClosesAnIdleClientAtTheIdleTimeout) {
    start();
    test::raw_client& client = connect();
    client.send(get_root);
    static_cast<void>(client.take_answer());
    pass(seconds(119));
    client.send(get_root);
    EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
    pass(seconds(120));
    EXPECT_TRUE(client.read_to_end());
    EXPECT_EQ(client.text(), "");
}

TEST_F(HttpServerLimits, TimesALaterRequestFromItsFirstByte) {
    start();
    test::raw_client& client = connect();
    client.send(get_root);
    static_cast<void>(client.take_answer());
    pass(seconds(60));
    client.send("GET / HT");
    pass(seconds(9));
    EXPECT_EQ(server_->connections(), 1U);
    pass(seconds(1));
    EXPECT_TRUE(client.read_until("Request Timeout\n"));
    EXPECT_TRUE(client.text().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpServerLimits, ClosesAClientThatDoesNotRead) {
    start();
    test::raw_client& client = connect(4096);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(seconds(9));
    EXPECT_EQ(server_->connections(), 1U);
    pass(seconds(1));
    EXPECT_TRUE(client.read_to_end());
    EXPECT_LT(client.text().size(), large_.size());
}

TEST_F(HttpServerLimits, ClosesARejectedClientAfterASecond) {
    start();
    test::raw_client& client = connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(client.read_until("Bad Request\n"));
    settle();
    EXPECT_EQ(server_->connections(), 1U);
    pass(seconds(1));
    EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpServerLimits, ClosesTheConnectionAfterItsLastRequest) {
    limits_.requests_per_connection = 3;
    start();
    test::raw_client& client = connect();
    client.send(get_root + get_root + get_root + get_root);
    ASSERT_TRUE(client.read_to_end());
    EXPECT_EQ(good_answers(client.text()), 3U);
    EXPECT_NE(client.text().find("Connection: close"), std::string::npos);
}

TEST_F(HttpServerLimits, LosesNoResponseToAClientThatSendsTooMuch) {
    limits_.requests_per_connection = 200;
    start();
    test::raw_client& client = connect(4096);
    std::string requests;
    for (int i = 0; i < 2000; ++i) {
        requests += get_root;
    }
    // The client reads only after everything was sent and answered.
    client.send(requests);
    settle();
    ASSERT_TRUE(client.read_to_end());
    EXPECT_EQ(good_answers(client.text()), 200U);
}

TEST_F(HttpServerLimits, ClosesTheConnectionLongestWithoutARequest) {
    limits_.max_connections = 3;
    start();
    test::raw_client& first = connect();
    test::raw_client& second = connect();
    test::raw_client& third = connect();
    // The first has sent a request meanwhile, the second has not.
    first.send(get_root);
    static_cast<void>(first.take_answer());
    test::raw_client& fourth = connect();
    EXPECT_TRUE(second.read_to_end());
    for (test::raw_client* client : {&first, &third, &fourth}) {
        client->send(get_root);
        EXPECT_TRUE(client->take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
    }
    EXPECT_EQ(server_->connections(), 3U);
}

TEST_F(HttpServerLimits, ALowerLimitAppliesAtTheNextConnection) {
    limits_.max_connections = 6;
    start();
    std::vector<test::raw_client*> clients;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(&connect());
    }
    clients[1]->send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(loop_.run_until([&] { return waiting_ == 1; }));
    limits_.max_connections = 3;
    server_->use_limits(limits_);
    test::raw_client& fresh = connect();
    for (const int gone : {0, 2, 3, 4}) {
        EXPECT_TRUE(clients[static_cast<std::size_t>(gone)]->read_to_end()) << gone;
    }
    release();
    EXPECT_TRUE(clients[1]->take_answer().ends_with("of some length\n"));
    for (test::raw_client* client : {clients[5], &fresh}) {
        client->send(get_root);
        EXPECT_TRUE(client->take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
    }
    EXPECT_EQ(server_->connections(), 3U);
}

TEST_F(HttpServerLimits, KeepsAClientThatIsBeingAnswered) {
    limits_.max_connections = 2;
    start();
    test::raw_client& answered = connect();
    answered.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(loop_.run_until([&] { return waiting_ == 1; }));
    test::raw_client& silent = connect();
    test::raw_client& fresh = connect();
    EXPECT_TRUE(silent.read_to_end());
    release();
    EXPECT_TRUE(answered.take_answer().ends_with("of some length\n"));
    fresh.send(get_root);
    EXPECT_TRUE(fresh.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerLimits, ClosesAClientThatDoesNotReadBeforeASlowOne) {
    limits_.max_connections = 4;
    start();
    // These read nothing, and send requests ahead, so that the last of them is the newest request.
    for (int i = 0; i < 3; ++i) {
        test::raw_client& hostile = connect(4096);
        hostile.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + get_root + get_root);
        settle();
    }
    pass(seconds(1));
    test::raw_client& slow = connect();
    // Each closes one that does not read.
    for (int i = 0; i < 3; ++i) {
        static_cast<void>(connect());
    }
    slow.send(get_root);
    EXPECT_TRUE(slow.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerLimits, ClosesAConnectionOfTheClientThatHasMost) {
    limits_.max_connections = 4;
    start();
    test::raw_client& alone = connect(0, "127.0.0.2");
    for (int i = 0; i < 20; ++i) {
        clients_.emplace_back(loop_, server_->port());
        settle();
    }
    alone.send(get_root);
    EXPECT_TRUE(alone.take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerLimits, GivesAllResponsesToRequestsSentAheadOneTime) {
    start();
    test::raw_client& client = connect(4096);
    const std::string one = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(one + one + one);
    pass(seconds(6));
    ASSERT_TRUE(client.read_beyond(large_.size() + 1000));
    pass(seconds(3));
    EXPECT_EQ(server_->connections(), 1U);
    pass(seconds(1));
    EXPECT_TRUE(client.read_to_end());
    EXPECT_LT(client.text().size(), 2 * large_.size());
    // A client that waits for its response has the whole time for each.
    test::raw_client& polite = connect(4096);
    for (int i = 0; i < 3; ++i) {
        polite.send(one);
        pass(seconds(6));
        EXPECT_GT(polite.take_answer().size(), large_.size());
    }
}

TEST_F(HttpServerLimits, StaysAtTheLimitUnderAFlood) {
    limits_.max_connections = 8;
    start();
    for (int i = 0; i < 100; ++i) {
        clients_.emplace_back(loop_, server_->port());
        settle();
        EXPECT_LE(server_->connections(), 9U);
    }
    clients_.back().send(get_root);
    EXPECT_TRUE(clients_.back().take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerLimits, AnswersWithoutTheBodyWhereNobodyNeedsIt) {
    start();
    for (const std::string_view framing : {"Content-Length: 1000000\r\n",
                                           "Content-Length: 4\r\n",
                                           "Transfer-Encoding: chunked\r\n"}) {
        for (const auto& [line, answer] :
             {std::pair("POST /nowhere", "HTTP/1.1 404 Not Found\r\n"),
              std::pair("PUT /keep", "HTTP/1.1 405 Method Not Allowed\r\n"),
              std::pair("OPTIONS /keep", "HTTP/1.1 204 No Content\r\n"),
              std::pair("GET /", "HTTP/1.1 200 OK\r\n")}) {
            test::raw_client& client = connect();
            client.send(std::string(line) + " HTTP/1.1\r\nHost: a\r\n" + std::string(framing)
                        + "Expect: 100-continue\r\n\r\n");
            EXPECT_TRUE(client.take_answer().starts_with(answer)) << line << ' ' << framing;
            // What the client sends on is no request.
            client.send(get_root);
            client.end();
            EXPECT_TRUE(client.read_to_end());
            EXPECT_EQ(client.text(), "");
        }
    }
}

TEST_F(HttpServerLimits, ReadsNoBodyThatTheRouteRejects) {
    start();
    body_refusal_ = make_text_response(401, "a signature?");
    test::raw_client& client = connect();
    client.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    ASSERT_TRUE(client.read_until("a signature?\n"));
    EXPECT_NE(client.text().find("Connection: close\r\n"), std::string::npos);
}

TEST_F(HttpServerLimits, ReadsAChunkedBody) {
    start();
    test::raw_client& client = connect();
    client.send(
        "POST /keep HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: "
        "100-continue\r\n\r\n");
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send("5\r\nhello\r\n");
    settle();
    client.send("7\r\n, world\r\n0\r\n\r\n" + get_root);
    ASSERT_TRUE(client.read_until("bytes\n"));
    EXPECT_EQ(last_body_, "hello, world");
    EXPECT_NE(client.text().find("HTTP/1.1 201 Created\r\n"), std::string::npos);
}

TEST_F(HttpServerLimits, RejectsLargeBodiesBeyondTheMemoryForThem) {
    limits_.body_bytes = std::size_t{16} * 1024 * 1024;
    start();
    const std::string head = "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: "
                             + std::to_string(limits_.body_bytes) + "\r\n\r\n";
    // The first takes nearly all; a small body is accepted nevertheless.
    test::raw_client& first = connect();
    first.send(head + std::string(body_memory::budget_bytes - 1000, 'b'));
    settle();
    test::raw_client& second = connect();
    second.send(head + std::string(100'000, 'b'));
    ASSERT_TRUE(second.read_until("Service Unavailable\n"));
    EXPECT_NE(second.text().find("Retry-After: 5\r\n"), std::string::npos);
    test::raw_client& small = connect();
    small.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    small.send("its body");
    EXPECT_TRUE(small.take_answer().starts_with("HTTP/1.1 201 Created\r\n"));
    first.close();
    settle();
    test::raw_client& third = connect();
    third.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    third.send(std::string(100'000, 'b'));
    EXPECT_TRUE(third.take_answer().starts_with("HTTP/1.1 201 Created\r\n"));
}

TEST_F(HttpServerLimits, AcceptsLessWhileMemoryIsShort) {
    limits_.max_connections = 8;
    start();
    server_->hold_off(true);
    test::raw_client& client = connect();
    client.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
                + std::string(20'000, 'b'));
    ASSERT_TRUE(client.read_until("Service Unavailable\n"));
    for (int i = 0; i < 10; ++i) {
        clients_.emplace_back(loop_, server_->port());
        settle();
    }
    EXPECT_EQ(server_->connections(), 2U);
    clients_.back().send(get_root);
    EXPECT_TRUE(clients_.back().take_answer().starts_with("HTTP/1.1 200 OK\r\n"));
    server_->hold_off(false);
    for (int i = 0; i < 10; ++i) {
        clients_.emplace_back(loop_, server_->port());
        settle();
    }
    EXPECT_EQ(server_->connections(), 8U);
}

class HttpServerGate : public HttpServerLimits {
protected:
    HttpServerGate() {
        asked_ = [this](const http_request* request) {
            return ask(request);
        };
        start();
    }

    task<std::optional<http_response>> ask(const http_request* request) {
        ++questions_;
        if (takes_long_) {
            co_await gate_->async_wait(as_tuple);
        }
        const bool is_known = request->field("Authorization") == "known";
        co_return is_known ? std::nullopt : std::optional(make_text_response(401, "credentials?"));
    }

    [[nodiscard]] static std::string head(std::string_view method,
                                          std::size_t length,
                                          std::string_view more = {}) {
        return std::string(method) + " /keep HTTP/1.1\r\nHost: a\r\nContent-Length: "
               + std::to_string(length) + "\r\n" + std::string(more) + "\r\n";
    }

    static constexpr std::size_t large = std::size_t{100} * 1024;
    bool takes_long_ = false;
    int questions_ = 0;
};

TEST_F(HttpServerGate, RejectsBeforeALargeBodyIsRead) {
    for (const std::string& asked :
         {head("POST", large), head("POST", 4), head("POST", 1000, "Expect: 100-continue\r\n")}) {
        questions_ = 0;
        test::raw_client& client = connect();
        client.send(asked);
        ASSERT_TRUE(client.read_until("credentials?\n"));
        EXPECT_TRUE(client.text().starts_with("HTTP/1.1 401 Unauthorized\r\n"));
        EXPECT_NE(client.text().find("Connection: close\r\n"), std::string::npos);
        client.send(std::string(1000, 'b'));
        client.end();
        EXPECT_TRUE(client.read_to_end());
        EXPECT_EQ(questions_, 1) << asked;
    }
}

TEST_F(HttpServerGate, KeepsTheConnectionOfARejectedCompleteRequest) {
    test::raw_client& client = connect();
    for (int i = 1; i <= 2; ++i) {
        client.send(head("POST", 4) + "body");
        EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 401 Unauthorized\r\n"));
        EXPECT_EQ(questions_, i);
    }
}

TEST_F(HttpServerGate, IsCalledOnceForEachRequest) {
    test::raw_client& client = connect();
    for (int i = 1; i <= 3; ++i) {
        client.send(head("POST", large, "Authorization: known\r\n"));
        settle();
        EXPECT_EQ(questions_, i);
        client.send(std::string(large, 'b'));
        EXPECT_TRUE(client.take_answer().starts_with("HTTP/1.1 201 Created\r\n"));
        EXPECT_EQ(last_body_.size(), large);
        EXPECT_EQ(questions_, i);
    }
    client.send(head("POST", 4, "Authorization: known\r\nExpect: 100-continue\r\n"));
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send("body");
    ASSERT_TRUE(client.read_until("kept\n"));
    client.send(head("POST", 4) + "body");
    ASSERT_TRUE(client.read_until("credentials?\n"));
    EXPECT_EQ(questions_, 5) << "an admitted connection is checked for each request";
}

TEST_F(HttpServerGate, ItsTimeDoesNotCountForTheClient) {
    takes_long_ = true;
    for (const std::string known : {"Authorization: known\r\n", ""}) {
        test::raw_client& client = connect();
        client.send(head("POST", large, known));
        pass(seconds(9));
        pass(seconds(9));
        gate_->cancel();
        pass(seconds(9));
        if (known.empty()) {
            ASSERT_TRUE(client.read_until("credentials?\n"));
        } else {
            client.send(std::string(large, 'b'));
            ASSERT_TRUE(client.read_until("kept\n"));
        }
    }
}

TEST_F(HttpServerGate, RejectsDuringFinishWithoutWaitingForABody) {
    takes_long_ = true;
    test::raw_client& stranger = connect();
    stranger.send(head("POST", large));
    test::raw_client& known = connect();
    known.send(head("POST", large, "Authorization: known\r\n"));
    settle();
    finish();
    settle();
    gate_->cancel();
    ASSERT_TRUE(stranger.read_until("credentials?\n"));
    EXPECT_TRUE(known.read_to_end());
    EXPECT_EQ(known.text(), "");
}

TEST_F(HttpServerGate, RejectsAHeadRequestWithoutABody) {
    test::raw_client& client = connect();
    client.send(head("HEAD", large));
    ASSERT_TRUE(client.read_until("\r\n\r\n"));
    client.end();
    EXPECT_TRUE(client.read_to_end());
    EXPECT_TRUE(client.text().ends_with("\r\n\r\n")) << client.text();
}

} // namespace
} // namespace kallglot
