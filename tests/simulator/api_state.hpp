// The state of the simulated account. The API's routes read it, the control routes change it.

#ifndef KALLGLOT_SIMULATOR_API_STATE_HPP
#define KALLGLOT_SIMULATOR_API_STATE_HPP

#include "simulator/fault_plan.hpp"
#include "simulator/population.hpp"
#include "simulator/rate_limiter.hpp"
#include "simulator/request_stats.hpp"

#include <string>

namespace kallglot::simulator {

/// One account. Loop only.
struct api_state {
    population sessions;
    fault_plan faults;
    rate_limiter limiter;
    request_stats stats;
    std::string key;
};

} // namespace kallglot::simulator

#endif
