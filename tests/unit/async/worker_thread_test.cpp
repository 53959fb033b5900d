#include "kallglot/async/worker_thread.hpp"

#include "support/loop.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <future>
#include <string>
#include <thread>

namespace kallglot::test {

namespace {

using text_result = result<std::string>;

task<> call(worker_thread* worker,
            std::function<text_result()> work,
            std::optional<text_result>* answer) {
    text_result got = co_await worker->run<std::string>(std::move(work));
    answer->emplace(std::move(got));
}

std::string thread_name() {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return name.data();
}

} // namespace

class WorkerThread : public ::testing::Test {
protected:
    loop loop_;
    std::optional<text_result> answer_;
    task_group group_{loop_.executor(), loop::failure()};
};

TEST_F(WorkerThread, ReturnsTheResultOnTheLoop) {
    worker_thread worker(loop_.executor(), "a-name-that-is-too-long");
    const std::thread::id here = std::this_thread::get_id();
    group_.spawn("call",
                 call(
                     &worker,
                     [here]() -> text_result {
                         EXPECT_NE(std::this_thread::get_id(), here);
                         return thread_name() + " did something of more than thirty-two characters";
                     },
                     &answer_));
    ASSERT_TRUE(loop_.run_until([&] { return answer_.has_value(); }));
    EXPECT_EQ(**answer_, "a-name-that-is- did something of more than thirty-two characters");
    loop_.poll();
    EXPECT_EQ(group_.size(), 0U);
}

TEST_F(WorkerThread, ReturnsTheErrorOfTheWork) {
    worker_thread worker(loop_.executor(), "errors");
    group_.spawn("call",
                 call(&worker, []() -> text_result { return errc::name_not_resolved; }, &answer_));
    ASSERT_TRUE(loop_.run_until([&] { return answer_.has_value(); }));
    EXPECT_EQ(answer_->error(), errc::name_not_resolved);
    loop_.poll();
}

TEST_F(WorkerThread, RunsWorkInTheOrderOfTheCalls) {
    std::string order;
    {
        worker_thread worker(loop_.executor(), "order");
        for (const char letter : {'a', 'b', 'c', 'd'}) {
            worker.post([&order, letter] { order += letter; });
        }
    }
    EXPECT_EQ(order, "abcd");
}

TEST_F(WorkerThread, ACancelledCallEndsAtOnceAndTheWorkContinues) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    worker_thread worker(loop_.executor(), "stuck");
    group_.spawn("call",
                 call(
                     &worker,
                     [released]() -> text_result {
                         released.wait();
                         return std::string("a result that arrives after its caller has ended");
                     },
                     &answer_));
    loop_.poll();
    EXPECT_FALSE(answer_.has_value());
    group_.cancel(asio::cancellation_type::terminal);
    loop_.poll();
    ASSERT_TRUE(answer_.has_value());
    EXPECT_EQ(answer_->error(), errc::cancelled);

    // stop() reports that the thread is stuck. Later the work ends by itself, and its result is dropped.
    EXPECT_FALSE(worker.stop(std::chrono::milliseconds(1)));
    release.set_value();
    EXPECT_TRUE(worker.stop(std::chrono::hours(1)));
    loop_.poll();
}

TEST_F(WorkerThread, FinishesQueuedWorkAndAcceptsNoMore) {
    int done = 0;
    worker_thread worker(loop_.executor(), "end");
    for (int i = 0; i < 100; ++i) {
        worker.post([&done] { ++done; });
    }
    EXPECT_TRUE(worker.stop(std::chrono::hours(1)));
    worker.post([&done] { ++done; });
    EXPECT_EQ(done, 100);
    EXPECT_TRUE(worker.stop(std::chrono::hours(1)));
}

} // namespace kallglot::test
