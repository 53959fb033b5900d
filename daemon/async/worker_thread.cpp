#include "kallglot/async/worker_thread.hpp"

#include <pthread.h>
#include <signal.h>

namespace kallglot {

worker_thread::worker_thread(loop_executor loop, const std::string& name) : loop_(std::move(loop)) {
    // Signals belong to the loop's thread; the new thread inherits the mask of its creator.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

worker_thread::~worker_thread() {
    if (thread_.joinable()) {
        // Far away, yet small enough that adding it to "now" cannot overflow.
        static_cast<void>(stop(std::chrono::hours(24 * 365)));
    }
}

void worker_thread::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            return;
        }
        queue_.push_back(std::move(work));
    }
    changed_.notify_all();
}

bool worker_thread::stop(steady_duration patience) {
    if (!thread_.joinable()) {
        return true;
    }
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
        if (!changed_.wait_for(lock, patience, [this] { return ended_; })) {
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
        if (queue_.empty()) {
            break;
        }
        std::function<void()> work = std::move(queue_.front());
        queue_.pop_front();

        // The work and what it owns are gone before the lock is taken again.
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
    }
    ended_ = true;
    changed_.notify_all();
}

} // namespace kallglot
