/// A clock that stands still until the test moves it: days of schedule in milliseconds.
///
/// Also the event queue of everything that a test makes happen at a later moment, so that timers and answers of a
/// model come in one well-defined order: by time, then in the order they were asked for.

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

    /// Calls `what` when the clock gets to `when`; the key takes it back.
    event_key at(steady_time when, event what);

    void take_back(const event_key& key) { events_.erase(key); }

    /// Runs everything that is due within `span`, and ends exactly `span` later.
    void advance(steady_duration span);

    /// Runs what is next, if there is anything within `span`.
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
