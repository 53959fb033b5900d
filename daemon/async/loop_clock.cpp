#include "kallglot/async/loop_clock.hpp"

#include "kallglot/async/deadline.hpp"
#include "kallglot/base/error.hpp"

#include <cstdint>
#include <utility>

namespace kallglot {

namespace {

// Wakes its owner once: a new wake_at() or cancel() makes the waits before it obsolete.
class loop_timer final : public wake_timer {
public:
    loop_timer(loop_executor executor, void (*callback)(void*), void* context)
        : timer_(executor),
          callback_(callback),
          context_(context) {}

    // No wait has the number 0, so every queued wait is obsolete.
    ~loop_timer() override { *current_ = 0; }

    loop_timer(const loop_timer&) = delete;
    loop_timer& operator=(const loop_timer&) = delete;

    void wake_at(steady_time when) override {
        // Cancels the wait before it, if that has not expired yet.
        timer_.expires_at(when);
        const std::uint64_t number = ++*current_;
        // An expired wait is already queued: it cannot be cancelled, and it may run after this object is destroyed.
        // So it compares its number with the shared current one before it touches the object.
        timer_.async_wait([current = current_, number, this](const error_code& error) {
            if (!error && *current == number) {
                callback_(context_);
            }
        });
    }

    void cancel() override {
        ++*current_;
        timer_.cancel();
    }

private:
    steady_timer timer_;
    void (*callback_)(void*);
    void* context_;
    // The number of the only wait that may call back; shared with the queued waits.
    std::shared_ptr<std::uint64_t> current_ = std::make_shared<std::uint64_t>(0);
};

} // namespace

steady_time loop_clock::now() const {
    return std::chrono::steady_clock::now();
}

api_time loop_clock::wall_now() const {
    // The API's times have milliseconds; rounded down, so that a moment is never in the future.
    return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

std::unique_ptr<wake_timer> loop_clock::make_timer(void (*callback)(void*), void* context) {
    return std::make_unique<loop_timer>(executor_, callback, context);
}

} // namespace kallglot
