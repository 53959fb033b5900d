// One request and its answer, shared by the two bodies of api_routes.

#ifndef KALLGLOT_SIMULATOR_API_TURN_HPP
#define KALLGLOT_SIMULATOR_API_TURN_HPP

#include "simulator/api_routes.hpp"
#include "simulator/rate_limiter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

inline constexpr std::string_view json_type = "application/json";

struct api_routes::turn {
    const http_request& request;
    system_time now;
    std::string& out;
    std::optional<budget_state> budget;
    std::uint64_t number;
    bool close;
    std::string_view extra_fields{};
};

} // namespace kallglot::simulator

#endif
