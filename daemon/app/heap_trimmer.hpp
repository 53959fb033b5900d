/// Gives memory back to the system after many connections have been closed.
///
/// OpenSSL's memory for a connection lies between blocks that stay allocated, and malloc never returns such pages by itself:
/// 28 MiB after a thousand responses that hung. When there are 256 connections fewer than at the peak since the last trim,
/// the heap is trimmed.

#ifndef KALLGLOT_APP_HEAP_TRIMMER_HPP
#define KALLGLOT_APP_HEAP_TRIMMER_HPP

#include "kallglot/ports/clock.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace kallglot {

/// Calls malloc_trim(0). Cost: about a millisecond for each 10 MiB that is given back; malloc blocks meanwhile.
void trim_heap() noexcept;

/// Loop only. Lifetime: the clock outlives it.
class heap_trimmer {
public:
    using counter = std::function<std::size_t()>;
    using action = std::function<void()>;

    /// `connections` returns the present number. `trim` is trim_heap; tests pass another function.
    heap_trimmer(clock& time, counter connections, action trim = trim_heap);

    /// Checks every second from now on.
    void start();

    void stop() { timer_->cancel(); }

private:
    void look();

    clock& clock_;
    counter connections_;
    action trim_;
    std::size_t peak_ = 0; ///< of connections since the last trim
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
