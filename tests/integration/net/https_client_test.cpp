// The client against a real server on 127.0.0.1: ordinary operation, and stopping.

#include "client_fixture.hpp"

namespace kallglot::test {

namespace {

const std::string first_id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";
const std::string second_id = "sess_zyxwvutsrqponmlkjihgfedcba9876543210";

} // namespace

TEST_F(HttpsClient, GetsASessionOverTls) {
    serve({always_good()});
    start_client();

    const api_answer& got = ask_and_wait(first_id);

    EXPECT_FALSE(got.error) << got.error.message() << got.detail;
    EXPECT_EQ(got.http_status, 200);
    EXPECT_EQ(got.snapshot.status, session_status::active);
    EXPECT_TRUE(got.headers.date.has_value());
    EXPECT_LT(got.sent, got.received);
    ASSERT_EQ(server_->requests(), 1U);
    const std::string& request = server_->connections().front().requests.front();
    EXPECT_EQ(request,
              "GET /v1/sessions/" + first_id + " HTTP/1.1\r\nHost: "
                  + settings_.base_url.host_header
                  + "\r\nUser-Agent: kallglot_exporter/test\r\nAccept: application/json\r\n"
                    "Accept-Encoding: identity\r\n"
        "Cache-Control: no-cache, no-store\r\nAuthorization: Bearer "
                  + std::string(api_key) + "\r\n\r\n");
}

TEST_F(HttpsClient, KeepsTheConnectionForTheNextRequest) {
    serve({always_good()});
    start_client();
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(ask_and_wait(i % 2 == 0 ? first_id : second_id).error);
    }
    EXPECT_EQ(server_->connections().size(), 1U);
    EXPECT_EQ(client_->connections().opened_total, 1U);
    EXPECT_EQ(client_->connections().idle, 1U);
}

TEST_F(HttpsClient, SpeaksPlainHttpIfConfigured) {
    serve_with(std::nullopt, {always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(first_id).http_status, 200);
    EXPECT_EQ(ask_and_wait(second_id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 1U);
    EXPECT_EQ(client_->connections().tls_handshakes_total, 0U);
    EXPECT_EQ(client_->connections().opened_total, 1U);
}

TEST_F(HttpsClient, AcceptsAGetFromInsideAnAnswer) {
    serve({always_good()});
    start_client();
    ask_again_ = second_id;
    ask(first_id);
    EXPECT_EQ(answer(2).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 1U);
    EXPECT_EQ(answers_[1].slot, session_slot{1});
}

TEST_F(HttpsClient, OpensOneConnectionForEachRequestInFlight) {
    settings_.max_connections = 5;
    serve({always_good()});
    start_client();
    EXPECT_EQ(client_->capacity(), 5U);
    for (int i = 0; i < 5; ++i) {
        ask(i % 2 == 0 ? first_id : second_id);
    }
    EXPECT_EQ(client_->capacity(), 0U);
    EXPECT_EQ(answer(5).http_status, 200);
    EXPECT_EQ(client_->capacity(), 5U);
    EXPECT_LE(server_->connections().size(), 5U);
    for (const api_answer& each : answers_) {
        EXPECT_FALSE(each.error);
    }

    // One request at a time needs one connection: the one used last.
    const std::size_t before = server_->connections().size();
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(ask_and_wait(first_id).http_status, 200);
    }
    EXPECT_EQ(server_->connections().size(), before);
}

TEST_F(HttpsClient, WaitingRequestsUseTheFirstFreeConnection) {
    settings_.max_connections = 3;
    serve({always_good()});
    start_client();
    for (int i = 0; i < 3; ++i) {
        ask(first_id);
    }
    EXPECT_EQ(answer(3).http_status, 200);
    EXPECT_LE(server_->connections().size(), 3U);
}

TEST_F(HttpsClient, AFreshRequestReplacesAnIdleConnection) {
    settings_.max_connections = 1;
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(first_id).http_status, 200);
    EXPECT_EQ(ask_and_wait(second_id, true).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
    EXPECT_EQ(server_->connections().front().requests.size(), 1U);

    // The same while the only connection is busy.
    ask(first_id);
    ask(second_id, true);
    EXPECT_EQ(answer(4).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 3U);
}

TEST_F(HttpsClient, ARefusedConnectionFailsTheWaitingRequest) {
    {
        const scripted_server closed(loop_.executor(), std::nullopt, {always_good()});
        settings_.base_url.port = closed.port();
        const_cast<scripted_server&>(closed).stop();
        loop_.poll();
    }
    start_client();
    for (int i = 0; i < 3; ++i) {
        ask(first_id);
    }
    EXPECT_TRUE(answer(3).error);
    for (const api_answer& each : answers_) {
        EXPECT_EQ(each.error, errc::connect_refused);
        EXPECT_EQ(each.detail, "Connection refused");
        EXPECT_EQ(each.sent, no_time);
    }
    EXPECT_EQ(client_->capacity(), settings_.max_connections);
}

TEST_F(HttpsClient, StopsInTwoStages) {
    serve({{.steps = {{step::kind::request}, {step::kind::stall}}}});
    settings_.max_connections = 1;
    start_client();
    ask(first_id);
    ASSERT_TRUE(loop_.run_until([&] { return server_->requests() == 1; }));
    ask(second_id, true);
    client_->stop();
    EXPECT_EQ(client_->capacity(), 0U);
    ASSERT_EQ(answers_.size(), 1U) << "what waits for a connection is answered at once";
    EXPECT_EQ(answers_[0].error, errc::cancelled);
    EXPECT_EQ(client_->connections().busy, 1U) << "what is in flight may finish";
    client_->cut();
    EXPECT_EQ(answer(2).error, errc::cancelled);
}

TEST_F(HttpsClient, ARequestInFlightFinishesAfterStop) {
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(first_id).http_status, 200);
    ask(second_id);
    client_->stop();
    EXPECT_EQ(answer(2).http_status, 200);
    ASSERT_TRUE(loop_.run(client_->join()));
    ask(first_id);
    EXPECT_EQ(answers_.size(), 2U) << "never from within get()";
    EXPECT_EQ(answer(3).error, errc::cancelled);
}

TEST_F(HttpsClient, CanBeStoppedAtAnyTurnOfTheLoop) {
    // Stops after each number of turns, from the first step to the answer.
    for (int turns = 0;; ++turns) {
        serve({always_good()});
        start_client("localhost");
        ask(first_id);
        for (int i = 0; i < turns && answers_.empty(); ++i) {
            loop_.context().restart();
            loop_.context().run_one();
        }
        const bool finished = !answers_.empty();
        finish();
        ASSERT_EQ(answers_.size(), 1U);
        if (finished) {
            EXPECT_EQ(answers_[0].http_status, 200);
            EXPECT_GT(turns, 8);
            break;
        }
        EXPECT_EQ(answers_[0].error, errc::cancelled) << "after " << turns << " turns";
        answers_.clear();
        next_slot_ = 0;
        ASSERT_LT(turns, 1000);
    }
}

} // namespace kallglot::test
