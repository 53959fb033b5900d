// One request and its answer, shared by the two bodies of api_routes.

#ifndef KALLGLOT_SIMULATOR_API_TURN_HPP
#define KALLGLOT_SIMULATOR_API_TURN_HPP

#include "simulator/api_routes.hpp"
#include "simulator/rate_limiter.hpp"

#include <optional>

namespace kallglot::simulator {

struct api_routes::turn {
    const http_request& request;
    system_time now;
    http_answer& answer;
    std::optional<budget_state> budget;
};

} // namespace kallglot::simulator

#endif
