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

/// Owns coroutines: nothing in the daemon runs that does not belong to a group.
///
/// A child that ends leaves the group; an exception that leaves a child means a bug and is handed to
/// the handler with the child's name. The destructor asserts that no child is left (Seastar's gate).
/// Executor: loop only.
class task_group {
public:
    /// Told of an exception that left a child: its name and what().
    using failure_handler = std::function<void(const std::string& name, const std::string& what)>;

    task_group(loop_executor executor, failure_handler on_failure);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts `child` at the loop's next turn. Refused (the child never starts) once close() was called.
    void spawn(std::string name, task<> child);

    /// Asks every child to end: `total` lets what is in flight finish, `terminal` cuts it off.
    /// Children added later are cancelled as well once close() was called.
    void cancel(asio::cancellation_type type);

    /// No new children from now on.
    void close() noexcept { closed_ = true; }

    /// Ends when no child is left. One waiter at a time.
    /// Cancel: terminal; the children go on.
    [[nodiscard]] task<> join();

    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }

private:
    struct child {
        std::string name;
        asio::cancellation_signal signal;
    };

    using child_list = std::list<child>;

    void finished(child_list::iterator where, const std::exception_ptr& error);

    loop_executor executor_;
    failure_handler on_failure_;
    child_list children_;
    std::function<void()> on_empty_;
    bool closed_ = false;
};

} // namespace kallglot

#endif
