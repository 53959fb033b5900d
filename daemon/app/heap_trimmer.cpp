#include "app/heap_trimmer.hpp"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

/// Reading two counters is cheap; memory is given back soon after an outage.
constexpr steady_duration look_interval = std::chrono::seconds(1);

/// Fewer closed connections do not repay the cost of a trim.
constexpr std::size_t min_closed = 256;

} // namespace

void trim_heap() noexcept {
    // glibc keeps freed memory for itself. After an outage a thousand connections are gone, and their buffers would
    // count against MemoryMax.
    ::malloc_trim(0);
}

heap_trimmer::heap_trimmer(clock& time, counter connections, action trim)
    : clock_(time),
      connections_(std::move(connections)),
      trim_(std::move(trim)),
      timer_(make_timer<&heap_trimmer::look>(time, *this)) {}

void heap_trimmer::start() {
    timer_->wake_at(clock_.now() + look_interval);
}

void heap_trimmer::look() {
    timer_->wake_at(clock_.now() + look_interval);
    const std::size_t now = connections_();
    // Since the last trim.
    peak_ = std::max(peak_, now);
    if (peak_ - now >= min_closed) {
        // From here on: a slow decline is trimmed in steps.
        peak_ = now;
        trim_();
    }
}

} // namespace kallglot
