/// Runs the calls of a store engine on a worker thread, one at a time, and reports since when the present one has been running.

#ifndef KALLGLOT_STORE_ENGINE_WORKER_HPP
#define KALLGLOT_STORE_ENGINE_WORKER_HPP

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/store_engine.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kallglot {

/// Loop only. Lifetime: the clock outlives it.
class engine_worker {
public:
    engine_worker(loop_executor loop, clock& time, std::shared_ptr<store_engine> engine)
        : clock_(time),
          engine_(std::move(engine)),
          thread_(std::move(loop), "store") {}

    /// Ends with what the call returned.
    ///
    /// Errors: cancelled.
    /// Cancel: terminal, at once; the call continues, and what it did is unknown.
    template <class T>
    [[nodiscard]] task<result<T>> run(std::function<T(store_engine&)> call) {
        busy_since_ = clock_.now();
        std::function<result<T>()> work = [engine = engine_,
                                           call = std::move(call)]() -> result<T> {
            return call(*engine);
        };
        result<T> answer = co_await thread_.run<T>(std::move(work));
        busy_since_.reset();
        co_return answer;
    }

    /// Empty while no call is running.
    [[nodiscard]] std::optional<steady_time> busy_since() const noexcept { return busy_since_; }

    /// See store_engine::progress().
    [[nodiscard]] std::uint64_t progress() const noexcept { return engine_->progress(); }

    [[nodiscard]] std::string name() const { return engine_->name(); }

    [[nodiscard]] bool is_persistent() const noexcept { return engine_->is_persistent(); }

    /// See worker_thread::stop: false if a call does not return.
    [[nodiscard]] bool stop(steady_duration timeout) { return thread_.stop(timeout); }

private:
    clock& clock_;
    std::shared_ptr<store_engine> engine_; ///< shared with a call that outlives its caller
    worker_thread thread_;
    std::optional<steady_time> busy_since_;
};

} // namespace kallglot

#endif
