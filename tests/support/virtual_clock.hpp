/// A clock that only the test moves: days of schedule pass in milliseconds.
///
/// It is also the queue of all later events of a test. So timers and answers of a model have one order: by time, then
/// in the order of the calls.

#ifndef KALLGLOT_TESTS_SUPPORT_VIRTUAL_CLOCK_HPP
#define KALLGLOT_TESTS_SUPPORT_VIRTUAL_CLOCK_HPP

#include "kallglot/ports/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace kallglot::test {

class virtual_clock final : public clock {
public:
    using event = std::function<void()>;
    using event_key = std::pair<steady_time, std::uint64_t>;

    [[nodiscard]] steady_time now() const override { return now_; }

    /// Moves with now(), from 2026-04-14T09:00:00Z; jump_wall() moves it alone.
    [[nodiscard]] api_time wall_now() const override;

    void jump_wall(milliseconds by) { wall_offset_ += by; }

    [[nodiscard]] std::unique_ptr<wake_timer> make_timer(void (*callback)(void*),
                                                         void* context) override;

    /// Calls `what` when the clock reaches `when`. The key cancels it, see take_back().
    event_key at(steady_time when, event what);

    void take_back(const event_key& key) { events_.erase(key); }

    /// Runs everything that is due within `span`, and moves the clock by exactly `span`.
    void advance(steady_duration span);

    /// Runs the next event within `span`; false if there is none.
    bool step(steady_duration span);

    [[nodiscard]] std::size_t pending() const noexcept { return events_.size(); }

private:
    steady_time now_{std::chrono::hours(1000)};
    milliseconds wall_offset_{0};
    std::map<event_key, event> events_;
    std::uint64_t next_number_ = 0;
};

} // namespace kallglot::test

#endif
