#include "simulator/http2_session.hpp"

#include "http2_client.hpp"
#include "simulator/api_routes.hpp"
#include "simulator/units.hpp"

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace kallglot::simulator {
namespace {

using std::chrono::seconds;

const system_time epoch{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};
const std::string key = "sk_test_CANARY_0123456789abcdef0123456789";

population_settings some_sessions() {
    population_settings settings;
    settings.sessions = 20;
    return settings;
}

// The simulator's account without a network.
class memory_host final : public request_host {
public:
    verdict answer(const http_request& request,
                   const request_origin& origin,
                   http_answer& out) override {
        EXPECT_TRUE(origin.http2);
        state_.stats.request_begun(epoch);
        routes_.answer(request, epoch, origin, out);
        verdict made;
        made.counted = true;
        made.delay = out.wire == fault::late ? state_.faults.late_by : delay;
        return made;
    }

    api_state& state() override { return state_; }

    http_answer& blank_answer() override { return unused_; }

    std::chrono::milliseconds delay{0};

private:
    api_state state_{population(some_sessions(), epoch),
                     fault_plan{},
                     rate_limiter(),
                     request_stats{},
                     key};
    api_routes routes_{state_, 1};
    http_answer unused_;
};

class Http2Session : public testing::Test {
protected:
    ~Http2Session() override {
        session_.reset();
        EXPECT_EQ(host_.state().stats.in_flight, 0U);
    }

    void set(const std::string& faults) {
        EXPECT_EQ(apply_json(host_.state().faults, faults).value_or(""), "");
    }

    std::int32_t get(std::uint64_t number = 0) {
        return client_.send("GET", "/v1/sessions/" + host_.state().sessions.id_of(number), key);
    }

    // Moves bytes in both directions until neither side has any; returns nghttp2's error at the client.
    int exchange() {
        for (int round = 0; round < 50; ++round) {
            const std::string up = client_.take();
            std::string down;
            if (!up.empty()) {
                session_->receive(up, now_, down);
            }
            session_->resume(now_, down);
            if (up.empty() && down.empty()) {
                return 0;
            }
            if (const int error = client_.feed(down)) {
                return error;
            }
        }
        return 0;
    }

    http2_client::answer& answer_to(std::int32_t id) {
        EXPECT_EQ(exchange(), 0);
        return client_.of(id);
    }

    memory_host host_;
    server_session::moment now_{seconds{1000}};
    std::unique_ptr<http2_session> session_ = std::make_unique<http2_session>(host_, true);
    http2_client client_;
};

TEST_F(Http2Session, AnswersManyStreamsOfOneConnection) {
    std::vector<std::int32_t> ids;
    for (std::uint64_t number = 0; number < 20; ++number) {
        ids.push_back(get(number));
    }
    ASSERT_EQ(exchange(), 0);
    for (std::uint64_t number = 0; number < 20; ++number) {
        const auto& answer = client_.of(ids[number]);
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(answer.ended);
        EXPECT_EQ(answer.fields.at("content-length"), std::to_string(answer.body.size()));
        EXPECT_EQ(boost::json::parse(answer.body).at("id").as_string(),
                  host_.state().sessions.id_of(number));
    }
    const auto& stats = host_.state().stats;
    EXPECT_EQ(stats.session_requests, 20U);
    EXPECT_EQ(stats.answers_by_status[200], 20U);
    EXPECT_EQ(stats.http2.connections, 1U);
    EXPECT_EQ(stats.http2.requests, 20U);
    EXPECT_EQ(stats.http2.streams_peak, 20U);
}

TEST_F(Http2Session, ChecksTheKeyAndTheMethod) {
    const std::int32_t wrong = client_.send("GET", "/v1/sessions/x", "sk_test_wrong");
    const std::int32_t unknown = client_.send("GET", "/v1/sessions/x?a=1", key);
    const std::int32_t removal = client_.send("DELETE", "/v1/sessions/x", key);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(client_.of(wrong).status, 401);
    EXPECT_EQ(client_.of(unknown).status, 404);
    EXPECT_EQ(client_.of(removal).status, 405);
}

TEST_F(Http2Session, DelaysEachStreamByItself) {
    host_.delay = seconds{3};
    const std::int32_t slow = get(0);
    ASSERT_EQ(exchange(), 0);
    host_.delay = seconds{1};
    const std::int32_t quick = get(1);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(host_.state().stats.in_flight, 2U);
    EXPECT_EQ(session_->next_due(), now_ + seconds{1});
    now_ += seconds{1};
    EXPECT_EQ(answer_to(quick).status, 200);
    EXPECT_EQ(client_.of(slow).status, 0);
    now_ += seconds{2};
    EXPECT_EQ(answer_to(slow).status, 200);
}

TEST_F(Http2Session, BytesMayComeOneByOne) {
    const std::int32_t id = get();
    std::string down;
    for (const char byte : client_.take()) {
        session_->receive(std::string_view(&byte, 1), now_, down);
    }
    EXPECT_EQ(client_.feed(down), 0);
    EXPECT_EQ(answer_to(id).status, 200);
}

TEST_F(Http2Session, TextOfHttp1EndsTheSession) {
    std::string down;
    session_->receive("GET /v1/sessions/x HTTP/1.1\r\nHost: localhost\r\n\r\n", now_, down);
    EXPECT_EQ(session_->end(), session_end::leave);
    EXPECT_EQ(host_.state().stats.malformed_requests, 1U);
}

struct status_row {
    const char* fault;
    int status;
};

class Http2Answers : public Http2Session, public testing::WithParamInterface<status_row> {};

TEST_P(Http2Answers, FaultWithAWholeAnswerEndsItsStream) {
    set(std::string("{\"") + GetParam().fault + "\":1}");
    const std::int32_t id = get();
    const auto& answer = answer_to(id);
    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.closed_with, NGHTTP2_NO_ERROR);
    EXPECT_EQ(host_.state().stats.faults[static_cast<std::size_t>(
                  fault_from_text(GetParam().fault).value_or(fault::none))],
              1U);
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 200) << "the connection stays";
}

INSTANTIATE_TEST_SUITE_P(Faults,
                         Http2Answers,
                         testing::Values(status_row{"unauthorized", 401},
                                         status_row{"payment_required", 402},
                                         status_row{"forbidden", 403},
                                         status_row{"not_found", 404},
                                         status_row{"gone", 410},
                                         status_row{"misdirected", 421},
                                         status_row{"rate_limited", 429},
                                         status_row{"server_error", 500},
                                         status_row{"bad_gateway", 502},
                                         status_row{"unavailable", 503},
                                         status_row{"bad_status", 999},
                                         status_row{"redirect", 302},
                                         status_row{"not_json", 200},
                                         status_row{"empty_body", 200},
                                         status_row{"wrong_id", 200},
                                         status_row{"unknown_status", 200},
                                         status_row{"hostile_words", 200},
                                         status_row{"chunked", 200},
                                         status_row{"interim", 200},
                                         status_row{"interim_flood", 200},
                                         status_row{"two_responses", 200},
                                         status_row{"deep", 200},
                                         status_row{"trailers", 200},
                                         status_row{"trailer_field", 200},
                                         status_row{"wrong_types", 200},
                                         status_row{"bad_dates", 200},
                                         status_row{"backwards", 200}),
                         [](const auto& row) { return std::string(row.param.fault); });

struct reset_row {
    const char* name;
    const char* faults;
    std::uint32_t code;
    int status; // 0: no answer began
};

class Http2Resets : public Http2Session, public testing::WithParamInterface<reset_row> {};

TEST_P(Http2Resets, StreamIsResetAndTheConnectionStays) {
    set(GetParam().faults);
    const std::int32_t id = get();
    const auto& answer = answer_to(id);
    EXPECT_EQ(answer.closed_with, GetParam().code);
    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_FALSE(answer.ended);
    EXPECT_FALSE(client_.over());
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Faults,
    Http2Resets,
    testing::Values(
        reset_row{"Refused", R"({"refused_stream":1})", NGHTTP2_REFUSED_STREAM, 0},
        reset_row{"Http11Required", R"({"http_1_1_required":1})", NGHTTP2_HTTP_1_1_REQUIRED, 0},
        reset_row{"Cancelled", R"({"reset_stream":1})", NGHTTP2_CANCEL, 0},
        reset_row{"WithACode",
                  R"({"reset_stream":1,"reset_code":11})",
                  NGHTTP2_ENHANCE_YOUR_CALM,
                  0},
        reset_row{"InTheBody", R"({"reset_body":1})", NGHTTP2_CANCEL, 200},
        reset_row{"InTheBodyWithoutAnError",
                  R"({"reset_body":1,"reset_code":"NO_ERROR"})",
                  NGHTTP2_NO_ERROR,
                  200},
        // nghttp2 at the client finds these.
        reset_row{"LongerBody", R"({"longer_body":1})", NGHTTP2_PROTOCOL_ERROR, 200},
        reset_row{"ShorterBody", R"({"shorter_body":1})", NGHTTP2_PROTOCOL_ERROR, 200},
        reset_row{"ForbiddenField", R"({"forbidden_field":1})", NGHTTP2_PROTOCOL_ERROR, 200}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Http2Session, ResetInTheBodySendsAPartOfIt) {
    set(R"({"reset_body":1,"reset_code":"NO_ERROR"})");
    const auto& answer = answer_to(get());
    EXPECT_GT(answer.body.size(), 0U);
    EXPECT_LT(answer.body.size(), std::stoul(answer.fields.at("content-length")));
}

TEST_F(Http2Session, RefusedRequestsCostNoBudget) {
    host_.state().limiter = rate_limiter(event_rate{1, std::chrono::minutes{1}}, {});
    for (const char* const refusal : {"refused_stream", "http_1_1_required"}) {
        set(std::string(R"({"reset":true,")") + refusal + "\":1}");
        EXPECT_EQ(answer_to(get()).status, 0);
    }
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 200);
    EXPECT_EQ(answer_to(get()).status, 429);
    EXPECT_EQ(host_.state().sessions.questions(0), 1U);
}

TEST_F(Http2Session, TrailersFollowTheBody) {
    set(R"({"trailer_field":1})");
    EXPECT_EQ(answer_to(get()).trailers.size(), 1U);
    set(R"({"reset":true,"interim_flood":1})");
    EXPECT_EQ(answer_to(get()).interim_count, interim_flood_count);
}

TEST_F(Http2Session, ClosesLikeNginxAfterTheConfiguredCount) {
    set(R"({"close_after":3})");
    std::vector<std::int32_t> ids;
    for (std::uint64_t number = 0; number < 6; ++number) {
        ids.push_back(get(number));
    }
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(client_.goaway(), std::pair(ids[2], std::uint32_t{NGHTTP2_NO_ERROR}));
    EXPECT_EQ(client_.of(ids[2]).status, 200);
    EXPECT_EQ(client_.of(ids[3]).status, 0);
    EXPECT_EQ(client_.of(ids[3]).closed_with, NGHTTP2_REFUSED_STREAM);
    EXPECT_EQ(session_->end(), session_end::leave);
    EXPECT_EQ(host_.state().stats.session_requests, 3U);
    EXPECT_EQ(host_.state().stats.http2.dropped_requests, 3U);
    EXPECT_EQ(host_.state().stats.http2.goaways, 1U);
}

TEST_F(Http2Session, ConnectionStaysForStreamsBeforeTheGoaway) {
    host_.delay = seconds{1};
    const std::int32_t before = get(0);
    ASSERT_EQ(exchange(), 0);
    host_.delay = seconds{0};
    set(R"({"goaway":1,"goaway_code":"ENHANCE_YOUR_CALM"})");
    const std::int32_t refused = get(1);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(client_.goaway(), std::pair(before, std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM}));
    EXPECT_EQ(client_.of(refused).closed_with, NGHTTP2_REFUSED_STREAM);
    EXPECT_EQ(session_->end(), session_end::open);
    now_ += seconds{1};
    EXPECT_EQ(answer_to(before).status, 200);
    EXPECT_EQ(session_->end(), session_end::leave);
}

TEST_F(Http2Session, ConnectionCloseIsAGoaway) {
    set(R"({"connection_close":1})");
    const std::int32_t id = get();
    EXPECT_EQ(answer_to(id).status, 200);
    EXPECT_EQ(client_.goaway(), std::pair(id, std::uint32_t{NGHTTP2_NO_ERROR}));
    EXPECT_EQ(session_->end(), session_end::leave);
}

TEST_F(Http2Session, ChangedStreamLimitIsAnnouncedAtOnce) {
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(client_.max_streams(), 100U);
    for (const std::uint32_t limit : {0U, 1U, 250U}) {
        set("{\"max_streams\":" + std::to_string(limit) + "}");
        ASSERT_EQ(exchange(), 0);
        EXPECT_EQ(client_.max_streams(), limit);
    }
}

TEST_F(Http2Session, HangingStreamDoesNotHoldUpOthers) {
    set(R"({"hang":1})");
    const std::int32_t hanging = get();
    ASSERT_EQ(exchange(), 0);
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 200);
    EXPECT_EQ(host_.state().stats.in_flight, 1U);
    client_.cancel(hanging);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(host_.state().stats.in_flight, 0U);
    EXPECT_EQ(host_.state().stats.http2.cancelled_requests, 1U);
}

TEST_F(Http2Session, StalledConnectionSendsNothingMore) {
    ASSERT_EQ(exchange(), 0);
    set(R"({"stall":1})");
    get();
    ASSERT_EQ(exchange(), 0);
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 0);
    EXPECT_EQ(session_->end(), session_end::open);
}

TEST_F(Http2Session, CutsTheConnection) {
    set(R"({"truncate":1})");
    const auto& answer = answer_to(get());
    EXPECT_GT(answer.body.size(), 0U);
    EXPECT_FALSE(answer.ended);
    EXPECT_EQ(session_->end(), session_end::cut);
}

TEST_F(Http2Session, ClosesWithoutAnAnswer) {
    set(R"({"close":1})");
    EXPECT_EQ(answer_to(get()).status, 0);
    EXPECT_EQ(session_->end(), session_end::cut);
}

TEST_F(Http2Session, DripSendsOneByteASecond) {
    set(R"({"drip":1})");
    const std::int32_t id = get();
    EXPECT_EQ(answer_to(id).body.size(), 1U);
    EXPECT_EQ(session_->next_due(), now_ + drip_pause);
    for (int second = 0; second < 5; ++second) {
        now_ += drip_pause;
        ASSERT_EQ(exchange(), 0);
    }
    EXPECT_EQ(client_.of(id).body.size(), 6U);
}

TEST_F(Http2Session, EndlessBodyObeysTheWindow) {
    for (const char* const kind : {"endless", "huge"}) {
        set(std::string(R"({"reset":true,")") + kind + "\":1}");
        const std::int32_t id = get();
        for (int step = 0; step < 3; ++step) {
            now_ += flood_pause;
            ASSERT_EQ(exchange(), 0);
        }
        EXPECT_GT(client_.of(id).body.size(), std::size_t{2} * flood_at_once) << kind;
        EXPECT_EQ(client_.of(id).fields.contains("content-length"), kind[0] == 'h');
    }
}

TEST_F(Http2Session, LateAnswersComeLater) {
    set(R"({"late":1,"late_by":"20s"})");
    const std::int32_t id = get();
    EXPECT_EQ(answer_to(id).status, 0);
    now_ += seconds{20};
    EXPECT_EQ(answer_to(id).status, 200);
}

TEST_F(Http2Session, DataFollowsOnACancelledStream) {
    set(R"({"hang":1,"cancelled_bytes":1000000})");
    const std::int32_t id = get();
    ASSERT_EQ(exchange(), 0);
    client_.cancel(id);
    for (int step = 0; step < 5; ++step) {
        now_ += flood_pause;
        ASSERT_EQ(exchange(), 0);
    }
    EXPECT_GE(client_.fed_bytes(), 1'000'000U);
    set(R"({"reset":true})");
    EXPECT_EQ(answer_to(get()).status, 200);
}

struct hostile_row {
    const char* fault;
    std::uint8_t frame; // that the client gets many of, or one
    int count;
};

class Http2Hostility : public Http2Session, public testing::WithParamInterface<hostile_row> {};

// nghttp2 ends some of these connections; the frames have begun in any case.
TEST_P(Http2Hostility, SendsItsFrames) {
    ASSERT_EQ(exchange(), 0);
    const int before = client_.frames(GetParam().frame);
    set(std::string("{\"") + GetParam().fault + "\":1}");
    get();
    for (int step = 0; step < 2; ++step) {
        now_ += flood_pause;
        exchange();
    }
    EXPECT_GE(client_.frames(GetParam().frame) - before, GetParam().count);
}

INSTANTIATE_TEST_SUITE_P(Faults,
                         Http2Hostility,
                         testing::Values(hostile_row{"ping_flood", NGHTTP2_PING, 900},
                                         hostile_row{"settings_flood", NGHTTP2_SETTINGS, 900},
                                         hostile_row{"window_flood", NGHTTP2_WINDOW_UPDATE, 900},
                                         hostile_row{"priority_flood", NGHTTP2_PRIORITY, 900},
                                         hostile_row{"reset_flood", NGHTTP2_RST_STREAM, 900},
                                         hostile_row{"empty_data_flood", NGHTTP2_DATA, 900},
                                         hostile_row{"continuation_flood", NGHTTP2_CONTINUATION, 8},
                                         hostile_row{"window_overrun", NGHTTP2_DATA, 5},
                                         hostile_row{"push_promise", NGHTTP2_PUSH_PROMISE, 1},
                                         hostile_row{"window_overflow", NGHTTP2_WINDOW_UPDATE, 1},
                                         hostile_row{"goaway_rising", NGHTTP2_GOAWAY, 2},
                                         hostile_row{"hpack_bomb", NGHTTP2_CONTINUATION, 8}),
                         [](const auto& row) { return std::string(row.param.fault); });

// nghttp2 reports no frames of unknown types.
TEST_F(Http2Session, FloodsWithUnknownFrames) {
    set(R"({"unknown_flood":1})");
    get();
    for (int step = 0; step < 3; ++step) {
        now_ += flood_pause;
        EXPECT_EQ(exchange(), 0);
    }
    EXPECT_GT(client_.fed_bytes(), 2 * flood_at_once);
}

TEST_F(Http2Session, DataOnAnIdleStreamEndsTheConnection) {
    set(R"({"idle_stream":1})");
    get();
    exchange();
    EXPECT_TRUE(client_.over());
}

// The connection is served afterwards: the tables of both sides agree.
TEST_F(Http2Session, BombLeavesTheFieldTablesInStep) {
    EXPECT_EQ(answer_to(get(0)).status, 200);
    set(R"({"hpack_bomb":1})");
    get(1);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(client_.frames(NGHTTP2_CONTINUATION), 8);
    set(R"({"reset":true})");
    const auto& answer = answer_to(get(2));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.at("content-type"), "application/json");
}

} // namespace
} // namespace kallglot::simulator
