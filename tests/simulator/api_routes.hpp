// The routes of the API: answers a GET of a session, with or without a fault.

#ifndef KALLGLOT_SIMULATOR_API_ROUTES_HPP
#define KALLGLOT_SIMULATOR_API_ROUTES_HPP

#include "simulator/api_state.hpp"
#include "simulator/http_answer.hpp"
#include "simulator/http_request.hpp"
#include "simulator/server_session.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// Answers `GET /v1/sessions/{id}`, and everything else that is not a control path with an error.
/// Loop only.
///
/// Lifetime:   the state must outlive it
class api_routes {
public:
    api_routes(api_state& state, std::uint64_t seed) : state_(state), seed_(seed) {}

    /// Fills the empty answer `out`.
    void answer(const http_request& request,
                system_time now,
                const request_origin& origin,
                http_answer& out);

private:
    struct turn;

    [[nodiscard]] fault draw_fault(const request_origin& origin, bool session) const;
    void answer_good(turn& current);
    void answer_fault(turn& current, fault kind);
    [[nodiscard]] bool answer_common_fault(turn& current, fault kind);
    void begin(turn& current, unsigned status, std::string_view type);
    void send(turn& current, unsigned status, std::string_view type, std::string_view body);
    void send_error(turn& current, unsigned status);
    void send_throttled(turn& current, std::string_view retry_after);
    static void distort(turn& current, fault kind);
    bool render(turn& current, fault kind);
    std::string_view date(system_time now);

    api_state& state_;
    std::uint64_t seed_;
    std::uint64_t request_number_{0};
    std::uint64_t hostile_words_{0};
    std::string date_;
    system_time date_second_{system_time::min()};
};

} // namespace kallglot::simulator

#endif
