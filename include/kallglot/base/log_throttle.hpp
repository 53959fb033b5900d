/// Limits how often an event from outside is logged. Clients decide how often it happens, and must not fill the log.
///
/// Pure: time is passed in.

#ifndef KALLGLOT_BASE_LOG_THROTTLE_HPP
#define KALLGLOT_BASE_LOG_THROTTLE_HPP

#include "kallglot/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace kallglot {

/// At most one line a minute, or another interval, with the number of events.
class log_throttle {
public:
    explicit log_throttle(steady_duration interval = std::chrono::minutes(1)) noexcept
        : interval_(interval) {}

    /// Notes one event. The number of events that the next line stands for, this one included; empty: no line now.
    [[nodiscard]] std::optional<std::uint64_t> note(steady_time now) noexcept {
        ++unlogged_;
        if (now < next_) {
            return std::nullopt;
        }
        next_ = now + interval_;
        return std::exchange(unlogged_, 0);
    }

private:
    steady_duration interval_;
    std::uint64_t unlogged_ = 0;
    steady_time next_ = no_time;
};

/// Up to 60 lines a minute, and how many were left out: for events that each deserve a line while they are few.
class log_budget {
public:
    static constexpr std::uint32_t max_lines = 60;

    /// Notes one event. Empty: no line for it. Otherwise how many events before it have none.
    [[nodiscard]] std::optional<std::uint64_t> note(steady_time now) noexcept {
        if (now >= ends_at_) {
            ends_at_ = now + std::chrono::minutes(1);
            lines_ = 0;
        }
        if (lines_ == max_lines) {
            ++left_out_;
            return std::nullopt;
        }
        ++lines_;
        return std::exchange(left_out_, 0);
    }

private:
    std::uint64_t left_out_ = 0;
    std::uint32_t lines_ = 0;
    steady_time ends_at_ = no_time; ///< of the present minute
};

} // namespace kallglot

#endif
