// Servers that send without end, or much more than they should: the session ends, and soon.

#include "http2_session_fixture.hpp"

namespace kallglot::test {

namespace {

struct flood {
    const char* name;
    std::string frame;
    std::size_t most; // frames until the end
};

class Http2Flood : public Http2SessionTest, public ::testing::WithParamInterface<flood> {};

TEST_P(Http2Flood, EndsTheConnection) {
    start_with(2);
    const flood& each = GetParam();
    std::size_t frames = 0;
    // A TLS record at a time, as they arrive.
    const std::size_t count = 1 + 16'000 / each.frame.size();
    std::string record;
    for (std::size_t i = 0; i < count; ++i) {
        record += each.frame;
    }
    while (receive(record)) {
        frames += count;
        ASSERT_LE(frames, each.most);
        session_->output().clear();
    }
    EXPECT_EQ(session_->fault(), errc::malformed_response);
    EXPECT_LT(session_->memory().size(), 200'000U);
    session_->abandon(*session_->fault());
    session_->deliver(now_);
    EXPECT_EQ(told_.all.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    Http2Flood,
    ::testing::Values(
        flood{"ping", h2_ping(), 2'000},
        flood{"settings", h2_settings({{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0}}), 2'000},
        flood{"windowUpdate", h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, big_endian(1, 4)), 2'000},
        flood{"priority", h2_frame(NGHTTP2_PRIORITY, 0, 1, big_endian(0, 5)), 2'000},
        flood{"unknown", h2_frame(0x77, 0, 0, std::string(100, 'u')), 2'000},
        flood{"emptyUnknown", h2_frame(0x77, 0, 0), 20'000},
        flood{"emptyData", h2_headers(1, {{":status", "103"}}) + h2_data(1, "", false), 5'000},
        flood{"headersOfACancelledRequest", h2_headers(1, {{":status", "103"}}), 2'000},
        flood{"resetOfNone", h2_reset(1, NGHTTP2_CANCEL), 2'000}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(Http2SessionTest, EmptyDataWithoutEndEndsIt) {
    start_with(1);
    EXPECT_TRUE(receive(h2_headers(1, {{":status", "200"}})));
    bool alive = true;
    for (int i = 0; i < 1'001; ++i) {
        alive = receive(h2_data(1, "", false));
    }
    EXPECT_FALSE(alive);
}

TEST_F(Http2SessionTest, DataOfADoneStreamEndsIt) {
    start_with(2);
    EXPECT_TRUE(receive(good(1)));
    const std::string data = h2_data(1, std::string(16'000, 'x'), false);
    std::size_t bytes = 0;
    while (receive(data)) {
        bytes += data.size();
        ASSERT_LT(bytes, 1'000'000U);
    }
}

TEST_F(Http2SessionTest, PingsBetweenAnswersAreOrdinary) {
    start_with(0);
    for (int id = 1; id < 2'000; id += 2) {
        ask();
        EXPECT_TRUE(receive(h2_ping() + h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, big_endian(1, 4))
                            + good(id)));
        session_->output().clear();
    }
    EXPECT_EQ(told_.all.size(), 1'000U);
}

// One entry of 4 KB in the table, then one byte a reference: 147 KB would become 550 MB.
TEST_F(Http2SessionTest, AnHpackBombIsCutShort) {
    start_with(2);
    std::string block = hpack({{":status", "200"}});
    block += '\x40';
    block += hpack_size(1) + "b" + hpack_size(4000) + std::string(4000, 'b');
    block.append(12'000, '\xbe');
    EXPECT_TRUE(receive(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block)));
    EXPECT_EQ(only_error(), errc::header_too_large);
    EXPECT_TRUE(receive(good(3)));
    EXPECT_EQ(only().answer.http_status, 200);
}

TEST_F(Http2SessionTest, MoreThanFourContinuationsEndIt) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos / 2}) {
        next_id_ = 1;
        piece_ = piece;
        start({});
        start_with(1);
        std::string frames = h2_frame(NGHTTP2_HEADERS, 0, 1, hpack({{":status", "200"}}));
        const std::string more = h2_frame(NGHTTP2_CONTINUATION, 0, 1, hpack({{"x", "y"}}));
        EXPECT_TRUE(receive(frames + more + more + more + more));
        EXPECT_FALSE(receive(more));
    }
}

TEST_F(Http2SessionTest, PushIsRefused) {
    start_with(1);
    const std::string promise = big_endian(2, 4) + hpack({{":method", "GET"}});
    receive(h2_frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, promise));
    session_->abandon(errc::connection_closed);
    session_->deliver(now_);
    EXPECT_EQ(told_.all.size(), 1U);
    EXPECT_NE(told_.all[0].answer.http_status, 200);
}

TEST_F(Http2SessionTest, DataOverTheWindowIsRefused) {
    http2_limits limits;
    limits.body_limit_bytes = 1'000'000;
    start(limits);
    start_with(1);
    std::string bytes = h2_headers(1, {{":status", "404"}});
    for (int i = 0; i < 80; ++i) {
        bytes += h2_data(1, std::string(16'000, 'x'), false);
    }
    receive(bytes);
    ASSERT_EQ(told_.all.size(), 1U);
    EXPECT_EQ(told_.all[0].answer.error, errc::response_too_large);
}

// A session that gets no memory ends; whatever it was doing, each request has its answer.
TEST_F(Http2SessionTest, ALackOfMemoryEndsIt) {
    for (std::size_t spare = 0; spare < 12'000; spare += 150) {
        told_.all.clear();
        tickets_.clear();
        next_id_ = 1;
        start({});
        start_with(2);
        session_->memory().max_size_bytes = session_->memory().size() + spare;
        bool alive = true;
        if (session_->room(now_) > 0) {
            ask();
        }
        alive = receive(good(1) + good(3) + good(5));
        session_->abandon(alive ? errc::cancelled : session_->fault().value());
        session_->deliver(now_);
        EXPECT_EQ(told_.all.size(), 3U) << spare;
        EXPECT_TRUE(told_.requests.empty());
    }
}

TEST_F(Http2SessionTest, MemoryReturnsToWhatItWas) {
    start_with(1);
    EXPECT_TRUE(receive(good(1)));
    const std::size_t before = session_->memory().size();
    for (int round = 0; round < 100; ++round) {
        const int first = next_id_;
        ask();
        ask();
        EXPECT_TRUE(receive(good(first) + good(first + 2)));
        session_->output().clear();
    }
    EXPECT_LE(session_->memory().size(), before + 4096);
    EXPECT_LT(session_->memory().size(), 60'000U);
}

} // namespace
} // namespace kallglot::test
