// Servers that stall, close early, or send more than one answer.

#include "client_fixture.hpp"

namespace kallglot::test {

namespace {

const std::string id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";
const std::string other_id = "sess_zyxwvutsrqponmlkjihgfedcba9876543210";

script steps(std::vector<step> all) {
    return {.steps = std::move(all)};
}

step bytes(std::string text) {
    return {step::kind::send, std::move(text)};
}

const step request{step::kind::request};
const step close{step::kind::close};
const step reset{step::kind::reset};
const step stall{step::kind::stall};

} // namespace

TEST_F(HttpsClient, ACloseBeforeTheAnswerOnANewConnection) {
    serve({steps({request, close})});
    start_client();
    EXPECT_EQ(ask_and_wait(id).error, errc::connection_closed);
    EXPECT_NE(answers_.back().sent, no_time);
}

TEST_F(HttpsClient, AnExceptionEndsOneConnectionOnly) {
    // Thrown from an answer, from the answer of a failed connection, and from one of the housekeeping.
    serve({always_good(), steps({request, close}), steps({request, stall}), always_good()});
    const milliseconds patience = settings_.request_timeout;
    start_client();
    for (std::size_t asked = 1; asked <= 3; ++asked) {
        // Only the third request may time out, however slow this machine is.
        settings_.request_timeout = asked == 3 ? milliseconds(50) : patience;
        configure_client();
        throws_ = 1;
        static_cast<void>(ask_and_wait(id));
        ASSERT_TRUE(loop_.run_until([&] { return bugs_.size() == asked; }));
        ASSERT_TRUE(loop_.run_until([&] {
            const api_connection_counts now = client_->connections();
            return now.idle + now.busy + now.opening == 0;
        }));
    }
    EXPECT_EQ(answers_[0].http_status, 200);
    EXPECT_EQ(answers_[1].error, errc::connection_closed);
    EXPECT_EQ(answers_[2].error, errc::request_timeout);
    settings_.request_timeout = patience;
    configure_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    client_->stop();
    throws_ = 1;
    ask(id);
    ASSERT_TRUE(loop_.run_until([&] { return bugs_.size() == 4; }));
    EXPECT_EQ(answers_.back().error, errc::cancelled);
    bugs_.clear();
    finish();
}

TEST_F(HttpsClient, ACloseBeforeTheAnswerOnAReusedConnection) {
    for (const step& end : {close, reset}) {
        serve({steps({request, good_answer(), request, end}), always_good()});
        start_client();
        EXPECT_EQ(ask_and_wait(id).http_status, 200);
        EXPECT_EQ(ask_and_wait(id).error, errc::reused_connection_closed);
        // A retry uses a fresh connection.
        EXPECT_EQ(ask_and_wait(id, true).http_status, 200);
        EXPECT_EQ(server_->connections().size(), 2U);
        finish();
        answers_.clear();
        next_slot_ = 0;
    }
}

TEST_F(HttpsClient, SeesACloseBeforeItSendsTheRequest) {
    serve({steps({request, good_answer(), close}), always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    // The client reads before it sends, whether or not the loop has reported the close.
    ASSERT_TRUE(loop_.run_until([&] { return server_->connections().size() == 1; }));
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
}

TEST_F(HttpsClient, AnAnswerCutAtAnyByteIsAnError) {
    const std::string whole = good_answer().bytes;
    std::vector<script> scripts;
    // The text contains placeholders; the cuts reach all parts of the text that is really sent.
    const std::string filled =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n"
        R"({"id":"sess_0123456789abcdefghijklmnopqrstuvwxyz","status":"active"}  )";
    ASSERT_EQ(filled.size() - filled.find("\r\n\r\n") - 4, 70U);
    for (std::size_t cut = 1; cut < filled.size(); ++cut) {
        scripts.push_back(
            steps({request, bytes(filled.substr(0, cut)), cut % 2 == 0 ? close : reset}));
    }
    scripts.push_back(steps({request, bytes(filled)}));
    serve(std::move(scripts));
    start_client();
    for (std::size_t cut = 1; cut < filled.size(); ++cut) {
        const api_answer& got = ask_and_wait(id);
        ASSERT_TRUE(got.error == errc::connection_closed || got.error == errc::connection_reset)
            << "cut at " << cut << ": " << got.error.message();
        ASSERT_EQ(got.http_status, 0);
    }
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, AWholeAnswerCountsWithoutCloseNotify) {
    serve({steps({request, good_answer(), close}),
           steps({request, good_answer(), {step::kind::close_notify}, close})});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 3U);
}

TEST_F(HttpsClient, ObeysConnectionClose) {
    serve({steps({request, good_answer("Connection: close\r\n"), stall})});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(client_->connections().idle, 0U);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
    ASSERT_TRUE(loop_.run_until([&] { return server_->connections().front().closed_by_notify; }))
        << "the client sends close_notify";
}

TEST_F(HttpsClient, UnsolicitedBytesOnAnIdleConnectionEndIt) {
    serve({steps({request,
                  good_answer(),
                  bytes("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
                  stall}),
           always_good()});
    start_client();
    // The two may arrive together or one after the other. In neither case is the 408 an answer to a request.
    const api_answer first = ask_and_wait(id);
    EXPECT_TRUE(first.http_status == 200 || first.error == errc::unsolicited_data)
        << first.error.message();
    ASSERT_TRUE(loop_.run_until([&] { return client_->connections().idle == 0; }));
    EXPECT_EQ(ask_and_wait(other_id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
}

TEST_F(HttpsClient, TwoAnswersAtOnceAreAnError) {
    const std::string one = "HTTP/1.1 204 No Content\r\n\r\n";
    serve({steps({request, bytes(one + one), stall}), always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).error, errc::unsolicited_data);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, BytesBehindAnAnswerDoNotAnswerTheNextRequest) {
    // The answer ends where a read ends, and the surplus is still in the socket.
    constexpr std::size_t one_read = std::size_t{16} * 1024;
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
    const std::string body = R"({"id":"{id}","object":"session","status":"active",)"
                             R"("created_at":"2026-04-14T10:00:00Z"})";
    const std::size_t size = one_read - head.size() - std::string("16000\r\n\r\n").size();
    const std::size_t padding = size - (body.size() - 4 + id.size());
    const std::string surplus = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const std::string both =
        head + std::to_string(size) + "\r\n\r\n" + body + std::string(padding, ' ') + surplus;
    serve_with(std::nullopt, {steps({request, bytes(both), request, stall}), always_good()});
    settings_.max_connections = 1;
    start_client();
    ask(id);
    ask(other_id);
    EXPECT_EQ(answer(2).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
}

TEST_F(HttpsClient, EachConnectionClosedAtOnceFailsOneRequest) {
    constexpr std::size_t requests = 200;
    serve_with(std::nullopt, {steps({close})});
    settings_.max_connections = 4;
    start_client();
    for (std::size_t i = 0; i < requests; ++i) {
        ask(id);
    }
    EXPECT_TRUE(answer(requests).error);
    for (const api_answer& each : answers_) {
        EXPECT_TRUE(each.error);
    }
    EXPECT_LE(client_->connections().opened_total, requests);
}

TEST_F(HttpsClient, RejectsTheAnswerOfAnotherSession) {
    std::string wrong = good_answer().bytes;
    wrong.replace(wrong.find("{id}"), 4, other_id);
    serve({steps({request, bytes(wrong), stall}), always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).error, errc::wrong_session);
    EXPECT_EQ(client_->connections().idle, 0U);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, ReturnsTheHeadersOfA429) {
    serve(
        {{.steps =
              {request,
               bytes("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nX-RateLimit-Limit: 60\r\n"
                     "X-RateLimit-Remaining: 0\r\nContent-Length: 51\r\n\r\n"
                     R"({"error":{"code":"rate_limit_exceeded","message":""}})")},
          .repeat = false},
         always_good()});
    start_client();
    const api_answer& got = ask_and_wait(id);
    EXPECT_EQ(got.error, errc::unsolicited_data) << "the length above is two short, on purpose";
    finish();

    answers_.clear();
    next_slot_ = 0;
    serve(
        {{.steps =
              {request,
               bytes("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nX-RateLimit-Limit: 60\r\n"
                     "X-RateLimit-Remaining: 0\r\nContent-Length: 53\r\n\r\n"
                     R"({"error":{"code":"rate_limit_exceeded","message":""}})")},
          .repeat = true}});
    start_client();
    const api_answer& right = ask_and_wait(id);
    EXPECT_FALSE(right.error) << right.error.message();
    EXPECT_EQ(right.http_status, 429);
    EXPECT_EQ(right.headers.retry_after, seconds(7));
    EXPECT_EQ(right.headers.rate_limit, 60U);
    EXPECT_EQ(client_->connections().idle, 1U) << "a 429 does not end the connection";
}

TEST_F(HttpsClient, FollowsNoRedirect) {
    serve({{.steps = {request,
                      bytes("HTTP/1.1 307 Temporary Redirect\r\nLocation: "
                            "https://127.0.0.1:1/v1/sessions/x\r\n"
                            "Content-Length: 0\r\n\r\n")},
            .repeat = true}});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 307);
    EXPECT_EQ(server_->requests(), 1U);
}

TEST_F(HttpsClient, StalledHandshakesEndInTime) {
    settings_.connect_timeout = milliseconds(50);
    serve({{.steps = {}, .stall_handshake = true}});
    start_client();
    EXPECT_EQ(ask_and_wait(id).error, errc::handshake_timeout);
    EXPECT_EQ(client_->connections().opening, 0U);
    EXPECT_EQ(answers_.back().sent, no_time);
}

TEST_F(HttpsClient, StalledAnswersEndInTime) {
    const milliseconds patience = std::exchange(settings_.request_timeout, milliseconds(50));
    serve({steps({request, stall}),
           steps({request, bytes("HTTP/1.1 200 OK\r\nContent-"), stall}),
           steps({request, bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\":"), stall}),
           always_good()});
    start_client();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask_and_wait(id).error, errc::request_timeout);
    }
    settings_.request_timeout = patience;
    configure_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

TEST_F(HttpsClient, IdleConnectionsEndAtTheIdleTimeout) {
    settings_.idle_timeout = milliseconds(20);
    serve({always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(client_->connections().idle, 1U);
    ASSERT_TRUE(loop_.run_until([&] { return client_->connections().idle == 0; }));
    ASSERT_TRUE(loop_.run_until([&] { return server_->connections().front().closed_by_notify; }));
}

TEST_F(HttpsClient, TheServersKeepAliveLimitCountsToo) {
    // The server's second minus the client's margin of one second: the connection is not kept at all.
    serve({{.steps = {request, good_answer("Keep-Alive: timeout=1\r\n")}, .repeat = true}});
    start_client();
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
    EXPECT_EQ(server_->connections().size(), 2U);
}

TEST_F(HttpsClient, SurvivesKeyUpdatesBetweenAnswers) {
    std::vector<step> all;
    for (int i = 0; i < 50; ++i) {
        all.insert(all.end(), {request, {step::kind::key_update}, good_answer()});
    }
    serve({steps(all)});
    start_client();
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(ask_and_wait(id).http_status, 200) << i << answers_.back().detail;
    }
    EXPECT_EQ(server_->connections().size(), 1U);
}

TEST_F(HttpsClient, BrokenRecordsEndTheExchange) {
    serve(
        {steps(
             {request, {step::kind::send_raw, "this is no TLS record, whatever it may be"}, stall}),
         always_good()});
    start_client();
    EXPECT_EQ(ask_and_wait(id).error, errc::tls_failed);
    EXPECT_FALSE(answers_.back().detail.empty());
    EXPECT_EQ(ask_and_wait(id).http_status, 200);
}

} // namespace kallglot::test
