#include "simulator/rate_limiter.hpp"

namespace kallglot::simulator {

std::optional<budget_state> rate_limiter::take(system_time now) {
    if (!limit_) {
        return std::nullopt;
    }
    const system_time window = now - now.time_since_epoch() % limit_->window;
    if (window != window_) {
        window_ = window;
        used_ = 0;
    }
    const double passed = std::chrono::duration<double>(now - window).count();
    const auto taken_by_others = static_cast<std::uint64_t>(passed * foreign_.per_second());
    budget_state state;
    state.limit = static_cast<std::uint64_t>(limit_->count);
    state.reset = window + limit_->window;
    state.allowed = used_ + taken_by_others < state.limit;
    used_ += state.allowed ? 1 : 0;
    const std::uint64_t gone = used_ + taken_by_others;
    state.remaining = gone < state.limit ? state.limit - gone : 0;
    return state;
}

} // namespace kallglot::simulator
