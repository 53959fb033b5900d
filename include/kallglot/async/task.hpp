#ifndef KALLGLOT_ASYNC_TASK_HPP
#define KALLGLOT_ASYNC_TASK_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace kallglot {

namespace asio = boost::asio;

/// The daemon's one loop. Its type is spelled everywhere instead of any_io_executor: a type-erased
/// executor costs about a tenth of a poll.
using loop_executor = asio::io_context::executor_type;

/// A coroutine of the loop: `task<T>` for result<T>, error_code or void (house rule C3).
///
/// Lifetime: created and awaited in one statement; never stored, never assigned (Asio 1.26 leaks).
template <class T = void>
using task = asio::awaitable<T, loop_executor>;

} // namespace kallglot

#endif
