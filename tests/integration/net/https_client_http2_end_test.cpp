// The client over HTTP/2 against a server in this process: resending, replaced and lost connections.

#include "http2_client_fixture.hpp"

#include <algorithm>

namespace kallglot::test {

namespace {

using connection = http2_server::connection;
using request = http2_peer::request;

// nginx ends a connection at its request 1,000 and drops what is behind it. Two connections do so here: a request that is
// left over a third time is a failure.
TEST_F(Http2Client, GoawayInMidFlightLosesNothing) {
    api_->answer = [](connection& to, const request& each) {
        const bool ends = to.number < 2;
        if (!ends || to.requests <= 50) {
            http2_server::good_answer(to, each);
        }
        if (ends && to.requests == 50) {
            to.peer->go_away(each.stream, NGHTTP2_NO_ERROR);
        }
    };
    start_client();
    ask_many(400);
    expect_all_good();
    EXPECT_GT(resent(resend_cause::goaway), 0U);
    EXPECT_GT(client_->connections().goaways_total[0], 0U);
}

// Once the length is known, another connection opens before the server ends one, and no request waits for it.
TEST_F(Http2Client, AConnectionIsReplacedBeforeItsLearnedEnd) {
    constexpr std::size_t length = 300;
    api_->answer = [](connection& to, const request& each) {
        if (to.requests <= length) {
            http2_server::good_answer(to, each);
        }
        if (to.requests == length) {
            to.peer->go_away(each.stream, NGHTTP2_NO_ERROR);
        }
    };
    start_client();
    // Until the connection of that number has had so many requests, or another one has opened.
    const auto poll_until = [&](std::size_t number, std::size_t requests) {
        while (api_->connections.size() < number
               || (api_->connections.size() == number
                   && api_->connections.back().requests < requests)) {
            ask_many(20);
            expect_all_good();
        }
    };
    poll_until(3, 20);
    EXPECT_EQ(client_->connections().goaways_total[0], 2U);
    for (std::size_t newest = 3; newest < 6; ++newest) {
        poll_until(newest, length / 2);
        // No request waits, and none asks for it.
        ASSERT_TRUE(loop_.run_until([&] { return opened() == newest + 1; }));
        poll_until(newest + 1, 20);
    }
    EXPECT_EQ(client_->connections().goaways_total[0], 2U);
    EXPECT_EQ(resent(resend_cause::goaway), 0U);
}

// Otherwise the oldest request would be left over again and again, and its deadline would be looked for in the wrong place.
TEST_F(Http2Client, RequestsThatAreSentAgainKeepTheirOrder) {
    std::vector<std::string> order;
    api_->answer = [&](connection& to, const request& each) {
        if (to.number == 0) {
            if (to.requests == 20) {
                to.peer->go_away(0, NGHTTP2_NO_ERROR);
            }
            return;
        }
        order.push_back(each.fields.at(":path"));
        http2_server::good_answer(to, each);
    };
    start_client();
    ask_many(20);
    expect_all_good();
    std::vector<std::string> asked;
    for (std::size_t i = 0; i < 20; ++i) {
        asked.push_back("/v1/sessions/" + id_at(i));
    }
    EXPECT_EQ(order, asked);
}

TEST_F(Http2Client, ARefusedRequestIsSentAgain) {
    std::size_t refusals = 0;
    api_->answer = [&](connection& to, const request& each) {
        if (to.number == 0 && refusals < 3) {
            ++refusals;
            to.peer->reset(each.stream, NGHTTP2_REFUSED_STREAM);
        } else {
            http2_server::good_answer(to, each);
        }
    };
    start_client();
    ask_many(10);
    expect_all_good();
    EXPECT_EQ(resent(resend_cause::refused), 3U);
    EXPECT_EQ(api_->requests(), 13U);
}

TEST_F(Http2Client, ARequestThatIsAlwaysRefusedFails) {
    api_->answer = [](connection& to, const request& each) {
        to.peer->reset(each.stream, NGHTTP2_REFUSED_STREAM);
    };
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::connection_closed);
    EXPECT_EQ(resent(resend_cause::refused), 2U);
    EXPECT_EQ(api_->requests(), 3U);
    EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(Http2Client, AMisdirectedRequestGetsAnotherConnection) {
    api_->answer = [](connection& to, const request& each) {
        if (to.number == 0) {
            to.peer->answer(each.stream, {{":status", "421"}}, "wrong server");
        } else {
            http2_server::good_answer(to, each);
        }
    };
    start_client();
    ask_many(5);
    expect_all_good();
    EXPECT_EQ(opened(), 2U);
    EXPECT_GT(resent(resend_cause::misdirected), 0U);
}

TEST_F(Http2Client, MisdirectedTwiceIsAnAnswer) {
    api_->answer = [](connection& to, const request& each) {
        to.peer->answer(each.stream, {{":status", "421"}}, "wrong server");
    };
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 421);
    EXPECT_EQ(api_->requests(), 2U);
}

TEST_F(Http2Client, ADemandForHttp11IsFollowed) {
    for (const bool goaway : {false, true}) {
        api_->answer = [goaway](connection& to, const request& each) {
            if (goaway) {
                to.peer->go_away(0, NGHTTP2_HTTP_1_1_REQUIRED);
            } else {
                to.peer->reset(each.stream, NGHTTP2_HTTP_1_1_REQUIRED);
            }
        };
        start_client();
        ask_many(3);
        expect_all_good();
        EXPECT_EQ(resent(resend_cause::http_1_1_required), 3U);
        // Without a further attempt over HTTP/2.
        EXPECT_EQ(ask_and_wait(id_at(next_slot_)).http_status, 200);
        EXPECT_EQ(
            std::ranges::count_if(api_->connections,
                                  [](const connection& each) { return each.peer.has_value(); }),
            goaway ? 2 : 1);
        finish();
        answers_.clear();
        next_slot_ = 0;
    }
}

TEST_F(Http2Client, ALostConnectionIsOneFailure) {
    keep_requests();
    start_client();
    // The first attempt is answered with reused_connection_closed.
    ask_many(50, true);
    await_kept(50);
    api_->close(*kept_.front().first, true);
    static_cast<void>(answer(50));
    const auto shared = std::ranges::count_if(answers_, &api_answer::shared_cause);
    EXPECT_EQ(shared, 49);
    for (const api_answer& each : answers_) {
        EXPECT_TRUE(each.error == errc::connection_reset || each.error == errc::connection_closed)
            << each.error.message();
    }
}

TEST_F(Http2Client, ALostConnectionThatWorkedIsRetriedByThePoller) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    keep_requests();
    ask_many(20);
    await_kept(20);
    api_->close(*kept_.front().first);
    static_cast<void>(answer(21));
    for (std::size_t i = 1; i < 21; ++i) {
        EXPECT_EQ(answers_[i].error, errc::reused_connection_closed);
    }
    api_->answer = http2_server::good_answer;
    ask_many(20, true);
    EXPECT_EQ(answer(41).http_status, 200);
    EXPECT_EQ(opened(), 2U);
}

TEST_F(Http2Client, ASlowRequestIsCancelledAlone) {
    settings_.request_timeout = milliseconds(500);
    api_->answer = [](connection& to, const request& each) {
        if (each.stream != 1) {
            http2_server::good_answer(to, each);
        } else {
            to.peer->ping();
        }
    };
    start_client();
    ask(id_at(0));
    // Something is read later than the request was sent, so the connection is not dead.
    EXPECT_EQ(answer(1).error, errc::request_timeout);
    EXPECT_EQ(client_->connections().streams_cancelled_total, 1U);
    EXPECT_EQ(ask_and_wait(id_at(1)).http_status, 200);
    EXPECT_EQ(opened(), 1U);
    EXPECT_EQ(api_->connections.front().peer->resets, 1U);
}

// TCP is alive, and the server is not: other clients use such a connection for 15 minutes.
TEST_F(Http2Client, ASilentConnectionIsDead) {
    settings_.request_timeout = milliseconds(500);
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    api_->connections.front().silent = true;
    ask_many(3);
    static_cast<void>(answer(4));
    EXPECT_EQ(answers_[1].error, errc::request_timeout);
    EXPECT_EQ(ask_and_wait(id_at(9)).http_status, 200);
    EXPECT_EQ(opened(), 2U);
}

// Long before the deadline of its requests, which the poller then sends again.
TEST_F(Http2Client, ASilentConnectionIsLeftBeforeTheDeadline) {
    settings_.request_timeout = std::chrono::hours(1);
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    api_->connections.front().silent = true;
    ask_many(3);
    static_cast<void>(answer(4));
    for (std::size_t i = 1; i < 4; ++i) {
        EXPECT_EQ(answers_[i].error, errc::reused_connection_closed);
    }
    EXPECT_EQ(ask_and_wait(id_at(9)).http_status, 200);
    EXPECT_EQ(opened(), 2U);
}

// A worker of nginx that ends closes the socket while requests are on their way to it. The reset that answers them must not
// hide what came before.
TEST_F(Http2Client, WhatWasSentBeforeAResetIsRead) {
    keep_requests();
    start_client();
    ask_many(40);
    await_kept(40);
    connection& from = *kept_.front().first;
    for (std::size_t i = 0; i < 20; ++i) {
        http2_server::good_answer(from, kept_[i].second);
    }
    from.peer->go_away(kept_[19].second.stream, NGHTTP2_NO_ERROR);
    api_->send(from);
    api_->close(from, true);
    api_->answer = http2_server::good_answer;
    // The client sends before it reads.
    ask_many(20);
    expect_all_good();
    EXPECT_EQ(resent(resend_cause::goaway), 40U);
}

// A server that is restarted refuses connections for a moment. With HTTP/1.1 one poll a connection would fail; here all.
TEST_F(Http2Client, RequestsWaitForAServerThatIsRestarted) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    api_->refuse();
    ASSERT_TRUE(loop_.run_until([&] { return client_->connections().idle == 0; }));
    ask_many(50);
    // At least one attempt has failed.
    ASSERT_TRUE(loop_.run_until([&] { return client_->connections().opening == 0; }));
    EXPECT_EQ(client_->connections().requests_waiting, 50U);
    api_->listen();
    expect_all_good();
}

// Caddy and other servers in Go accept connections for a moment while they end, and say goodbye on each.
TEST_F(Http2Client, AServerThatEndsIsGivenAMoment) {
    api_->answer = [](connection& to, const request& each) {
        if (to.number < 2) {
            to.peer->go_away(0, NGHTTP2_NO_ERROR);
        } else {
            http2_server::good_answer(to, each);
        }
    };
    start_client();
    ask(id_at(0));
    ASSERT_TRUE(loop_.run_until([&] { return resent(resend_cause::goaway) == 1; }));
    EXPECT_EQ(client_->connections().opening, 0U);
    ASSERT_TRUE(loop_.run_until([&] { return resent(resend_cause::goaway) == 2; }));
    EXPECT_EQ(client_->connections().opening, 0U);
    expect_all_good();
}

TEST_F(Http2Client, AServerThatStaysAwayFailsThem) {
    settings_.connect_timeout = milliseconds(600);
    start_client();
    api_->refuse();
    ask_many(5);
    EXPECT_EQ(answer(5).error, errc::connect_refused);
    EXPECT_EQ(answers_[0].sent, no_time);
    api_->listen();
    EXPECT_EQ(ask_and_wait(id_at(5)).http_status, 200);
}

TEST_F(Http2Client, AnAnswerAboutAnotherSessionEndsTheConnection) {
    api_->answer = [](connection& to, const request& each) {
        request other = each;
        if (to.number == 0) {
            other.fields[":path"] = "/v1/sessions/" + id_at(99);
        }
        http2_server::good_answer(to, other);
    };
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).error, errc::wrong_session);
    EXPECT_EQ(ask_and_wait(id_at(1)).http_status, 200);
    EXPECT_EQ(opened(), 2U);
}

TEST_F(Http2Client, AnIdleConnectionIsClosed) {
    settings_.idle_timeout = milliseconds(30);
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    EXPECT_TRUE(loop_.run_until([&] { return api_->connections.front().ended; }));
}

TEST_F(Http2Client, AReloadKeepsTheConnection) {
    start_client();
    EXPECT_EQ(ask_and_wait(id_at(0)).http_status, 200);
    settings_.request_timeout = milliseconds(5000);
    configure_client();
    EXPECT_EQ(ask_and_wait(id_at(1)).http_status, 200);
    EXPECT_EQ(opened(), 1U);
    // Another version of HTTP needs other connections.
    settings_.http_version = http_version_choice::http_1_1;
    configure_client();
    EXPECT_EQ(ask_and_wait(id_at(2)).http_status, 200);
    EXPECT_EQ(opened(), 2U);
}

TEST_F(Http2Client, StoppingWaitsForRequestsInFlight) {
    keep_requests();
    start_client();
    ask_many(5);
    await_kept(5);
    client_->stop();
    for (const auto& [from, each] : kept_) {
        http2_server::good_answer(*from, each);
        api_->send(*from);
    }
    expect_all_good();
    EXPECT_TRUE(loop_.run(client_->join()));
}

TEST_F(Http2Client, CuttingAnswersEverything) {
    keep_requests();
    start_client();
    ask_many(150);
    await_kept(150);
    client_->cut();
    EXPECT_EQ(answer(150).error, errc::cancelled);
}

// A hundred requests with a long key do not fit into the first buffer of a socket.
TEST_F(Http2Client, ALongKeyWithManyRequests) {
    start_client();
    ASSERT_TRUE(client_->use_key(secret(std::string(4096, 'k'))));
    ask_many(300);
    expect_all_good();
}

TEST_F(Http2Client, ABugInTheListenerEndsOneConnection) {
    start_client();
    throws_ = 1;
    ask_many(20);
    static_cast<void>(answer(20));
    EXPECT_TRUE(loop_.run_until([&] { return !bugs_.empty(); }));
    bugs_.clear();
    EXPECT_EQ(ask_and_wait(id_at(50)).http_status, 200);
}

} // namespace
} // namespace kallglot::test
