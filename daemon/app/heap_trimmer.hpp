/// Gives memory back to the system after many connections have been closed.
///
/// What OpenSSL had for a connection lies between blocks that live on, and malloc keeps such pages for ever: 28 MiB after a
/// thousand answers that hung. Once the connections are 256 fewer than at the last look at their most, the heap is trimmed.

#ifndef KALLGLOT_APP_HEAP_TRIMMER_HPP
#define KALLGLOT_APP_HEAP_TRIMMER_HPP

#include "kallglot/ports/clock.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace kallglot {

/// malloc_trim(0). Cost: a millisecond for each 10 MiB or so that is given back; malloc waits meanwhile.
void trim_heap() noexcept;

/// Loop only. Lifetime: the clock outlives it.
class heap_trimmer {
public:
    using counter = std::function<std::size_t()>;
    using action = std::function<void()>;

    /// `connections` tells how many there are now. `trim` is trim_heap, but for tests.
    heap_trimmer(clock& time, counter connections, action trim = trim_heap);

    /// Looks every second from now on.
    void start();

    void stop() { timer_->cancel(); }

private:
    void look();

    clock& clock_;
    counter connections_;
    action trim_;
    std::size_t most_ = 0;
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
