/// The coroutine type of the loop, and the loop's executor.

#ifndef KALLGLOT_ASYNC_TASK_HPP
#define KALLGLOT_ASYNC_TASK_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace kallglot {

namespace asio = boost::asio;

/// The executor of the daemon's only loop. It is used in place of any_io_executor, because a type-erased executor costs
/// about a tenth of a poll.
using loop_executor = asio::io_context::executor_type;

/// A coroutine of the loop: `task<T>` for result<T>, error_code or void (house rule C3).
///
/// Lifetime: create and await it in one statement; never store or assign it (Asio 1.26 leaks its frame).
template <class T = void>
using task = asio::awaitable<T, loop_executor>;

} // namespace kallglot

#endif
