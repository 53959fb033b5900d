/// A group of coroutines that starts, cancels and joins its children.

#ifndef KALLGLOT_ASYNC_TASK_GROUP_HPP
#define KALLGLOT_ASYNC_TASK_GROUP_HPP

#include "kallglot/async/task.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <string>

namespace kallglot {

/// Owns coroutines. Every coroutine of the daemon is the child of a group.
///
/// A child leaves the group when it ends. An exception that leaves a child means a bug: the group calls the failure
/// handler with the child's name. The destructor asserts that no child is left (Seastar's gate). An example of use:
///
///     task_group group(executor, [&](const std::string& name, const std::string& what) {
///         log.error("internal error: a task stopped, the exporter continues without it", {{"task", name}, {"error", what}});
///     });
///     group.spawn("listener", accept());             // starts at the loop's next turn
///     group.close();                                 // to stop: accept no more children,
///     group.cancel(asio::cancellation_type::total);  // let requests in flight finish,
///     co_await group.join();                         // and wait for the last child
///
/// Executor: loop only.
class task_group {
public:
    /// Called when an exception leaves a child: the child's name and what().
    using failure_handler = std::function<void(const std::string& name, const std::string& what)>;

    task_group(loop_executor executor, failure_handler on_failure);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts `child` at the loop's next turn. After close() the child is dropped and never starts.
    void spawn(std::string name, task<> child);

    /// Cancels every child: `total` lets operations in flight finish, `terminal` aborts them. A child without a turn so
    /// far has no operation, so after either it never starts.
    /// Call close() first, so that no child is added afterwards.
    void cancel(asio::cancellation_type type);

    /// Accepts no more children.
    void close() noexcept { closed_ = true; }

    /// Ends when no child is left. One caller may wait at a time.
    /// Cancel: terminal; the children keep running.
    [[nodiscard]] task<> join();

    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }

private:
    struct child {
        std::string name;
        asio::cancellation_signal signal;
        bool started = false;
        bool dropped = false; // cancelled before it started
    };

    using child_list = std::list<child>;

    [[nodiscard]] task<> start(child* self, task<> body);
    void finished(child_list::iterator where, const std::exception_ptr& error);

    loop_executor executor_;
    failure_handler on_failure_;
    child_list children_;
    std::function<void()> on_empty_; // wakes join()
    bool closed_ = false;
};

} // namespace kallglot

#endif
