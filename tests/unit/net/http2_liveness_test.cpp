// When a silent HTTP/2 connection is asked for a sign of life, and when it is dead. On virtual time.

#include "http2_session_fixture.hpp"

namespace kallglot::test {

namespace {

using step = http2_liveness::step;

constexpr steady_time start{seconds(1000)};

steady_time at(int milliseconds_later) {
    return start + milliseconds(milliseconds_later);
}

// One that has answered the PING of its first request, and that request.
http2_liveness proven() {
    http2_liveness liveness;
    liveness.note_ping(start - seconds(1));
    liveness.note_ping_answered();
    liveness.note_response();
    return liveness;
}

TEST(Http2Liveness, AsksAfterTwoSecondsAndIsDeadThreeLater) {
    http2_liveness liveness = proven();
    EXPECT_EQ(liveness.look(at(1999), start), step::wait);
    EXPECT_EQ(liveness.next_look(at(0), start), at(2000));
    EXPECT_EQ(liveness.look(at(2000), start), step::ping);
    liveness.note_ping(at(2000));
    EXPECT_EQ(liveness.next_look(at(2000), start), at(5000));
    EXPECT_EQ(liveness.look(at(4999), start), step::wait);
    EXPECT_EQ(liveness.look(at(5000), start), step::dead);
}

// Some load balancers never do (AWS ALB).
TEST(Http2Liveness, AServerThatNeverAnsweredAPingIsNotAskedAgain) {
    http2_liveness liveness;
    liveness.note_ping(start);
    for (int later = 0; later < 100'000; later += 500) {
        EXPECT_EQ(liveness.look(at(later), start), step::wait);
        EXPECT_GT(liveness.next_look(at(later), start), at(later));
    }
}

TEST(Http2Liveness, AnyByteIsASignOfLife) {
    http2_liveness liveness = proven();
    liveness.note_ping(at(2000));
    // A part of a response, and no answer to the PING yet.
    EXPECT_EQ(liveness.look(at(5000), at(2500)), step::ping);
    liveness.note_ping(at(5000));
    EXPECT_EQ(liveness.look(at(7999), at(2500)), step::wait);
    EXPECT_EQ(liveness.look(at(8000), at(2500)), step::dead);
}

TEST(Http2Liveness, AsksAtMostTwiceBetweenFramesOfResponses) {
    http2_liveness liveness = proven();
    int asked = 0;
    steady_time silent_since = start;
    for (int later = 0; later < 60'000; later += 100) {
        const step next = liveness.look(at(later), silent_since);
        ASSERT_NE(next, step::dead);
        EXPECT_GT(liveness.next_look(at(later), silent_since), at(later));
        if (next == step::ping) {
            ++asked;
            liveness.note_ping(at(later));
            liveness.note_ping_answered();
            silent_since = at(later + 1);
        }
    }
    EXPECT_EQ(asked, 2);
    liveness.note_response();
    EXPECT_EQ(liveness.look(at(100'000), silent_since), step::ping);
}

// The session ------------------------------------------------------------------------------------------------------------

class Http2SessionSilence : public Http2SessionTest {
protected:
    /// How many PINGs of the client are in the output, which is then cleared.
    [[nodiscard]] std::size_t pings() {
        std::size_t count = 0;
        std::string& out = session_->output();
        for (std::size_t frame = 0; frame + 9 <= out.size();) {
            const auto byte = [&](std::size_t offset) {
                return std::size_t{static_cast<unsigned char>(out[frame + offset])};
            };
            count += byte(3) == NGHTTP2_PING && byte(4) == 0 ? 1 : 0;
            frame += 9U + (byte(0) << 16U) + (byte(1) << 8U) + byte(2);
        }
        out.clear();
        return count;
    }

    void pass(steady_duration time) { now_ += time; }

    [[nodiscard]] static std::string pong() {
        return h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0'));
    }

    /// With the answers to the first PING and to the first request; a second one is in flight.
    void start_alive() {
        start_with(1);
        EXPECT_TRUE(receive(pong() + good(1)));
        EXPECT_EQ(only().answer.http_status, 200);
        EXPECT_EQ(pings(), 1U);
        ask();
    }
};

TEST_F(Http2SessionSilence, TheFirstRequestBringsAPingAndNoOtherDoes) {
    EXPECT_TRUE(receive(h2_settings()));
    EXPECT_EQ(pings(), 0U);
    ask();
    EXPECT_EQ(pings(), 1U);
    ask();
    ask();
    EXPECT_EQ(pings(), 0U);
}

TEST_F(Http2SessionSilence, ASilentServerIsAskedAndThenDead) {
    start_alive();
    pass(seconds(2));
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_EQ(pings(), 1U);
    EXPECT_EQ(session_->next_check(now_), now_ + seconds(3));
    // Requests that are sent into the silence do not make it shorter.
    pass(seconds(2));
    ask();
    pass(seconds(1));
    EXPECT_FALSE(session_->is_alive(now_));
    session_->abandon(errc::request_timeout);
    session_->deliver(now_);
    ASSERT_EQ(told_.all.size(), 2U);
    for (const auto& each : told_.all) {
        EXPECT_EQ(each.answer.error, errc::reused_connection_closed);
    }
}

TEST_F(Http2SessionSilence, AnAnsweredPingKeepsItAlive) {
    start_alive();
    pass(seconds(2));
    EXPECT_TRUE(session_->is_alive(now_));
    pass(seconds(1));
    EXPECT_TRUE(receive(pong()));
    pass(seconds(4));
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionSilence, NothingIsAskedWithNothingInFlight) {
    start_alive();
    EXPECT_TRUE(receive(good(3)));
    told_.all.clear();
    static_cast<void>(pings());
    EXPECT_EQ(session_->next_check(now_), steady_time::max());
    pass(seconds(60));
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_EQ(pings(), 0U);
    // The silence before a request is not held against the server.
    ask();
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_EQ(pings(), 0U);
    EXPECT_EQ(session_->next_check(now_), now_ + seconds(2));
}

TEST_F(Http2SessionSilence, ACancelledRequestIsNotInFlight) {
    start_alive();
    static_cast<void>(pings());
    session_->cancel(tickets_[1], now_);
    pass(seconds(60));
    EXPECT_EQ(session_->next_check(now_), steady_time::max());
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_EQ(pings(), 0U);
    session_->deliver(now_);
}

// The server counts PINGs as an attack.
TEST_F(Http2SessionSilence, AServerThatAsksForCalmGetsNoPing) {
    start_alive();
    ask();
    static_cast<void>(pings());
    EXPECT_TRUE(receive(h2_reset(3, NGHTTP2_ENHANCE_YOUR_CALM)));
    told_.all.clear();
    pass(seconds(60));
    EXPECT_TRUE(session_->is_alive(now_));
    EXPECT_EQ(pings(), 0U);

    http2_limits calm;
    calm.may_ping = false;
    start(calm);
    next_id_ = 1;
    start_with(1);
    EXPECT_EQ(pings(), 0U);
}

} // namespace
} // namespace kallglot::test
