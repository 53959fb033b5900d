#include "kallglot/async/worker_thread.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

namespace kallglot {

namespace {

struct waiting_call {
    std::function<void()> work;
    // Runs on the loop.
    std::function<void()> then;
};

struct member {
    member(const loop_executor& loop, const std::string& name) : thread(loop, name) {}

    worker_thread thread;
    // Read and written on the loop only. The thread itself knows nothing of the set.
    bool busy = false;
};

} // namespace

struct worker_set::state {
    std::string name;
    std::size_t max_threads = 0;
    std::vector<std::unique_ptr<member>> members;
    std::deque<waiting_call> waiting; // while all threads are busy
    bool stopped = false;

    // A thread that is free; a new one if there is none; nullptr if there are as many as there may be.
    member* find(const loop_executor& loop) {
        // The first idle thread, so that a quiet daemon uses few of them.
        const auto idle = std::ranges::find_if(members, [](const auto& one) { return !one->busy; });
        if (idle != members.end()) {
            return idle->get();
        }
        if (members.size() == max_threads) {
            return nullptr;
        }
        return members.emplace_back(std::make_unique<member>(loop, name)).get();
    }

    static void start(const std::shared_ptr<state>& self, member& one, waiting_call what) {
        // Before the call, because the thread may be done before this function returns.
        one.busy = true;
        one.thread.call(
            std::move(what.work),
            // A weak reference: the state owns the queue that this lies in, so a strong one would keep both
            // alive for ever.
            [owner = std::weak_ptr(self), &one, then = std::move(what.then)] {
                // Without the set its users are gone, too.
                if (const auto alive = owner.lock()) {
                    one.busy = false;
                    // Before `then`, which may take long: the thread should not idle meanwhile.
                    take_next(alive, one);
                    then();
                }
            });
    }

    static void take_next(const std::shared_ptr<state>& self, member& one) {
        // First come, first served. A stopped set drops what waits, because its users do not wait for answers any
        // more.
        if (!self->waiting.empty() && !self->stopped) {
            waiting_call next = std::move(self->waiting.front());
            self->waiting.pop_front();
            start(self, one, std::move(next));
        }
    }
};

worker_set::worker_set(loop_executor loop, std::string name, std::size_t max_threads)
    : worker(std::move(loop)),
      state_(std::make_shared<state>()) {
    state_->name = std::move(name);
    state_->max_threads = max_threads;
}

// The members' threads join when the last owner of the state goes.
worker_set::~worker_set() = default;

void worker_set::call(std::function<void()> work, std::function<void()> then) {
    if (state_->stopped) {
        return;
    }
    waiting_call what{std::move(work), std::move(then)};
    // A stuck call keeps its thread. The others go on with the rest.
    if (member* const one = state_->find(loop())) {
        state::start(state_, *one, std::move(what));
    } else {
        state_->waiting.push_back(std::move(what));
    }
}

bool worker_set::stop(steady_duration timeout) {
    state_->stopped = true;
    // One limit for all: with several stuck threads the stop takes no longer than with one.
    // The machine's clock and not the port: this blocks the loop, so no virtual time could pass.
    const auto until = std::chrono::steady_clock::now() + timeout;
    bool all = true;
    for (const auto& one : state_->members) {
        const auto left = std::max<steady_duration>(until - std::chrono::steady_clock::now(),
                                                    steady_duration::zero());
        // In this order: each thread is asked to stop, also after one that did not.
        all = one->thread.stop(left) && all;
    }
    return all;
}

} // namespace kallglot
