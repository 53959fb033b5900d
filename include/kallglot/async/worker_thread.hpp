/// Named threads for calls that block: DNS lookups, the store, password hashes, files.
///
/// The only place of the project with a mutex. A worker_thread runs one piece of work at a time, in the order of the
/// calls; results return to the loop. It deliberately has no priorities and no way to interrupt a call that is stuck: a thread
/// cannot be aborted. The owner learns of a stuck call from stop() and decides what to do. A
/// worker_set is for calls that can get stuck one by one, such as calls on files of different file systems.

#ifndef KALLGLOT_ASYNC_WORKER_THREAD_HPP
#define KALLGLOT_ASYNC_WORKER_THREAD_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"

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

/// Runs calls that block, away from the loop. Lifetime: the loop's io_context outlives it.
class worker {
public:
    explicit worker(loop_executor loop) : loop_(std::move(loop)) {}

    virtual ~worker() = default;

    /// Runs `work` away from the loop, and then `then` on the loop. Neither may throw. Dropped after a stop. Loop only.
    virtual void call(std::function<void()> work, std::function<void()> then) = 0;

    /// Runs `work` away from the loop and resumes with its result. It must not throw.
    ///
    /// Errors:   those of `work`; cancelled.
    /// Cancel:   terminal, at once; the work continues and its result is dropped.
    /// Executor: the loop.
    /// Lifetime: `work` owns what it uses, because it may outlive the caller.
    template <class T>
    [[nodiscard]] task<result<T>> run(std::function<result<T>()> work);

protected:
    [[nodiscard]] const loop_executor& loop() const noexcept { return loop_; }

private:
    // Shared by the waiting coroutine and the call, because either may end first.
    template <class T>
    struct call_state {
        explicit call_state(const loop_executor& loop)
            : wake(loop, steady_timer::time_point::max()) {}

        steady_timer wake;               // loop only
        std::optional<result<T>> answer; // written by the call before its end reaches the loop
        bool done = false;               // loop only
    };

    loop_executor loop_;
};

/// A text that a call leaves for the loop, for example the file that it is about to open. Any thread.
class worker_note {
public:
    void set(std::string text);
    [[nodiscard]] std::string get() const;

private:
    mutable std::mutex mutex_;
    std::string text_;
};

/// Owns one thread. Lifetime: the loop's io_context outlives it.
class worker_thread final : public worker {
public:
    /// `name` is what the system's tools show; its first 15 characters.
    worker_thread(loop_executor loop, const std::string& name);

    /// Waits for all queued work without a limit. To wait with a limit, call stop() first.
    ~worker_thread() override;
    worker_thread(const worker_thread&) = delete;
    worker_thread& operator=(const worker_thread&) = delete;

    /// Runs `work` on the thread. It must not throw. Dropped after stop(). Any thread.
    void post(std::function<void()> work);

    void call(std::function<void()> work, std::function<void()> then) override;

    /// Accepts no more work and waits up to `timeout` for the queued work. Blocking; loop only.
    ///
    /// False: the thread is stuck in a call. The caller must not destroy anything that the call uses: it persists what
    /// it must and leaves with _Exit.
    [[nodiscard]] bool stop(steady_duration timeout);

private:
    void serve();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_; // under mutex_
    bool stopping_ = false;                   // under mutex_
    bool ended_ = false;                      // under mutex_
    std::thread thread_;
};

template <class T>
task<result<T>> worker::run(std::function<result<T>()> work) {
    const auto shared = std::make_shared<call_state<T>>(loop_);
    // `then` owns the state as well: its last owner is on the loop, and only there may the timer be destroyed.
    call([mine = shared, work = std::move(work)] { mine->answer.emplace(work()); },
         [mine = shared] {
             mine->done = true;
             mine->wake.cancel();
         });
    // The timer never expires: the end of the call or a cancellation of this task ends the wait.
    while (!shared->done) {
        co_await shared->wake.async_wait(as_tuple);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return errc::cancelled;
        }
    }
    co_return std::move(*shared->answer);
}

/// Each call has a thread to itself, so a call that is stuck holds up no other. Threads start when they are needed and
/// are used again. Their number is bounded: the users of the set bound how many calls each of them has at a time.
///
/// Loop only. Lifetime: the loop's io_context outlives it.
class worker_set final : public worker {
public:
    /// `name` is that of each thread, for the system's tools.
    worker_set(loop_executor loop, std::string name, std::size_t max_threads);

    /// Waits for all calls without a limit. To wait with a limit, call stop() first.
    ~worker_set() override;
    worker_set(const worker_set&) = delete;
    worker_set& operator=(const worker_set&) = delete;

    /// If all threads are busy, the call waits for one.
    void call(std::function<void()> work, std::function<void()> then) override;

    /// Accepts no more calls and waits up to `timeout` for those that run. Blocking. False: see worker_thread::stop.
    [[nodiscard]] bool stop(steady_duration timeout);

private:
    struct state;

    std::shared_ptr<state>
        state_; ///< a call that ends later finds out whether the set still exists
};

} // namespace kallglot

#endif
