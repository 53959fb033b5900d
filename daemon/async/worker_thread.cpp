#include "kallglot/async/worker_thread.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>
#include <signal.h>

namespace kallglot {

void worker_note::set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
}

std::string worker_note::get() const {
    const std::lock_guard lock(mutex_);
    return text_;
}

worker_thread::worker_thread(loop_executor loop, const std::string& name)
    : worker(std::move(loop)) {
    // The loop's thread handles all signals. A new thread inherits the mask of its creator, so it is set before.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    // The kernel takes 15 characters and rejects longer names.
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

worker_thread::~worker_thread() {
    if (thread_.joinable()) {
        // Without a limit in practice, and small enough that adding it to the present time cannot overflow.
        static_cast<void>(stop(std::chrono::hours(24 * 365)));
    }
}

void worker_thread::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        // stop() has promised that the thread ends; later work would never run.
        if (stopping_) {
            return;
        }
        queue_.push_back(std::move(work));
    }
    changed_.notify_all();
}

void worker_thread::call(std::function<void()> work, std::function<void()> then) {
    post([loop = loop(), work = std::move(work), then = std::move(then)]() mutable {
        work();
        // What the work owns is destroyed here; what `then` owns, on the loop.
        work = nullptr;
        // Posted and not called: `then` belongs to the loop's thread.
        asio::post(loop, std::move(then));
    });
}

bool worker_thread::stop(steady_duration timeout) {
    // An earlier call has already joined the thread.
    if (!thread_.joinable()) {
        return true;
    }
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
        // join() has no timeout, so the thread is joined only after it has announced its end.
        if (!changed_.wait_for(lock, timeout, [this] { return ended_; })) {
            return false;
        }
    }
    thread_.join();
    return true;
}

void worker_thread::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        // Queued work is finished even after stop().
        if (queue_.empty()) {
            break;
        }
        // Moved out before the lock is released, since post() may move the queue's memory.
        std::function<void()> work = std::move(queue_.front());
        queue_.pop_front();

        // Without the lock: the work may block, and destroying what it owns may call post().
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
    }
    // For stop(), which waits with a timeout before it joins.
    ended_ = true;
    changed_.notify_all();
}

} // namespace kallglot
