/// Completion tokens and the timer type of the loop.
///
/// A wait with a deadline is a timer of this type beside the operation (house rules C19 and C20).

#ifndef KALLGLOT_ASYNC_DEADLINE_HPP
#define KALLGLOT_ASYNC_DEADLINE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/time.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace kallglot {

/// The two completion tokens of the project. Boost 1.81 has no default token, so each Asio call names one of these:
/// errors as exceptions, or errors as values.
inline constexpr asio::use_awaitable_t<loop_executor> throwing{};
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<loop_executor>> as_tuple{throwing};

/// Asio's timer with the loop's typed executor.
using steady_timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                                asio::wait_traits<std::chrono::steady_clock>,
                                                loop_executor>;

/// The time of the timers, for deadlines of I/O. Decisions get their time from ports/clock.hpp, so that they can run on
/// virtual time.
[[nodiscard]] inline steady_time timer_now() noexcept {
    return steady_timer::clock_type::now();
}

} // namespace kallglot

#endif
