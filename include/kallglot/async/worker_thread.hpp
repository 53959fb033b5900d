/// A named thread for calls that block: DNS lookups, the store, password hashes.
///
/// The only place of the project with a mutex. The thread runs one piece of work at a time, in the order of the calls;
/// results return to the loop. It deliberately has no pool, no priorities and no way to interrupt a call that is stuck:
/// a thread cannot be aborted. The owner learns of a stuck call from stop() and decides what to do.

#ifndef KALLGLOT_ASYNC_WORKER_THREAD_HPP
#define KALLGLOT_ASYNC_WORKER_THREAD_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace kallglot {

/// Owns one thread. Lifetime: the loop's io_context outlives it.
class worker_thread {
public:
    /// `name` is what the system's tools show; its first 15 characters.
    worker_thread(loop_executor loop, const std::string& name);

    /// Waits for all queued work without a limit. To wait with a limit, call stop() first.
    ~worker_thread();
    worker_thread(const worker_thread&) = delete;
    worker_thread& operator=(const worker_thread&) = delete;

    /// Runs `work` on the thread. It must not throw. Dropped after stop(). Any thread.
    void post(std::function<void()> work);

    /// Runs `work` on the thread and resumes with its result. It must not throw.
    ///
    /// Errors:   those of `work`; cancelled.
    /// Cancel:   terminal, at once; the work continues and its result is dropped.
    /// Executor: the loop.
    /// Lifetime: `work` owns what it uses, because it may outlive the caller.
    template <class T>
    [[nodiscard]] task<result<T>> run(std::function<result<T>()> work);

    /// Accepts no more work and waits up to `timeout` for the queued work. Blocking; loop only.
    ///
    /// False: the thread is stuck in a call. The caller must not destroy anything that the call uses: it persists what
    /// it must and leaves with _Exit.
    [[nodiscard]] bool stop(steady_duration timeout);

private:
    // Shared by the waiting coroutine and the thread, because either may end first.
    template <class T>
    struct call {
        explicit call(const loop_executor& loop) : wake(loop, steady_timer::time_point::max()) {}

        steady_timer wake;               // loop only
        std::optional<result<T>> answer; // written by the thread before it posts to the loop
        bool done = false;               // loop only
    };

    void serve();

    loop_executor loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_; // under mutex_
    bool stopping_ = false;                   // under mutex_
    bool ended_ = false;                      // under mutex_
    std::thread thread_;
};

template <class T>
task<result<T>> worker_thread::run(std::function<result<T>()> work) {
    const auto shared = std::make_shared<call<T>>(loop_);
    post([loop = loop_, mine = shared, work = std::move(work)]() mutable {
        mine->answer.emplace(work());
        // The last owner must be on the loop: only there may the timer be destroyed.
        call<T>* const target = mine.get();
        asio::post(loop, [mine = std::move(mine), target] {
            target->done = true;
            target->wake.cancel();
        });
    });
    // The timer never expires: the thread's post or a cancellation of this task ends the wait.
    while (!shared->done) {
        co_await shared->wake.async_wait(as_tuple);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return errc::cancelled;
        }
    }
    co_return std::move(*shared->answer);
}

} // namespace kallglot

#endif
