// An object that knows how many of its kind live, and what the probes of the compiler do with it.
//
// It owns no memory: destroyed twice it does not crash but makes the count negative, so that a broken compiler gives
// a failed expectation that can be read.

#ifndef KALLGLOT_UNIT_TOOLCHAIN_COUNTED_HPP
#define KALLGLOT_UNIT_TOOLCHAIN_COUNTED_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace kallglot::toolchain {

namespace asio = boost::asio;

/// Counts constructions minus destructions in the int that it points to.
class counted {
public:
    explicit counted(int* alive) noexcept : alive_{alive} { ++*alive_; }

    counted(const counted& other) noexcept : alive_{other.alive_} { ++*alive_; }

    counted& operator=(const counted&) = delete;

    ~counted() { --*alive_; }

    [[nodiscard]] int value() const noexcept { return 7; }

private:
    int* alive_;
};

/// The aggregate that the trouble is about.
struct parcel {
    counted load;
    int size = 0;
};

inline asio::awaitable<int> take(parcel p) {
    co_return p.load.value();
}

inline asio::awaitable<int> take_counted(counted c) {
    co_return c.value();
}

inline asio::awaitable<int> number(int n) {
    co_return n;
}

inline asio::awaitable<parcel> make(int* alive) {
    co_return parcel{counted{alive}, 1};
}

inline asio::awaitable<parcel> make_another(int* alive) {
    co_return parcel{counted{alive}, 2};
}

template <class F>
asio::awaitable<int> call(F f) {
    co_return f();
}

/// Runs the coroutine to its end; what is left is constructions minus destructions: 0 on a sound compiler.
inline int left_after(asio::awaitable<void> (*probe)(int*)) {
    int alive = 0;
    asio::io_context context;
    std::exception_ptr failure;
    asio::co_spawn(context, probe(&alive), [&failure](std::exception_ptr e) {
        failure = std::move(e);
    });
    context.run();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return alive;
}

} // namespace kallglot::toolchain

#endif
