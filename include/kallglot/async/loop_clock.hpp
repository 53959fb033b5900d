/// The port `clock` over the machine's clocks and the loop's timers.
///
/// Tests use a virtual clock behind the same port, so that days of polling pass in milliseconds.

#ifndef KALLGLOT_ASYNC_LOOP_CLOCK_HPP
#define KALLGLOT_ASYNC_LOOP_CLOCK_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/ports/clock.hpp"

#include <memory>

namespace kallglot {

/// Loop only. Lifetime: the loop's io_context outlives it and its timers.
class loop_clock final : public clock {
public:
    explicit loop_clock(loop_executor executor) : executor_(executor) {}

    [[nodiscard]] steady_time now() const override;
    [[nodiscard]] api_time wall_now() const override;
    [[nodiscard]] std::unique_ptr<wake_timer> make_timer(void (*callback)(void*),
                                                         void* context) override;

private:
    loop_executor executor_;
};

} // namespace kallglot

#endif
