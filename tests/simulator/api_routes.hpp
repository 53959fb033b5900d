// The routes of the API: answers a GET of a session, with or without a fault.

#ifndef KALLGLOT_SIMULATOR_API_ROUTES_HPP
#define KALLGLOT_SIMULATOR_API_ROUTES_HPP

#include "simulator/api_state.hpp"
#include "simulator/http_request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// What happens to the connection after the answer.
enum class after_answer : std::uint8_t {
    keep_open,
    close,   // orderly
    cut,     // at once, without close_notify
    silence, // nothing more is ever sent on it
    drip,    // the answer itself goes out one byte a second
    flood,   // chunks follow until the client leaves
};

/// Answers `GET /v1/sessions/{id}`, and everything else that is not a control path with an error.
/// Loop only.
///
/// Lifetime:   the state must outlive it
class api_routes {
public:
    api_routes(api_state& state, std::uint64_t seed) : state_(state), seed_(seed) {}

    /// Appends the bytes of the answer to `out`. `position` counts the answers of this connection,
    /// from 1.
    [[nodiscard]] after_answer answer(const http_request& request,
                                      system_time now,
                                      std::uint64_t position,
                                      std::string& out);

private:
    struct turn;

    [[nodiscard]] after_answer answer_good(turn& current);
    [[nodiscard]] after_answer answer_fault(turn& current, fault kind);
    [[nodiscard]] std::optional<fault> answer_common_fault(turn& current, fault kind);
    void begin_head(turn& current, unsigned status);
    void finish(turn& current, std::string_view type, std::string_view body);
    void send(turn& current, unsigned status, std::string_view type, std::string_view body);
    void send_error(turn& current, unsigned status);
    void send_throttled(turn& current, std::string_view retry_after);
    void send_chunked(turn& current, std::string_view trailers);
    [[nodiscard]] std::optional<after_answer> answer_without_end(turn& current, fault kind);
    void distort(turn& current, fault kind);
    bool render(turn& current, fault kind);
    std::string_view date(system_time now);

    api_state& state_;
    std::uint64_t seed_;
    std::uint64_t request_number_{0};
    std::string body_;
    std::uint64_t hostile_words_{0};
    std::string date_;
    system_time date_second_{system_time::min()};
};

} // namespace kallglot::simulator

#endif
