#include "simulated_api_fixture.hpp"

#include <map>

namespace kallglot::simulator {
namespace {

TEST_F(SimulatedApi, AnswersASessionOverVerifiedTls) {
    start();
    const auto answer = client_->get(path_of(ids_[0]), key_);
    ASSERT_EQ(answer.result_int(), 200U);
    EXPECT_EQ(answer["Content-Type"], "application/json");
    EXPECT_EQ(answer["Date"], "Tue, 14 Apr 2026 00:00:00 GMT");
    EXPECT_NE(answer["X-Request-ID"], "");
    EXPECT_EQ(text_in(answer, "id"), ids_[0]);
    EXPECT_EQ(client_->left_over(), 0U);
}

TEST_F(SimulatedApi, ReusesTheConnectionForManyRequests) {
    start();
    for (int round = 0; round < 4; ++round) {
        for (const std::string& id : ids_) {
            const auto answer = client_->get(path_of(id), key_);
            ASSERT_EQ(answer.result_int(), 200U);
            ASSERT_EQ(text_in(answer, "id"), id);
        }
    }
    const auto stats = json_of("/_stats");
    EXPECT_EQ(stats.at("requests").at("session"), 200);
    EXPECT_EQ(stats.at("connections").at("opened"), 1);
    EXPECT_EQ(stats.at("asked").at("standing").at("least"), 4);
    EXPECT_EQ(stats.at("asked").at("standing").at("most"), 4);
}

TEST_F(SimulatedApi, TruthAgreesWithTheResponses) {
    start();
    for (const int second : {0, 3, 60, 400}) {
        passed_ = second * 1000;
        std::map<std::string, int> seen;
        for (const std::string& id : ids_) {
            const auto answer = client_->get(path_of(id), key_);
            const auto status = text_in(answer, "status");
            ++seen[status];
            EXPECT_EQ(json_of("/_truth?id=" + id).at("status"), boost::json::value(status));
        }
        const auto truth = json_of("/_truth");
        for (const char* status : {"created", "connecting", "active", "ending"}) {
            EXPECT_EQ(truth.at("by_status").at(status), seen[status]) << status << " at " << second;
        }
    }
    EXPECT_EQ(json_of("/_truth").at("stuck"), 3);
    EXPECT_EQ(json_of("/_truth?limit=2&offset=1").at("sessions").as_array().size(), 2U);
}

TEST_F(SimulatedApi, RejectsAWrongKeyAndAcceptsAChangedOne) {
    start();
    EXPECT_EQ(client_->get(path_of(ids_[0]), "sk_test_wrong").result_int(), 401U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), "").result_int(), 401U);
    EXPECT_EQ(client_->post("/_key", R"({"key":"sk_test_second"})").result_int(), 200U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_).result_int(), 401U);
    EXPECT_EQ(client_->get(path_of(ids_[0]), "sk_test_second").result_int(), 200U);
}

TEST_F(SimulatedApi, UnknownIdsAreNotFound) {
    start();
    const auto answer = client_->get("/v1/sessions/sess_00000000000000000000000000", key_);
    EXPECT_EQ(answer.result_int(), 404U);
    EXPECT_EQ(boost::json::parse(answer.body()).at("error").at("code"), "session_not_found");
    EXPECT_EQ(client_->get("/v1/sessions", key_).result_int(), 404U);
    EXPECT_EQ(client_->get("/_nothing", "").result_int(), 404U);
}

TEST_F(SimulatedApi, KeepsARealBudget) {
    settings_.rate_limit = event_rate{5, std::chrono::minutes{1}};
    start();
    passed_ = 20'000;
    for (int left = 4; left >= 0; --left) {
        const auto answer = client_->get(path_of(ids_[0]), key_);
        EXPECT_EQ(answer.result_int(), 200U);
        EXPECT_EQ(answer["X-RateLimit-Remaining"], std::to_string(left));
    }
    const auto refused = client_->get(path_of(ids_[0]), key_);
    EXPECT_EQ(refused.result_int(), 429U);
    EXPECT_EQ(refused["Retry-After"], "40");
    EXPECT_EQ(refused["X-RateLimit-Limit"], "5");
    passed_ = 60'000;
    EXPECT_EQ(client_->get(path_of(ids_[0]), key_).result_int(), 200U);
}

TEST_F(SimulatedApi, AddsSessionsWhileItRuns) {
    start();
    const auto added = client_->post("/_sessions", R"({"count":2,"stuck":true})");
    ASSERT_EQ(added.result_int(), 200U);
    passed_ = 10'000;
    const auto body = boost::json::parse(added.body());
    for (const auto& id : body.at("ids").as_array()) {
        const auto answer = client_->get(path_of(std::string(id.as_string())), key_);
        EXPECT_EQ(text_in(answer, "status"), "connecting");
    }
    EXPECT_EQ(client_->post("/_sessions", R"({"count":0})").result_int(), 400U);
}

} // namespace
} // namespace kallglot::simulator
