// The client over HTTP/2 against a server in this process: agreement and connections.

#include "http2_client_fixture.hpp"

#include <algorithm>

namespace kallglot::test {

namespace {

using connection = http2_server::connection;
using request = http2_peer::request;

TEST_F(Http2Client, OneConnectionCarriesManyRequests) {
    start_client();
    ask_many(80);
    expect_all_good();
    EXPECT_EQ(opened(), 1U);
    const api_connection_counts counts = client_->connections();
    EXPECT_EQ(counts.open[static_cast<std::size_t>(http_version::http_2)], 1U);
    EXPECT_EQ(counts.requests_in_flight, 0U);
    EXPECT_EQ(counts.requests_waiting, 0U);
}

TEST_F(Http2Client, TheRequestIsTheOneOfHttp11) {
    keep_requests();
    start_client();
    ask(id_at(0));
    await_kept(1);
    const auto& fields = kept_.front().second.fields;
    EXPECT_EQ(fields.at(":method"), "GET");
    EXPECT_EQ(fields.at(":path"), "/v1/sessions/" + id_at(0));
    EXPECT_EQ(fields.at(":authority"), settings_.base_url.host_header);
    EXPECT_EQ(fields.at("authorization"), "Bearer " + std::string(api_key));
    EXPECT_EQ(fields.size(), 9U);
    http2_server::good_answer(*kept_.front().first, kept_.front().second);
    api_->send(*kept_.front().first);
    expect_all_good();
}

TEST_F(Http2Client, MoreRequestsOpenMoreConnections) {
    keep_requests();
    start_client();
    ask_many(300);
    await_kept(300);
    EXPECT_GE(opened(), 3U);
    EXPECT_LE(opened(), 5U);
    EXPECT_EQ(client_->connections().requests_in_flight, 300U);
    for (const auto& [from, each] : kept_) {
        http2_server::good_answer(*from, each);
        api_->send(*from);
    }
    expect_all_good();
}

TEST_F(Http2Client, TheLimitOfRequestsInFlightHolds) {
    settings_.max_requests_in_flight = 7;
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    EXPECT_EQ(client_->capacity(), 7U);
}

TEST_F(Http2Client, TheServersLimitOfStreamsHolds) {
    api_->max_streams = 3;
    keep_requests();
    settings_.max_connections = 2;
    start_client();
    ask_many(8);
    await_kept(6);
    loop_.poll();
    EXPECT_EQ(kept_.size(), 6U);
    EXPECT_EQ(client_->connections().requests_waiting, 2U);
    api_->answer = http2_server::good_answer;
    for (const auto& [from, each] : kept_) {
        http2_server::good_answer(*from, each);
        api_->send(*from);
    }
    expect_all_good();
}

TEST_F(Http2Client, AServerThatAllowsNothingAtFirstIsWaitedFor) {
    api_->max_streams = 0;
    start_client();
    ask_many(5);
    ASSERT_TRUE(loop_.run_until([&] { return opened() == 1; }));
    EXPECT_EQ(client_->connections().requests_waiting, 5U);
    api_->connections.front().peer->set_max_streams(100);
    api_->send(api_->connections.front());
    expect_all_good();
    EXPECT_EQ(opened(), 1U);
}

TEST_F(Http2Client, AServerThatNeverAllowsAnythingFailsTheRequests) {
    settings_.connect_timeout = milliseconds(500);
    settings_.request_timeout = milliseconds(100);
    api_->max_streams = 0;
    start_client();
    ask_many(3);
    EXPECT_EQ(answer(3).error, errc::request_timeout);
    EXPECT_EQ(answers_[0].sent, no_time);
}

// What a turn of the poller sends leaves at its end, not in a further turn of the loop.
TEST_F(Http2Client, HeldRequestsLeaveTogether) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    const tcp_socket& server = api_->connections.front().socket;
    client_->hold();
    ask_many(50);
    EXPECT_EQ(server.available(), 0U);
    client_->flush();
    EXPECT_GT(server.available(), 50 * id_at(0).size());
    expect_all_good();
    EXPECT_EQ(opened(), 1U);
}

// They do not fit into what a connection keeps, nor into the first buffer of its socket.
TEST_F(Http2Client, HeldRequestsMayBeLong) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    ASSERT_TRUE(client_->use_key(secret(std::string(4096, 'k'))));
    client_->hold();
    ask_many(300);
    client_->flush();
    expect_all_good();
}

TEST_F(Http2Client, HeldRequestsOfALostConnectionAreAnswered) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    api_->close(api_->connections.front(), true);
    client_->hold();
    ask_many(20);
    client_->flush();
    static_cast<void>(answer(21));
    for (std::size_t i = 1; i < answers_.size(); ++i) {
        EXPECT_EQ(answers_[i].error, errc::reused_connection_closed);
    }
}

// Agreement -----------------------------------------------------------------------------------------------------------

TEST_F(Http2Client, FallsBackToHttp11) {
    api_->protocols = {"http/1.1"};
    settings_.max_connections = 4;
    start_client();
    ask_many(4);
    expect_all_good();
    EXPECT_LE(opened(), 4U);
    EXPECT_EQ(client_->connections().open[static_cast<std::size_t>(http_version::http_2)], 0U);
    EXPECT_EQ(client_->capacity(), 4U);
}

TEST_F(Http2Client, FallsBackWithoutAlpn) {
    api_->protocols.clear();
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
}

TEST_F(Http2Client, Http11IsUsedWhenDemanded) {
    settings_.http_version = http_version_choice::http_1_1;
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    EXPECT_FALSE(api_->connections.front().peer);
}

TEST_F(Http2Client, Http2OnlyFailsWithoutIt) {
    settings_.http_version = http_version_choice::http_2;
    for (const auto& protocols : {std::vector<std::string>{}, {"http/1.1"}}) {
        api_->protocols = protocols;
        if (!client_) {
            start_client();
        }
        EXPECT_EQ(ask_and_wait(id_at(next_slot_)).error, errc::http2_unavailable);
    }
    EXPECT_EQ(api_->requests(), 0U);
}

// A rolling change of the API's servers, in both directions.
TEST_F(Http2Client, EachConnectionAgreesAgain) {
    start_client();
    for (const char* const protocol : {"h2", "http/1.1", "h2"}) {
        api_->protocols = {protocol};
        for (connection& each : api_->connections) {
            if (!each.ended) {
                api_->close(each);
            }
        }
        ASSERT_TRUE(loop_.run_until([&] {
            const api_connection_counts counts = client_->connections();
            return counts.idle + counts.busy == 0;
        }) || opened() == 0);
        ask_many(5);
        expect_all_good();
    }
}

TEST_F(Http2Client, TheKeyIsNotSentBeforeSettings) {
    settings_.connect_timeout = milliseconds(300);
    api_->silent = true;
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::handshake_timeout);
    EXPECT_EQ(answers_.back().sent, no_time);
}

TEST_F(Http2Client, AServerThatSpeaksSomethingElseFails) {
    api_->greeting = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::malformed_response);
    EXPECT_EQ(answers_.back().sent, no_time);
}

// Otherwise an API whose HTTP/2 is broken could be polled with http_version 1.1 only.
TEST_F(Http2Client, BrokenHttp2FallsBackAfterThreeConnections) {
    api_->greeting = "no frames of HTTP/2, but text that is long enough";
    start_client();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::malformed_response);
    }
    api_->greeting.clear();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    EXPECT_FALSE(api_->connections.back().peer);
}

TEST_F(Http2Client, GoawayInTheGreetingIsAFailure) {
    http2_peer peer;
    peer.go_away(0, NGHTTP2_NO_ERROR);
    api_->greeting = peer.take();
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::connection_closed);
    EXPECT_EQ(api_->connections.size(), 1U);
}

} // namespace
} // namespace kallglot::test
