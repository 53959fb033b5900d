/// An api_client without a network: a function of the test answers, after a latency, on virtual time.

#ifndef KALLGLOT_TESTS_SUPPORT_FAKE_API_HPP
#define KALLGLOT_TESTS_SUPPORT_FAKE_API_HPP

#include "kallglot/ports/api_client.hpp"
#include "support/virtual_clock.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kallglot::test {

/// The answer of the model, and its latency.
struct fake_reply {
    api_answer answer; ///< slot, sent and received are filled in
    steady_duration latency = std::chrono::milliseconds(20);
    bool written = true; ///< false: no connection was made
};

class fake_api final : public api_client {
public:
    /// Called when the request arrives at the model, half of the latency before the answer.
    using server = std::function<fake_reply(std::string_view id, steady_time sent)>;

    fake_api(virtual_clock& time, api_listener& listener, std::size_t connections, server answers);

    [[nodiscard]] std::size_t capacity() const noexcept override {
        return connections_ - in_flight_.size();
    }

    void get(request_permit permit, const get_request& request) override;

    void hold() noexcept override { holding_ = true; }

    void flush() override {
        holding_ = false;
        flushed_ += std::exchange(held_, 0);
    }

    [[nodiscard]] api_connection_counts connections() const noexcept override;

    struct sent_request {
        steady_time at;
        std::string id;
        bool fresh = false;
    };

    [[nodiscard]] const std::vector<sent_request>& requests() const noexcept { return requests_; }

    [[nodiscard]] std::size_t peak_in_flight() const noexcept { return peak_; }

    /// Sessions that were requested again while a request was in flight: always a bug.
    [[nodiscard]] std::size_t polled_twice_at_once() const noexcept { return twice_; }

    /// Requests between hold() and flush(): those that left, and those that still wait.
    [[nodiscard]] std::size_t flushed() const noexcept { return flushed_; }

    [[nodiscard]] std::size_t held() const noexcept { return held_; }

    /// Records no single requests any more, for long simulations.
    void count_only() { recording_ = false; }

    [[nodiscard]] std::size_t request_count() const noexcept { return count_; }

private:
    virtual_clock& clock_;
    api_listener& listener_;
    std::size_t connections_;
    server answers_;
    std::vector<sent_request> requests_;
    std::unordered_set<std::uint32_t> in_flight_;
    std::size_t peak_ = 0;
    std::size_t twice_ = 0;
    std::size_t count_ = 0;
    std::size_t held_ = 0;
    std::size_t flushed_ = 0;
    bool holding_ = false;
    bool recording_ = true;
};

/// A reply with status 200 whose body said `status`, and a `Date` of the model's clock.
[[nodiscard]] fake_reply ok_reply(session_status status, api_time date);

/// A reply with an HTTP status and no content.
[[nodiscard]] fake_reply status_reply(int http_status, api_time date);

/// A reply for a request that failed without a response.
[[nodiscard]] fake_reply failed_reply(errc error);

} // namespace kallglot::test

#endif
