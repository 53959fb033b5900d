/// A worker without a thread: a call is done when call() returns, unless the test holds it.

#ifndef KALLGLOT_TESTS_SUPPORT_INLINE_WORKER_HPP
#define KALLGLOT_TESTS_SUPPORT_INLINE_WORKER_HPP

#include "kallglot/async/worker_thread.hpp"

#include <deque>
#include <functional>
#include <utility>

namespace kallglot::test {

class inline_worker final : public worker {
public:
    using worker::worker;

    void call(std::function<void()> work, std::function<void()> then) override {
        ++calls;
        if (hold && hold()) {
            held_.emplace_back(std::move(work), std::move(then));
        } else {
            work();
            then();
        }
    }

    /// Lets the calls that were held go on, in their order.
    void release() {
        for (auto held = std::exchange(held_, {}); auto& [work, then] : held) {
            work();
            then();
        }
    }

    std::function<bool()> hold; ///< whether the next call hangs; none does by default
    std::size_t calls = 0;

private:
    std::deque<std::pair<std::function<void()>, std::function<void()>>> held_;
};

} // namespace kallglot::test

#endif
