// One connection's HTTP/2: requests, answers and limits, with the frames of a server made by hand.

#include "http2_session_fixture.hpp"

namespace kallglot::test {

namespace {

TEST_F(Http2SessionTest, NothingIsSentBeforeTheServersSettings) {
    EXPECT_EQ(session_->room(now_), 0U);
    EXPECT_FALSE(session_->settled());
    EXPECT_TRUE(receive(h2_settings()));
    EXPECT_TRUE(session_->settled());
    EXPECT_EQ(session_->room(now_), 100U);
}

TEST_F(Http2SessionTest, AServerOfHttp1EndsIt) {
    EXPECT_FALSE(receive("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(session_->settled());
    EXPECT_EQ(session_->fault(), errc::malformed_response);
}

TEST_F(Http2SessionTest, AnAnswerIsTold) {
    start_with(1);
    EXPECT_TRUE(receive(good(1)));
    const auto told = only();
    EXPECT_EQ(told.id, id_of(1));
    EXPECT_EQ(told.answer.http_status, 200);
    EXPECT_EQ(told.answer.snapshot.status, session_status::connecting);
    EXPECT_TRUE(told.answer.headers.date);
    EXPECT_EQ(told.answer.received, now_);
    EXPECT_EQ(session_->room(now_), 100U);
}

TEST_F(Http2SessionTest, AnswersMayComeInAnyOrderAndInterleaved) {
    start_with(3);
    const std::string body = session_body(id_of(3));
    const h2_fields ok = {{":status", "200"}};
    EXPECT_TRUE(receive(h2_headers(3, ok) + h2_data(3, body.substr(0, 40), false) + good(5)
                        + h2_data(3, body.substr(40)) + good(1)));
    ASSERT_EQ(told_.all.size(), 3U);
    EXPECT_EQ(told_.all[0].id, id_of(5));
    EXPECT_EQ(told_.all[1].id, id_of(3));
    EXPECT_EQ(told_.all[2].id, id_of(1));
    for (const auto& each : told_.all) {
        EXPECT_EQ(each.answer.http_status, 200);
        EXPECT_FALSE(each.answer.error);
    }
}

// Byte by byte, and in pieces around the size of a frame header.
TEST_F(Http2SessionTest, BytesMayBeCutAnywhere) {
    for (const std::size_t piece : {1U, 2U, 8U, 9U, 10U, 100U}) {
        told_.all.clear();
        next_id_ = 1;
        piece_ = piece;
        start({});
        start_with(2);
        EXPECT_TRUE(receive(h2_headers(1, {{":status", "103"}}) + good(1) + h2_ping() + good(3)));
        ASSERT_EQ(told_.all.size(), 2U) << piece;
        EXPECT_EQ(told_.all[0].answer.http_status, 200) << piece;
        EXPECT_EQ(told_.all[1].answer.http_status, 200) << piece;
    }
}

TEST_F(Http2SessionTest, AHeaderMayContinue) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos / 2}) {
        next_id_ = 1;
        piece_ = piece;
        start({});
        start_with(1);
        const std::string block = hpack({{":status", "200"}, {"retry-after", "7"}});
        const std::string body = session_body(id_of(1));
        EXPECT_TRUE(
            receive(h2_frame(NGHTTP2_HEADERS, 0, 1, block.substr(0, 5))
                    + h2_frame(NGHTTP2_CONTINUATION, 0, 1, block.substr(5, 20))
                    + h2_frame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, block.substr(25))
                    + h2_data(1, body)));
        const auto told = only();
        EXPECT_EQ(told.answer.http_status, 200);
        EXPECT_EQ(told.answer.headers.retry_after, seconds(7));
    }
}

TEST_F(Http2SessionTest, AnErrorBodyIsParsed) {
    start_with(1);
    const std::string body = R"({"error":{"type":"rate_limit_error","code":"rate_limit_exceeded",)"
                             R"("message":"Too many requests","retry_after":12}})";
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "429"}}) + h2_data(1, body)));
    const auto told = only();
    EXPECT_EQ(told.answer.http_status, 429);
    EXPECT_FALSE(told.answer.error);
}

TEST_F(Http2SessionTest, FieldsOfInterimResponsesAreForgotten) {
    start_with(1);
    const std::string body = session_body(id_of(1));
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "103"}, {"retry-after", "7"}})
                        + h2_headers(1, {{":status", "200"}}) + h2_data(1, body)));
    const auto told = only();
    EXPECT_EQ(told.answer.http_status, 200);
    EXPECT_FALSE(told.answer.headers.retry_after);
}

TEST_F(Http2SessionTest, MoreThanTenInterimResponsesFail) {
    start_with(1);
    std::string interim;
    for (int i = 0; i < 11; ++i) {
        interim += h2_headers(1, {{":status", "103"}});
    }
    EXPECT_TRUE(receive(interim));
    EXPECT_EQ(only_error(), errc::malformed_response);
}

TEST_F(Http2SessionTest, TrailersAreSkipped) {
    start_with(1);
    const std::string body = session_body(id_of(1));
    EXPECT_TRUE(
        receive(h2_headers(1, {{":status", "200"}}) + h2_data(1, body, false)
                + h2_headers(1, {{"retry-after", "7"}, {"content-type", "text/html"}}, true)));
    const auto told = only();
    EXPECT_EQ(told.answer.http_status, 200);
    EXPECT_FALSE(told.answer.headers.retry_after);
}

struct doubtful {
    const char* name;
    h2_fields fields;
    std::string body;
    errc error;
};

class Http2DoubtfulAnswer : public Http2SessionTest,
                            public ::testing::WithParamInterface<doubtful> {};

TEST_P(Http2DoubtfulAnswer, FailsAloneAndTheConnectionStays) {
    start_with(2);
    EXPECT_TRUE(receive(h2_headers(1, GetParam().fields) + h2_data(1, GetParam().body)));
    const auto told = only();
    EXPECT_EQ(told.answer.error, GetParam().error);
    EXPECT_EQ(told.answer.http_status, 0);
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

const std::string page(200, '<');

// Each counts 32 bytes more than it has.
// Fields of 34 bytes each, as the limit counts them.
h2_fields many_fields(std::size_t count) {
    h2_fields fields(count, {"n", "v"});
    fields.front() = {":status", "200"};
    return fields;
}

INSTANTIATE_TEST_SUITE_P(
    All,
    Http2DoubtfulAnswer,
    ::testing::Values(
        doubtful{"status999", {{":status", "999"}}, page, errc::malformed_response},
        doubtful{"status000", {{":status", "000"}}, page, errc::malformed_response},
        doubtful{"encoded",
                 {{":status", "200"}, {"content-encoding", "gzip"}},
                 page,
                 errc::encoded_response},
        doubtful{"html",
                 {{":status", "200"}, {"content-type", "text/html"}},
                 page,
                 errc::foreign_content},
        doubtful{"shorter",
                 {{":status", "200"}, {"content-length", "201"}},
                 page,
                 errc::malformed_response},
        doubtful{"longer",
                 {{":status", "200"}, {"content-length", "199"}},
                 page,
                 errc::malformed_response},
        doubtful{"twoLengths",
                 {{":status", "200"}, {"content-length", "200"}, {"content-length", "200"}},
                 page,
                 errc::malformed_response},
        doubtful{"upperCase",
                 {{":status", "200"}, {"X-Upper", "value"}},
                 page,
                 errc::malformed_response},
        doubtful{"connection",
                 {{":status", "200"}, {"connection", "close"}},
                 page,
                 errc::malformed_response},
        doubtful{"badValue",
                 {{":status", "200"}, {"x-bad", "line\nbreak"}},
                 page,
                 errc::malformed_response},
        doubtful{"largeHeader", many_fields(2000), page, errc::header_too_large}),
    [](const auto& each) { return std::string(each.param.name); });

// As over HTTP/1.1: servers with many cookies and policies.
TEST_F(Http2SessionTest, AHeaderOf48KibibytesIsAccepted) {
    start_with(1);
    EXPECT_TRUE(
        receive(h2_headers(1, many_fields(48 * 1024 / 34)) + h2_data(1, session_body(id_of(1)))));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, ABodyOverTheLimitIsCancelled) {
    http2_limits limits;
    limits.body_limit_bytes = 2000;
    start(limits);
    start_with(2);
    session_->output().clear();
    const std::string part(1001, ' ');
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "200"}}) + h2_data(1, part, false)
                        + h2_data(1, part, false) + h2_data(1, part, false)));
    EXPECT_EQ(only_error(), errc::response_too_large);
    EXPECT_TRUE(session_->output().ends_with(h2_reset(1, NGHTTP2_CANCEL)));
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, BadJsonFailsAlone) {
    start_with(2);
    EXPECT_TRUE(receive(h2_ok(1, R"({"id": "sess_0123456789abcdefghijklmnop1")") + good(3)));
    ASSERT_EQ(told_.all.size(), 2U);
    EXPECT_EQ(told_.all[0].answer.error, errc::malformed_json);
    EXPECT_EQ(told_.all[1].answer.http_status, 200);
}

TEST_F(Http2SessionTest, ThreeBadAnswersInARowEndIt) {
    start_with(4);
    const h2_fields html = {{":status", "200"}, {"content-type", "text/html"}};
    EXPECT_TRUE(receive(h2_headers(1, html, true) + h2_headers(3, html, true)));
    EXPECT_FALSE(receive(h2_headers(5, html, true)));
    EXPECT_EQ(session_->fault(), errc::foreign_content);
}

// The ids no longer match: nothing on this connection can be believed.
TEST_F(Http2SessionTest, AnAnswerAboutAnotherSessionEndsIt) {
    start_with(3);
    EXPECT_FALSE(receive(good(1) + h2_ok(3, session_body(id_of(5))) + good(5)));
    session_->abandon(*session_->fault());
    session_->deliver(now_);
    ASSERT_EQ(told_.all.size(), 3U);
    EXPECT_EQ(told_.all[0].answer.http_status, 200);
    EXPECT_EQ(told_.all[1].answer.error, errc::wrong_session);
    EXPECT_FALSE(told_.all[1].answer.shared_cause);
    EXPECT_EQ(told_.all[2].id, id_of(5));
    EXPECT_EQ(told_.all[2].answer.error, errc::reused_connection_closed);
}

TEST_F(Http2SessionTest, ASecondAnswerEndsIt) {
    start_with(2);
    EXPECT_FALSE(receive(good(1) + good(1)));
    EXPECT_EQ(session_->fault(), errc::unsolicited_data);
}

TEST_F(Http2SessionTest, TheServersLimitHolds) {
    start_with(0);
    EXPECT_TRUE(receive(h2_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}})));
    EXPECT_EQ(session_->room(now_), 2U);
    ask();
    ask();
    EXPECT_EQ(session_->room(now_), 0U);
    EXPECT_TRUE(receive(h2_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}})));
    EXPECT_TRUE(receive(good(1) + good(3)));
    EXPECT_EQ(session_->room(now_), 0U);
    EXPECT_TRUE(receive(h2_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}})));
    EXPECT_EQ(session_->room(now_), 100U);
    EXPECT_EQ(told_.all.size(), 2U);
}

TEST_F(Http2SessionTest, ARequestIsSmallAfterTheFirst) {
    start_with(0);
    session_->output().clear();
    ask();
    const std::size_t first = session_->output().size();
    session_->output().clear();
    ask();
    EXPECT_LT(session_->output().size(), first);
    EXPECT_LT(session_->output().size(), 150U);
}

// A key that is replaced while requests are queued must leave nothing behind that refers to it.
TEST_F(Http2SessionTest, ARequestIsSerializedAtOnce) {
    start_with(0);
    {
        request_text passing(api_endpoint(), "kallglot_exporter/1.2.3", secret(test_key));
        tickets_.push_back(told_.add(id_of(1), now_));
        session_->open(tickets_.back(), passing);
    }
    EXPECT_TRUE(receive(good(1)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, ManyUnsentBytesLeaveNoRoom) {
    const secret large(std::string(4096, 'k'));
    request_text text(api_endpoint(), "kallglot_exporter/1.2.3", large);
    start_with(0);
    session_->output().clear();
    std::size_t opened = 0;
    while (session_->room(now_) > 0) {
        session_->open(told_.add(id_of(next_id_), now_), text);
        next_id_ += 2;
        ++opened;
    }
    EXPECT_LT(opened, 30U);
    session_->output().clear();
    EXPECT_EQ(session_->room(now_), 100U - opened);
}

TEST_F(Http2SessionTest, TheLimitOfRequestsDrainsIt) {
    http2_limits limits;
    limits.max_requests = 2;
    start(limits);
    start_with(2);
    EXPECT_TRUE(session_->draining());
    EXPECT_EQ(session_->room(now_), 0U);
    EXPECT_TRUE(receive(good(3) + good(1)));
    EXPECT_EQ(told_.all.size(), 2U);
    EXPECT_TRUE(session_->empty());
}

} // namespace
} // namespace kallglot::test
