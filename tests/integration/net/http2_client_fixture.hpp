// Fixture of the client's tests over HTTP/2: the client, a server in this process, and many requests.

#ifndef KALLGLOT_TEST_NET_HTTP2_CLIENT_FIXTURE_HPP
#define KALLGLOT_TEST_NET_HTTP2_CLIENT_FIXTURE_HPP

#include "client_fixture.hpp"
#include "http2_server.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::test {

[[nodiscard]] inline std::string id_at(std::size_t number) {
    return "sess_0123456789abcdefghijklmnop" + std::to_string(number);
}

class Http2Client : public HttpsClient {
protected:
    Http2Client() {
        settings_.base_url.tls = true;
        settings_.max_requests_in_flight = 1000;
        api_ = std::make_unique<http2_server>(loop_.executor(), server_tls(certificates_.good()));
        settings_.base_url.port = api_->port();
    }

    ~Http2Client() override {
        finish();
        api_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return api_->finished(); }));
        loop_.poll();
    }

    void ask_many(std::size_t count, bool fresh = false) {
        for (std::size_t i = 0; i < count; ++i) {
            ask(id_at(next_slot_), fresh);
        }
    }

    /// Every request so far has a good answer, each its own.
    void expect_all_good() {
        static_cast<void>(answer(next_slot_));
        std::set<std::uint32_t> slots;
        for (const api_answer& each : answers_) {
            EXPECT_FALSE(each.error) << each.error.message() << " " << each.detail;
            EXPECT_EQ(each.http_status, 200);
            slots.insert(static_cast<std::uint32_t>(each.slot));
        }
        EXPECT_EQ(slots.size(), next_slot_);
    }

    [[nodiscard]] std::size_t opened() const { return client_->connections().opened_total; }

    [[nodiscard]] std::uint64_t resent(resend_cause cause) const {
        return client_->connections().resent_total[static_cast<std::size_t>(cause)];
    }

    /// Keeps requests unanswered: they are in `kept_`.
    void keep_requests() {
        api_->answer = [this](http2_server::connection& from, const http2_peer::request& each) {
            kept_.emplace_back(&from, each);
        };
    }

    void await_kept(std::size_t count) {
        ASSERT_TRUE(loop_.run_until([&] { return kept_.size() >= count; }));
    }

    std::unique_ptr<http2_server> api_;
    std::vector<std::pair<http2_server::connection*, http2_peer::request>> kept_;
};

} // namespace kallglot::test

#endif
