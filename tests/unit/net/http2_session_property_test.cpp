// Random orders of answers, resets, GOAWAY, cancellations and ends: every request is answered exactly once, and never with
// the answer to another one. KALLGLOT_HTTP2_TICKETS sets the number of requests (10^4 by default).

#include "http2_session_fixture.hpp"
#include "support/http2_peer.hpp"

#include <cstdlib>
#include <map>
#include <random>

namespace kallglot::test {

namespace {

std::size_t ticket_count() {
    const char* const text = std::getenv("KALLGLOT_HTTP2_TICKETS");
    return text != nullptr ? std::stoul(text) : 10'000;
}

// One connection with everything that can happen to its requests.
class random_connection final : public exchange_listener {
public:
    explicit random_connection(unsigned seed)
        : random_(seed),
          peer_(1 + random(200)),
          session_(*this, readers_, limits()) {}

    /// The number of requests that were made.
    std::size_t run() {
        deliver_output();
        const std::size_t turns = 20 + random(200);
        for (std::size_t i = 0; i < turns && alive_; ++i) {
            take_turn();
        }
        session_.abandon(
            one_of({errc::connection_closed, errc::connection_reset, errc::cancelled}));
        session_.deliver(now_);
        EXPECT_TRUE(waiting_.empty()) << waiting_.size() << " requests without an answer";
        EXPECT_TRUE(session_.empty());
        return made_;
    }

    void on_exchanged(exchange_ref done, api_answer& answer) override {
        finish(done);
        if (answer.http_status == 200) {
            EXPECT_FALSE(answer.error);
            EXPECT_EQ(promised_[std::string(done->request.id.view())], 200);
        } else if (answer.http_status == 0) {
            EXPECT_TRUE(answer.error);
        }
        follow();
    }

    void on_unprocessed(exchange_ref done, resend_cause) override {
        finish(done);
        follow();
    }

    void on_changed(pooled_connection&) override {}

    void on_notice(pooled_connection&, const http2_notice&) override {}

private:
    static http2_limits limits() {
        http2_limits limits;
        limits.body_limit_bytes = 4'000;
        limits.place_kept_after = seconds(3);
        return limits;
    }

    std::uint32_t random(std::uint32_t below) {
        return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
    }

    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[random(static_cast<std::uint32_t>(values.size()))];
    }

    void finish(exchange_ref done) {
        const auto found = waiting_.find(&*done);
        ASSERT_NE(found, waiting_.end()) << "answered twice";
        waiting_.erase(found);
    }

    // From inside an answer, as the pool does.
    void follow() {
        if (random(3) == 0 && session_.room(now_) > 0 && alive_) {
            ask();
        }
    }

    void ask() {
        const std::string id = "sess_0123456789abcdefghijklmnopq" + std::to_string(made_++);
        const get_request request{.slot = session_slot{1},
                                  .id = *session_id::parse(id),
                                  .fresh_connection = random(10) == 0};
        const exchange next{.request = request, .sent = now_};
        all_.push_back(next);
        const auto ticket = std::prev(all_.end());
        waiting_.emplace(&*ticket, ticket);
        session_.open(ticket, text_);
    }

    void take_turn() {
        now_ += std::chrono::milliseconds(random(500));
        for (std::uint32_t i = random(20); i > 0 && session_.room(now_) > 0; --i) {
            ask();
        }
        cancel_some();
        deliver_output();
        serve();
        receive(peer_.take());
        session_.deliver(now_);
    }

    void cancel_some() {
        for (std::uint32_t i = random(10) == 0 ? random(5) : 0; i > 0 && !waiting_.empty(); --i) {
            const auto chosen =
                std::next(waiting_.begin(), random(static_cast<std::uint32_t>(waiting_.size())));
            chosen->second->overdue = true;
            session_.cancel(chosen->second, now_);
        }
    }

    void deliver_output() {
        peer_.receive(session_.output());
        session_.output().clear();
    }

    void receive(const std::string& bytes) {
        const std::size_t piece = random(4) == 0 ? 1 + random(30) : bytes.size() + 1;
        for (std::size_t at = 0; at < bytes.size() && alive_; at += piece) {
            alive_ = session_.receive(bytes.substr(at, piece), now_);
        }
    }

    void serve() {
        std::vector<http2_peer::request> chosen;
        std::ranges::shuffle(peer_.open, random_);
        while (!peer_.open.empty() && random(4) != 0) {
            chosen.push_back(peer_.open.back());
            peer_.open.pop_back();
        }
        for (const http2_peer::request& request : chosen) {
            serve(request);
        }
        switch (random(60)) {
            case 0:
                peer_.ping();
                break;
            case 1:
                peer_.set_max_streams(random(150));
                break;
            case 2:
                go_away();
                break;
            default:
                break;
        }
    }

    void go_away() {
        const auto newest = static_cast<std::int32_t>(2 * made_);
        peer_.go_away(one_of({0x7fffffff, newest / 2 | 1, newest | 1}),
                      one_of<std::uint32_t>({NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR}));
    }

    void serve(const http2_peer::request& request) {
        const std::string id =
            request.fields.at(":path").substr(std::string("/v1/sessions/").size());
        const std::string body = session_body(id);
        const std::size_t piece = 1 + random(400);
        const std::uint32_t what = random(40);
        if (what == 0) {
            peer_.reset(request.stream, NGHTTP2_REFUSED_STREAM);
            return;
        }
        if (what == 1) {
            peer_.interim(request.stream, {{":status", "103"}});
        }
        if (what == 2) {
            promised_[id] = 404;
            peer_.answer(request.stream, {{":status", "404"}}, R"({"error":{}})", piece);
            return;
        }
        if (what == 3) {
            promised_[id] = 0;
            peer_.answer(request.stream, {{":status", "200"}}, std::string(5'000, ' '), piece);
            return;
        }
        promised_[id] = 200;
        peer_.answer(request.stream,
                     {{":status", "200"}, {"content-length", std::to_string(body.size())}},
                     body,
                     piece);
        if (what == 4) {
            peer_.reset(request.stream, one_of<std::uint32_t>({NGHTTP2_NO_ERROR, NGHTTP2_CANCEL}));
        }
    }

    std::mt19937 random_;
    http2_peer peer_;
    reader_stock<answer_reader> readers_;
    request_text text_{api_endpoint(), "kallglot_exporter/1.2.3", secret(test_key)};
    http2_session session_;
    std::list<exchange> all_;
    std::map<const exchange*, exchange_ref> waiting_;
    std::map<std::string, int> promised_; // the status that the server sent; 0: no whole answer
    std::size_t made_ = 0;
    steady_time now_{seconds(1000)};
    bool alive_ = true;
};

TEST(Http2SessionProperty, EveryRequestIsAnsweredExactlyOnce) {
    std::size_t tickets = 0;
    for (unsigned seed = 1; tickets < ticket_count() && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        tickets += random_connection(seed).run();
    }
}

} // namespace
} // namespace kallglot::test
