#include "simulated_api_fixture.hpp"

#include <array>
#include <stdexcept>

namespace kallglot::simulator {
namespace {

using std::chrono::milliseconds;

struct answer_row {
    const char* fault;
    unsigned status;
    const char* type;
};

class SimulatedApiAnswers : public SimulatedApi, public testing::WithParamInterface<answer_row> {};

TEST_P(SimulatedApiAnswers, FaultWithShareOneAppliesToEveryRequest) {
    start(std::string("{\"") + GetParam().fault + "\":1}");
    for (int round = 0; round < 3; ++round) {
        const auto answer = client_->get(path_of(ids_[0]), key_);
        EXPECT_EQ(answer.result_int(), GetParam().status) << answer.body();
        EXPECT_EQ(answer["Content-Type"], GetParam().type);
    }
    EXPECT_EQ(client_->post("/_faults", R"({"reset":true})").result_int(), 200U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_).result_int(), 200U);
}

constexpr const char* json_type = "application/json";
constexpr const char* html_type = "text/html; charset=utf-8";
INSTANTIATE_TEST_SUITE_P(Faults,
                         SimulatedApiAnswers,
                         testing::Values(answer_row{"unauthorized", 401, json_type},
                                         answer_row{"payment_required", 402, json_type},
                                         answer_row{"forbidden", 403, json_type},
                                         answer_row{"not_found", 404, json_type},
                                         answer_row{"gone", 410, json_type},
                                         answer_row{"rate_limited", 429, json_type},
                                         answer_row{"server_error", 500, json_type},
                                         answer_row{"bad_gateway", 502, html_type},
                                         answer_row{"unavailable", 503, html_type},
                                         answer_row{"not_json", 200, json_type},
                                         answer_row{"empty_body", 200, json_type},
                                         answer_row{"unknown_status", 200, json_type},
                                         answer_row{"hostile_words", 200, json_type},
                                         answer_row{"chunked", 200, json_type},
                                         answer_row{"deep", 200, json_type},
                                         answer_row{"wrong_types", 200, json_type},
                                         answer_row{"bad_dates", 200, json_type},
                                         answer_row{"redirect", 302, html_type}),
                         [](const auto& row) { return std::string(row.param.fault); });

TEST_F(SimulatedApi, RetryAfterHasTheConfiguredForm) {
    start(R"({"rate_limited":1,"retry_after":"date+30"})");
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_)["Retry-After"], "Tue, 14 Apr 2026 00:00:30 GMT");
    ASSERT_EQ(client_->post("/_faults", R"({"retry_after":"soon"})").result_int(), 200U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_)["Retry-After"], "soon");
    ASSERT_EQ(client_->post("/_faults", R"({"retry_after":""})").result_int(), 200U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_).count("Retry-After"), 0U);
    passed_ = 1000;
    ASSERT_EQ(client_->get(path_of(ids_[0]), key_).result_int(), 429U);
    EXPECT_EQ(json_of("/_stats").at("pauses").at("early_requests"), 1);
}

TEST_F(SimulatedApi, ClosesWithoutAnAnswer) {
    start(R"({"close":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response answer;
    EXPECT_TRUE(client_->receive(answer));
}

TEST_F(SimulatedApi, CutsTheBodyInTheMiddle) {
    start(R"({"truncate":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response answer;
    const auto error = client_->receive(answer);
    EXPECT_TRUE(error);
    EXPECT_EQ(answer.result_int(), 200U) << error.message();
}

TEST_F(SimulatedApi, SendsTheIdOfAnotherSession) {
    start(R"({"wrong_id":1})");
    const auto answer = client_->get(path_of(ids_[0]), key_);
    EXPECT_EQ(text_in(answer, "id"), ids_[1]);
}

TEST_F(SimulatedApi, SendsASecondResponseWithoutARequest) {
    start(R"({"two_responses":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response first;
    blocking_client::response second;
    ASSERT_FALSE(client_->receive(first));
    ASSERT_FALSE(client_->receive(second));
    EXPECT_EQ(first.body(), second.body());
}

TEST_F(SimulatedApi, SendsAnInterimResponseFirst) {
    start(R"({"interim":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response first;
    blocking_client::response second;
    ASSERT_FALSE(client_->receive(first));
    ASSERT_FALSE(client_->receive(second));
    EXPECT_EQ(first.result_int(), 103U);
    EXPECT_EQ(second.result_int(), 200U);
}

TEST_F(SimulatedApi, DripSendsOneByteASecond) {
    start(R"({"drip":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    auto other = make_client();
    ASSERT_FALSE(other->connect());
    boost::json::value stats;
    do {
        stats = boost::json::parse(other->get("/_stats", "").body());
    } while (stats.at("faults").as_object().if_contains("drip") == nullptr);
    EXPECT_EQ(stats.at("faults").at("drip"), 1);
}

TEST_F(SimulatedApi, GoesBackwards) {
    start(R"({"backwards":1})");
    const auto answer = client_->get(path_of(ids_[0]), key_);
    EXPECT_EQ(text_in(answer, "status"), "created");
}

TEST_F(SimulatedApi, DistortsTimesAndTypes) {
    start(R"({"bad_dates":1})");
    const auto truth = json_of("/_truth?id=" + ids_[0]);
    const auto dates = client_->get(path_of(ids_[0]), key_);
    EXPECT_NE(text_in(dates, "created_at"), truth.at("created_at").as_string());
    ASSERT_EQ(client_->post("/_faults", R"({"reset":true,"wrong_types":1})").result_int(), 200U);
    const auto types = client_->get(path_of(ids_[0]), key_);
    const auto status = types.body().find("\"status\":\"");
    EXPECT_EQ(status, std::string::npos) << types.body();
}

TEST_F(SimulatedApi, SendsInvalidHttp) {
    start(R"({"garbage":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response answer;
    EXPECT_TRUE(client_->receive(answer));
    EXPECT_EQ(answer.body(), "");
}

// Beast's own reader throws: the reason for this fault.
TEST_F(SimulatedApi, SendsTrailers) {
    start(R"({"trailers":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    blocking_client::response answer;
    EXPECT_THROW(static_cast<void>(client_->receive(answer)), std::length_error);
}

// Clients that read to the end see the limits of their own parser first.
TEST_F(SimulatedApi, SendsEndlessChunksAndHugeBodies) {
    start();
    for (const char* const fault : {"endless", "huge"}) {
        const std::string switches = std::string(R"({"reset":true,")") + fault + R"(":1})";
        ASSERT_EQ(client_->post("/_faults", switches).result_int(), 200U);
        auto client = make_client();
        ASSERT_FALSE(client->connect());
        ASSERT_FALSE(client->send("GET", path_of(ids_[0]), key_));
        blocking_client::response answer;
        EXPECT_TRUE(client->receive(answer)) << fault;
    }
}

TEST_F(SimulatedApi, ClosesTheConnectionAfterTheConfiguredCount) {
    start(R"({"close_after":3})");
    EXPECT_TRUE(client_->get(path_of(ids_[0]), key_).keep_alive());
    EXPECT_TRUE(client_->get(path_of(ids_[0]), key_).keep_alive());
    EXPECT_FALSE(client_->get(path_of(ids_[0]), key_).keep_alive());
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_).result_int(), 0U);
}

TEST_F(SimulatedApi, SendsNothingWhileItHangs) {
    start(R"({"hang":1})");
    ASSERT_FALSE(client_->send("GET", path_of(ids_[0]), key_));
    // Another connection sees the request under way, and nothing is ever answered on the first.
    auto other = make_client();
    ASSERT_FALSE(other->connect());
    boost::json::value stats;
    do {
        stats = boost::json::parse(other->get("/_stats", "").body());
    } while (stats.at("requests").at("session") == 0);
    EXPECT_EQ(stats.at("requests").at("in_flight"), 1);
    EXPECT_TRUE(stats.at("answers").as_object().empty());
}

TEST_F(SimulatedApi, DelaysEachResponseAndServesPipelinedRequests) {
    start(R"({"latency":"60ms","jitter":"20ms"})");
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t place = 0; place < 4; ++place) {
        ASSERT_FALSE(client_->send("GET", path_of(ids_[place]), key_));
    }
    for (std::size_t place = 0; place < 4; ++place) {
        blocking_client::response answer;
        ASSERT_FALSE(client_->receive(answer));
        EXPECT_EQ(text_in(answer, "id"), ids_[place]);
    }
    // A lower bound only: four waits, one after the other.
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds{240});
}

TEST_F(SimulatedApi, CountsClientsThatRejectItsCertificate) {
    start();
    const test::test_certificates strangers;
    blocking_client wary{api_->endpoint().port(), strangers.authority().certificate_pem()};
    EXPECT_TRUE(wary.connect());
    // The refusal arrives after the client has gone on; asking again waits for it.
    boost::json::object stats;
    do {
        stats = json_of("/_stats");
    } while (stats.at("handshakes").at("failed") == 0);
    EXPECT_EQ(stats.at("requests").at("session"), 0);
}

TEST_F(SimulatedApi, RejectsInvalidHttpAndInvalidTls) {
    start();
    ASSERT_FALSE(client_->send("GET", "/ HTTP/9.9\r\n\r\n", key_));
    blocking_client::response answer;
    ASSERT_FALSE(client_->receive(answer));
    EXPECT_EQ(answer.result_int(), 400U);

    boost::asio::io_context context;
    boost::asio::ip::tcp::socket plain{context};
    plain.connect(api_->endpoint());
    const std::string text = "GET / HTTP/1.1\r\n\r\n";
    plain.write_some(boost::asio::buffer(text));
    std::array<char, 256> alert{};
    boost::system::error_code error;
    while (!error) {
        plain.read_some(boost::asio::buffer(alert), error);
    }
    auto other = make_client();
    ASSERT_FALSE(other->connect());
    const auto stats = boost::json::parse(other->get("/_stats", "").body());
    EXPECT_EQ(stats.at("handshakes").at("failed"), 1);
}

} // namespace
} // namespace kallglot::simulator
