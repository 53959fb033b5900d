#include "support/virtual_clock.hpp"

#include <algorithm>
#include <optional>

namespace kallglot::test {

namespace {

class virtual_timer final : public wake_timer {
public:
    virtual_timer(virtual_clock& owner, void (*callback)(void*), void* context)
        : clock_(owner),
          callback_(callback),
          context_(context) {}

    ~virtual_timer() override { cancel(); }

    virtual_timer(const virtual_timer&) = delete;
    virtual_timer& operator=(const virtual_timer&) = delete;

    void wake_at(steady_time when) override {
        cancel();
        pending_ = clock_.at(when, [this] {
            pending_.reset();
            callback_(context_);
        });
    }

    void cancel() override {
        if (pending_) {
            clock_.take_back(*pending_);
            pending_.reset();
        }
    }

private:
    virtual_clock& clock_;
    void (*callback_)(void*);
    void* context_;
    std::optional<virtual_clock::event_key> pending_;
};

} // namespace

api_time virtual_clock::wall_now() const {
    using namespace std::chrono;
    constexpr api_time start = sys_days{2026y / April / 14} + hours(9);
    const auto since = now_ - steady_time{hours(1000)};
    return start + duration_cast<milliseconds>(since) + wall_offset_;
}

std::unique_ptr<wake_timer> virtual_clock::make_timer(void (*callback)(void*), void* context) {
    return std::make_unique<virtual_timer>(*this, callback, context);
}

virtual_clock::event_key virtual_clock::at(steady_time when, event what) {
    const event_key key{std::max(when, now_), next_number_++};
    events_.emplace(key, std::move(what));
    return key;
}

void virtual_clock::advance(steady_duration span) {
    const steady_time end = now_ + span;
    while (step(end - now_)) {
    }
    now_ = end;
}

bool virtual_clock::step(steady_duration span) {
    if (events_.empty() || events_.begin()->first.first > now_ + span) {
        return false;
    }
    const auto next = events_.extract(events_.begin());
    now_ = next.key().first;
    next.mapped()();
    return true;
}

} // namespace kallglot::test
