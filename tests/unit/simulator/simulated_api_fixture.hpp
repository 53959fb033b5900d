// The simulator on a loop of its own, and a client of it: what its integration tests have in common.

#ifndef KALLGLOT_TESTS_SIMULATOR_SIMULATED_API_FIXTURE_HPP
#define KALLGLOT_TESTS_SIMULATOR_SIMULATED_API_FIXTURE_HPP

#include "blocking_client.hpp"
#include "simulator/simulated_api.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace kallglot::simulator {

// A string of an answer's JSON.
inline std::string text_in(const blocking_client::response& answer, const char* name) {
    return std::string(boost::json::parse(answer.body()).at(name).as_string());
}

// The simulator on a loop and a thread of its own; the test talks to it over loopback, as a client
// would.
class SimulatedApi : public testing::Test {
protected:
    void TearDown() override {
        if (loop_.joinable()) {
            boost::asio::post(context_, [this] { api_->stop(); });
            loop_.join();
            // The loop ended by itself, so nothing was left behind.
            EXPECT_EQ(api_->state().stats.connections_open, 0U);
            EXPECT_EQ(api_->state().stats.in_flight, 0U);
        }
    }

    void start(const std::string& faults = "{}") {
        settings_.population.sessions = 50;
        settings_.population.stuck = 3;
        settings_.now = [this] {
            return epoch_ + std::chrono::milliseconds{passed_.load()};
        };
        ASSERT_EQ(apply_json(settings_.faults, faults).value_or(""), "");
        api_ = std::make_unique<simulated_api>(context_, settings_);
        const auto error = api_->start();
        ASSERT_FALSE(error) << error.message();
        key_ = api_->state().key;
        ids_ = api_->standing_ids();
        client_ = make_client();
        loop_ = std::thread([this] { context_.run(); });
        const auto connected = client_->connect();
        ASSERT_FALSE(connected) << connected.message();
    }

    std::unique_ptr<blocking_client> make_client() {
        return std::make_unique<blocking_client>(api_->endpoint().port(), api_->authority_pem());
    }

    static std::string path_of(const std::string& id) { return "/v1/sessions/" + id; }

    boost::json::object json_of(const std::string& path) {
        return boost::json::parse(client_->get(path, "").body()).as_object();
    }

    const system_time epoch_{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};
    std::atomic<std::int64_t> passed_{0};
    boost::asio::io_context context_{1};
    simulated_api_settings settings_;
    std::unique_ptr<simulated_api> api_;
    std::unique_ptr<blocking_client> client_;
    std::string key_;
    std::vector<std::string> ids_;
    std::thread loop_;
};

} // namespace kallglot::simulator

#endif
