// What becomes of requests whose stream or connection ends without an answer.

#include "http2_session_fixture.hpp"

namespace kallglot::test {

namespace {

// A stream that closed with NO_ERROR looks like success; many clients took the half of a body for the whole.
TEST_F(Http2SessionTest, ResetWithNoErrorInMidBodyIsNoAnswer) {
    start_with(2);
    const std::string body = session_body(id_of(1));
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "200"}}) + h2_data(1, body, false)
                        + h2_reset(1, NGHTTP2_NO_ERROR)));
    EXPECT_EQ(only_error(), errc::stream_reset);
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, ResetBehindAWholeAnswerChangesNothing) {
    start_with(1);
    EXPECT_TRUE(receive(good(1) + h2_reset(1, NGHTTP2_NO_ERROR)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, ARefusedRequestIsNotProcessed) {
    start_with(2);
    EXPECT_TRUE(receive(h2_reset(1, NGHTTP2_REFUSED_STREAM)));
    EXPECT_EQ(only().resend, resend_cause::refused);
    EXPECT_TRUE(session_->draining());
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, RefusedBehindAHeaderMayBeProcessed) {
    start_with(1);
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "200"}}) + h2_reset(1, NGHTTP2_REFUSED_STREAM)));
    EXPECT_EQ(only_error(), errc::stream_reset);
}

TEST_F(Http2SessionTest, GoawayLeavesOlderRequestsAlone) {
    start_with(3);
    EXPECT_TRUE(receive(good(1)));
    EXPECT_EQ(only().answer.http_status, 200);
    EXPECT_TRUE(receive(h2_goaway(3, NGHTTP2_NO_ERROR)));
    const auto told = only();
    EXPECT_EQ(told.id, id_of(5));
    EXPECT_EQ(told.resend, resend_cause::goaway);
    EXPECT_EQ(session_->room(now_), 0U);
    EXPECT_TRUE(session_->draining());
    const auto notices = session_->take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].code, http2_code::no_error);
    EXPECT_EQ(notices[0].requests, 2U);
    // The last answer; nothing can follow on this connection.
    receive(good(3));
    EXPECT_EQ(only().answer.http_status, 200);
    EXPECT_TRUE(session_->empty());
}

TEST_F(Http2SessionTest, TheFirstOfTwoGoawaysStopsNothing) {
    start_with(2);
    EXPECT_TRUE(receive(h2_goaway(0x7fffffff, NGHTTP2_NO_ERROR)));
    EXPECT_TRUE(told_.all.empty());
    EXPECT_TRUE(session_->draining());
    EXPECT_TRUE(receive(h2_goaway(1, NGHTTP2_NO_ERROR)));
    EXPECT_EQ(only().resend, resend_cause::goaway);
    EXPECT_EQ(session_->take_notices().size(), 2U);
}

TEST_F(Http2SessionTest, GoawayWithHttp11RequiredSaysSo) {
    start_with(2);
    receive(h2_goaway(0, NGHTTP2_HTTP_1_1_REQUIRED));
    ASSERT_EQ(told_.all.size(), 2U);
    EXPECT_EQ(told_.all[0].resend, resend_cause::http_1_1_required);
    EXPECT_EQ(told_.all[1].resend, resend_cause::http_1_1_required);
    EXPECT_EQ(session_->take_notices().front().code, http2_code::http_1_1_required);
}

TEST_F(Http2SessionTest, ResetWithHttp11RequiredSaysSo) {
    start_with(1);
    EXPECT_TRUE(receive(h2_reset(1, NGHTTP2_HTTP_1_1_REQUIRED)));
    EXPECT_EQ(only().resend, resend_cause::http_1_1_required);
    const auto notices = session_->take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_FALSE(notices[0].goaway);
}

TEST_F(Http2SessionTest, EnhanceYourCalmDrains) {
    start_with(2);
    EXPECT_TRUE(receive(h2_reset(1, NGHTTP2_ENHANCE_YOUR_CALM)));
    EXPECT_EQ(only_error(), errc::stream_reset);
    EXPECT_TRUE(session_->draining());
}

// Go's rule: the server rejects what this client does, and sending it again would be a loop.
TEST_F(Http2SessionTest, GoawayWithAnErrorForTheFirstRequestFails) {
    start_with(2);
    receive(h2_goaway(0, NGHTTP2_PROTOCOL_ERROR));
    ASSERT_EQ(told_.all.size(), 2U);
    for (const auto& each : told_.all) {
        if (each.id == id_of(1)) {
            EXPECT_EQ(each.answer.error, errc::connection_closed);
        } else {
            EXPECT_EQ(each.resend, resend_cause::goaway);
        }
    }
}

TEST_F(Http2SessionTest, ARisingLastIdEndsIt) {
    start_with(3);
    EXPECT_TRUE(receive(h2_goaway(1, NGHTTP2_NO_ERROR)));
    EXPECT_FALSE(receive(h2_goaway(3, NGHTTP2_NO_ERROR)));
}

TEST_F(Http2SessionTest, ALostConnectionIsOneFailure) {
    start_with(0);
    // Requests that were sent a second time.
    for (int i = 0; i < 4; ++i) {
        ask(true);
    }
    EXPECT_TRUE(receive(h2_headers(3, {{":status", "200"}})));
    session_->abandon(errc::connection_reset);
    session_->deliver(now_);
    ASSERT_EQ(told_.all.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(told_.all[i].answer.error, errc::connection_reset);
        EXPECT_EQ(told_.all[i].answer.shared_cause, i != 0);
    }
}

// A server that is restarted loses a connection that has just opened.
TEST_F(Http2SessionTest, RequestsOfALostConnectionAreRetriedWithoutAnAnswerOnIt) {
    start_with(3);
    EXPECT_TRUE(receive(h2_headers(3, {{":status", "200"}})));
    session_->abandon(errc::connection_reset);
    session_->deliver(now_);
    ASSERT_EQ(told_.all.size(), 3U);
    EXPECT_EQ(told_.all[0].answer.error, errc::reused_connection_closed);
    EXPECT_EQ(told_.all[1].answer.error, errc::connection_reset);
    EXPECT_FALSE(told_.all[1].answer.shared_cause);
    EXPECT_EQ(told_.all[2].answer.error, errc::reused_connection_closed);
}

TEST_F(Http2SessionTest, ALostConnectionThatWorkedIsRetried) {
    start_with(2);
    ask(true);
    EXPECT_TRUE(receive(good(1)));
    told_.all.clear();
    session_->abandon(errc::connection_closed);
    session_->deliver(now_);
    ASSERT_EQ(told_.all.size(), 2U);
    EXPECT_EQ(told_.all[0].answer.error, errc::reused_connection_closed);
    // This one is the retry.
    EXPECT_EQ(told_.all[1].answer.error, errc::connection_closed);
}

TEST_F(Http2SessionTest, AnOrderlyEndSaysGoodbye) {
    start_with(1);
    EXPECT_TRUE(receive(good(1)));
    session_->output().clear();
    session_->abandon(errc::cancelled);
    session_->say_goodbye();
    EXPECT_EQ(session_->output(), h2_goaway(0, NGHTTP2_NO_ERROR));
}

TEST_F(Http2SessionTest, AFloodIsAnsweredWithItsReason) {
    start_with(0);
    session_->output().clear();
    std::string pings;
    for (int i = 0; i < 1'001; ++i) {
        pings += h2_ping();
    }
    EXPECT_FALSE(receive(pings));
    EXPECT_TRUE(session_->output().ends_with(h2_goaway(0, NGHTTP2_ENHANCE_YOUR_CALM)));
}

TEST_F(Http2SessionTest, AConnectionErrorIsToldToEveryRequest) {
    start_with(4);
    // nghttp2 closes no stream for it.
    EXPECT_FALSE(receive(h2_data(9, "a stream that is idle")));
    session_->abandon(*session_->fault());
    session_->deliver(now_);
    EXPECT_EQ(told_.all.size(), 4U);
    EXPECT_TRUE(told_.requests.empty());
}

TEST_F(Http2SessionTest, ACancelledRequestKeepsItsPlace) {
    start_with(3);
    session_->output().clear();
    session_->cancel(tickets_[1], now_);
    EXPECT_EQ(session_->output(), h2_reset(3, NGHTTP2_CANCEL));
    EXPECT_TRUE(told_.all.empty());
    session_->deliver(now_);
    const auto told = only();
    EXPECT_EQ(told.id, id_of(3));
    EXPECT_EQ(told.answer.error, errc::request_timeout);
    EXPECT_EQ(session_->room(now_), 97U);
    EXPECT_EQ(session_->room(now_ + seconds(10)), 98U);
}

TEST_F(Http2SessionTest, LateFramesOfACancelledRequestAreIgnored) {
    start_with(3);
    session_->cancel(tickets_[1], now_);
    session_->deliver(now_);
    told_.all.clear();
    const std::string large(16000, 'x');
    EXPECT_TRUE(receive(h2_headers(3, {{":status", "200"}}) + h2_data(3, large, false)
                        + h2_data(3, large, false) + h2_data(3, large) + good(1) + good(5)));
    ASSERT_EQ(told_.all.size(), 2U);
    EXPECT_EQ(told_.all[0].answer.http_status, 200);
    EXPECT_EQ(told_.all[1].answer.http_status, 200);
}

TEST_F(Http2SessionTest, ManyCancelledRequestsAreACrowd) {
    start_with(60);
    for (int i = 0; i < 50; ++i) {
        session_->cancel(tickets_[static_cast<std::size_t>(i)], now_);
    }
    EXPECT_FALSE(session_->crowded(now_));
    session_->cancel(tickets_[50], now_);
    EXPECT_TRUE(session_->crowded(now_));
    session_->deliver(now_);
    EXPECT_EQ(told_.all.size(), 51U);
}

// The listener sends the next request from inside an answer.
TEST_F(Http2SessionTest, ARequestMayFollowFromInsideAnAnswer) {
    struct eager : told_answers {
        http2_session* session = nullptr;
        request_text* text = nullptr;
        int next = 3;

        void on_exchanged(exchange_ref done, api_answer& answer) override {
            told_answers::on_exchanged(done, answer);
            if (next < 20) {
                session->open(add(id_of(next), steady_time(seconds(1))), *text);
                next += 2;
            }
        }
    } listener;

    http2_session session(listener, readers_, {});
    listener.session = &session;
    listener.text = &text_;
    EXPECT_TRUE(session.receive(h2_settings(), now_));
    session.open(listener.add(id_of(1), now_), text_);
    for (int id = 1; id < 21; id += 2) {
        EXPECT_TRUE(session.receive(good(id), now_));
        session.deliver(now_);
    }
    EXPECT_EQ(listener.all.size(), 10U);
    EXPECT_TRUE(session.empty());
}

TEST_F(Http2SessionTest, AnExceptionOfTheListenerLosesNoOther) {
    struct failing : told_answers {
        int throws = 1;

        void on_exchanged(exchange_ref done, api_answer& answer) override {
            told_answers::on_exchanged(done, answer);
            if (throws-- > 0) {
                throw std::bad_alloc();
            }
        }
    } listener;

    http2_session session(listener, readers_, {});
    EXPECT_TRUE(session.receive(h2_settings(), now_));
    session.open(listener.add(id_of(1), now_), text_);
    session.open(listener.add(id_of(3), now_), text_);
    EXPECT_TRUE(session.receive(good(1) + good(3), now_));
    EXPECT_THROW(session.deliver(now_), std::bad_alloc);
    session.deliver(now_);
    EXPECT_EQ(listener.all.size(), 2U);
}

} // namespace
} // namespace kallglot::test
