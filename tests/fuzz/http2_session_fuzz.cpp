// Bytes of an HTTP/2 server behind its SETTINGS and three requests, at once and split at two positions from their hash: the
// same answers count, and every request must have exactly one.

#include "net/client/http2_session.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <span>
#include <string_view>

namespace {

using namespace kallglot;

constexpr std::array<std::string_view, 3> ids = {"sess_01JQ7N0C5VXB3HEZ",
                                                 "sess_01JQ7N0C5VXB3HEA",
                                                 "sess_01JQ7N0C5VXB3HEB"};

// SETTINGS without a value.
constexpr std::string_view settings("\0\0\0\4\0\0\0\0\0", 9);

// What became of the three requests.
class run final : public exchange_listener {
public:
    run(std::span<const char> bytes, std::size_t first, std::size_t second)
        : session_(*this, readers_, limits()) {
        alive = session_.receive(settings, now_);
        for (const std::string_view id : ids) {
            const get_request request{.slot = session_slot{1}, .id = *session_id::parse(id)};
            open_.push_back(exchange{.request = request, .sent = now_});
            session_.open(std::prev(open_.end()), text_);
        }
        feed(bytes.first(first));
        feed(bytes.subspan(first, second - first));
        feed(bytes.subspan(second));
        verdict = session_.fault();
        session_.abandon(verdict.value_or(errc::connection_closed));
        session_.deliver(now_);
        if (!open_.empty() || !session_.empty()) {
            std::abort();
        }
    }

    void on_exchanged(exchange_ref done, api_answer& answer) override {
        outcome& told = of(done);
        told.status = answer.http_status;
        told.error = answer.error;
        told.state = answer.snapshot.status;
        if ((answer.http_status == 200) == static_cast<bool>(answer.error)
            && answer.http_status == 200) {
            std::abort();
        }
        open_.erase(done);
    }

    void on_unprocessed(exchange_ref done, resend_cause cause) override {
        of(done).resend = static_cast<int>(cause) + 1;
        open_.erase(done);
    }

    void on_changed(pooled_connection&) override {}

    void on_notice(pooled_connection&, const http2_notice&) override {}

    struct outcome {
        int status = 0;
        error_code error;
        session_status state{};
        int resend = 0;

        bool operator==(const outcome&) const = default;
    };

    // Of several things wrong with one response, the cut may decide which is found first.
    [[nodiscard]] bool is_like(const run& other) const {
        return std::ranges::equal(outcomes, other.outcomes, [](const outcome& a, const outcome& b) {
            return a == b || (a.error && b.error);
        });
    }

    std::array<outcome, ids.size()> outcomes;
    std::optional<errc> verdict;
    bool alive = false;

private:
    static http2_limits limits() {
        http2_limits limits;
        limits.body_limit_bytes = 4096;
        return limits;
    }

    void feed(std::span<const char> bytes) {
        alive = alive && session_.receive(bytes, now_);
        session_.deliver(now_);
        session_.output().clear();
    }

    outcome& of(exchange_ref done) {
        std::size_t at = 0;
        while (done->request.id.view() != ids[at]) {
            ++at;
        }
        return outcomes[at];
    }

    steady_time now_{seconds(1000)};
    reader_stock<answer_reader> readers_;
    request_text text_{api_endpoint(), "kallglot_exporter/fuzz", secret("kg_live_0123456789")};
    std::list<exchange> open_;
    http2_session session_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t hash = std::hash<std::string_view>()({bytes.data(), bytes.size()});
    const std::size_t first = hash % (size + 1);
    const std::size_t second = first + (hash >> 20U) % (size - first + 1);
    const run whole(bytes, size, size);
    const run pieces(bytes, first, second);
    // nghttp2 forgives a second error on a stream whose reset has left already, and the cut decides when it leaves.
    const bool same_end = whole.verdict.has_value() == pieces.verdict.has_value();
    if (same_end && !whole.is_like(pieces)) {
        std::abort();
    }
    return 0;
}
