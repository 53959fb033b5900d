// Fixture of the tests of http2_session: the session, its requests and what it told about them.

#ifndef KALLGLOT_TEST_NET_HTTP2_SESSION_FIXTURE_HPP
#define KALLGLOT_TEST_NET_HTTP2_SESSION_FIXTURE_HPP

#include "net/client/http2_session.hpp"
#include "response_samples.hpp"
#include "support/http2_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

inline constexpr std::string_view test_key = "kg_live_0123456789abcdefghijklmnopqrstuvwxyz";

/// Keeps what a session tells.
class told_answers : public exchange_listener {
public:
    struct entry {
        std::string id;
        api_answer answer;
        std::optional<resend_cause> resend;
    };

    virtual ~told_answers() = default;

    void on_exchanged(exchange_ref done, api_answer& answer) override {
        all.push_back({std::string(done->request.id.view()), answer, std::nullopt});
        requests.erase(done);
    }

    void on_unprocessed(exchange_ref done, resend_cause cause) override {
        all.push_back({std::string(done->request.id.view()), {}, cause});
        requests.erase(done);
    }

    void on_changed(pooled_connection&) override {}

    void on_notice(pooled_connection&, const http2_notice&) override {}

    [[nodiscard]] exchange_ref add(const std::string& id, steady_time sent, bool fresh = false) {
        const get_request request{.slot = session_slot{1},
                                  .id = *session_id::parse(id),
                                  .fresh_connection = fresh};
        const exchange next{.request = request, .sent = sent};
        requests.push_back(next);
        return std::prev(requests.end());
    }

    std::vector<entry> all;
    std::list<exchange> requests; ///< not told yet
};

class Http2SessionTest : public ::testing::Test {
protected:
    Http2SessionTest() { start({}); }

    void start(const http2_limits& limits) {
        session_ = std::make_unique<http2_session>(told_, readers_, limits);
        session_->output().clear();
    }

    /// A session that has the server's SETTINGS, and `count` requests: stream ids 1, 3, 5, ...
    void start_with(std::size_t count) {
        EXPECT_TRUE(receive(h2_settings()));
        for (std::size_t i = 0; i < count; ++i) {
            ask();
        }
    }

    [[nodiscard]] static std::string id_of(int stream) {
        return "sess_0123456789abcdefghijklmnop" + std::to_string(stream);
    }

    void ask(bool fresh = false) {
        ASSERT_GT(session_->room(now_), 0U);
        tickets_.push_back(told_.add(id_of(next_id_), now_, fresh));
        session_->open(tickets_.back(), text_);
        next_id_ += 2;
    }

    /// The good answer to the request of a stream.
    [[nodiscard]] static std::string good(int stream) {
        return h2_ok(stream, session_body(id_of(stream)));
    }

    /// Feeds the session, at once or in pieces, and tells. The result: whether it is alive.
    bool receive(const std::string& bytes) {
        bool alive = true;
        for (std::size_t at = 0; at < bytes.size() && alive; at += piece_) {
            const std::string part = bytes.substr(at, piece_);
            alive = session_->receive(part, now_);
        }
        session_->deliver(now_);
        return alive;
    }

    /// The one answer since the last call.
    [[nodiscard]] told_answers::entry only() {
        EXPECT_EQ(told_.all.size(), 1U);
        const auto first = told_.all.empty() ? told_answers::entry{} : told_.all.front();
        told_.all.clear();
        return first;
    }

    [[nodiscard]] error_code only_error() { return only().answer.error; }

    told_answers told_;
    reader_stock<answer_reader> readers_;
    request_text text_{api_endpoint(), "kallglot_exporter/1.2.3", secret(test_key)};
    steady_time now_{seconds(1000)};
    std::unique_ptr<http2_session> session_;
    std::vector<exchange_ref> tickets_;
    int next_id_ = 1;
    std::size_t piece_ = std::string::npos / 2;
};

} // namespace kallglot::test

#endif
