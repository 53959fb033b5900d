#include "kallglot/async/task_group.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <iterator>
#include <utility>

namespace kallglot {

namespace {

// The exception that left a child, as text; empty if the child ended because it was cancelled.
std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
        // A cancelled wait throws this, with or without as_tuple, once the task is cancelled.
    } catch (const boost::system::system_error& thrown) {
        return thrown.code() == asio::error::operation_aborted ? std::string() : thrown.what();
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "exception of unknown type";
    }
}

} // namespace

task_group::task_group(loop_executor executor, failure_handler on_failure)
    : executor_(std::move(executor)),
      on_failure_(std::move(on_failure)) {}

task_group::~task_group() {
    // A child's completion handler refers to this group, so no child may outlive it.
    assert(children_.empty() && "a task outlives its group");
}

void task_group::spawn(std::string name, task<> body) {
    // The group is about to be joined: a child that starts now would delay its end.
    if (closed_) {
        return;
    }
    // A list, because neither the signal's slot nor the iterator may move while the child runs.
    const auto where = children_.emplace(children_.end());
    where->name = std::move(name);
    asio::co_spawn(executor_,
                   // The address of the list's node is stable until finished() moves it out.
                   start(&*where, std::move(body)),
                   asio::bind_cancellation_slot(
                       where->signal.slot(),
                       [this, where](const std::exception_ptr& error) { finished(where, error); }));
}

// The child's first turn: co_spawn alone would start it inside spawn().
task<> task_group::start(child* self, task<> body) {
    co_await asio::post(executor_, throwing);
    self->started = true;
    if (!self->dropped) {
        co_await std::move(body);
    }
}

void task_group::cancel(asio::cancellation_type type) {
    // A child that is cancelled may end at once and leave the list, so the next one is found first.
    for (auto at = children_.begin(); at != children_.end();) {
        const auto next = std::next(at);
        // The signal may reach a child only after its first turn: before that, co_spawn of Asio 1.28 throws the
        // cancellation into the loop, and the group never learns of the end.
        if (at->started) {
            at->signal.emit(type);
        } else {
            at->dropped = true;
        }
        at = next;
    }
}

task<> task_group::join() {
    // The timer never expires: the last child or a cancellation of this task ends the wait.
    steady_timer wake(executor_, steady_timer::time_point::max());
    // A local timer is safe: this coroutine outlives the wait, and clears the function before it ends.
    on_empty_ = [&wake] {
        wake.cancel();
    };
    while (!children_.empty()) {
        co_await wake.async_wait(as_tuple);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            break;
        }
    }
    on_empty_ = nullptr;
}

void task_group::finished(child_list::iterator where, const std::exception_ptr& error) {
    const std::string name = std::move(where->name);
    // Asio 1.26 may have posted a cancellation that still uses the signal. The child is therefore destroyed by a
    // handler that is posted after it.
    child_list ended;
    ended.splice(ended.end(), children_, where);
    asio::post(executor_, [owned = std::move(ended)] {});
    // A cancelled child ends with an exception as well; that one is no failure.
    if (error) {
        const std::string what = describe(error);
        if (!what.empty() && on_failure_) {
            on_failure_(name, what);
        }
    }
    // Last, since join() may return as soon as the list is empty and its caller may destroy the group.
    if (children_.empty() && on_empty_) {
        on_empty_();
    }
}

} // namespace kallglot
