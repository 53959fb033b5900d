// The loop of a test: runs until a condition holds, never for a duration, and fails a test that leaves work behind.

#ifndef KALLGLOT_TEST_SUPPORT_LOOP_HPP
#define KALLGLOT_TEST_SUPPORT_LOOP_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/async/task_group.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kallglot::test {

/// An io_context whose destructor fails the test that leaked a task or a timer.
class loop {
public:
    /// Longer than any test needs, and shorter than the timeout of ctest.
    static constexpr std::chrono::seconds patience{30};

    loop() = default;
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    ~loop() {
        context_.restart();
        context_.poll();
        EXPECT_TRUE(context_.stopped()) << "something still waits on the loop";
    }

    /// Runs until `done()`. Fails if that takes too long, or if the loop has no work left.
    template <class Predicate>
    ::testing::AssertionResult run_until(Predicate done) {
        const auto limit = std::chrono::steady_clock::now() + patience;
        while (!done()) {
            context_.restart();
            if (context_.run_one_until(limit) == 0) {
                const bool idle = context_.stopped();
                return ::testing::AssertionFailure()
                       << (idle ? "the loop ran out of work" : "the loop ran too long");
            }
        }
        return ::testing::AssertionSuccess();
    }

    /// Runs what is due now.
    void poll() {
        context_.restart();
        context_.poll();
    }

    /// Runs one coroutine to its end.
    ::testing::AssertionResult run(task<> work) {
        task_group group(executor(), failure());
        group.spawn("test", std::move(work));
        auto outcome = run_until([&] { return group.size() == 0; });
        poll();
        return outcome;
    }

    [[nodiscard]] asio::io_context& context() noexcept { return context_; }

    [[nodiscard]] loop_executor executor() noexcept { return context_.get_executor(); }

    /// For groups of the code under test: an exception out of a task fails the test.
    [[nodiscard]] static task_group::failure_handler failure() {
        return [](const std::string& name, const std::string& what) {
            ADD_FAILURE() << name << " ended with an exception: " << what;
        };
    }

private:
    asio::io_context context_{1};
};

} // namespace kallglot::test

#endif
