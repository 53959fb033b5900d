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

// The child's first turn: co_spawn alone would start it inside spawn().
task<> start_later(loop_executor executor, task<> child) {
    co_await asio::post(executor, throwing);
    co_await std::move(child);
}

// What left the child, in words; empty if it only ended because it was cancelled.
std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& thrown) {
        return thrown.code() == asio::error::operation_aborted ? std::string() : thrown.what();
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

} // namespace

task_group::task_group(loop_executor executor, failure_handler on_failure)
    : executor_(std::move(executor)),
      on_failure_(std::move(on_failure)) {}

task_group::~task_group() {
    assert(children_.empty() && "a task outlives its group");
}

void task_group::spawn(std::string name, task<> body) {
    if (closed_) {
        return;
    }
    const auto where = children_.emplace(children_.end());
    where->name = std::move(name);
    asio::co_spawn(executor_,
                   start_later(executor_, std::move(body)),
                   asio::bind_cancellation_slot(
                       where->signal.slot(),
                       [this, where](const std::exception_ptr& error) { finished(where, error); }));
}

void task_group::cancel(asio::cancellation_type type) {
    // A child leaves the list in a later turn of the loop, or at worst itself in this one.
    for (auto at = children_.begin(); at != children_.end();) {
        const auto next = std::next(at);
        at->signal.emit(type);
        at = next;
    }
}

task<> task_group::join() {
    steady_timer wake(executor_, steady_timer::time_point::max());
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
    // Asio 1.26 may still have a cancellation on its way to the signal when it was emitted outside the loop's thread
    // of execution; whatever was posted before this runs before this.
    child_list gone;
    gone.splice(gone.end(), children_, where);
    asio::post(executor_, [kept = std::move(gone)] {});
    if (error) {
        const std::string what = describe(error);
        if (!what.empty() && on_failure_) {
            on_failure_(name, what);
        }
    }
    if (children_.empty() && on_empty_) {
        on_empty_();
    }
}

} // namespace kallglot
