/// When to act on changes that come in bursts: after a moment of quiet, and not later than a second.

#ifndef KALLGLOT_ASYNC_QUIET_TIME_HPP
#define KALLGLOT_ASYNC_QUIET_TIME_HPP

#include "kallglot/base/time.hpp"

#include <algorithm>
#include <optional>

namespace kallglot {

/// Pure: the time is passed in.
class quiet_time {
public:
    static constexpr milliseconds quiet{100};
    static constexpr seconds longest{1};

    void changed(steady_time now) noexcept {
        first_ = first_.value_or(now);
        last_ = now;
    }

    /// When to act; nothing if nothing changed.
    [[nodiscard]] std::optional<steady_time> due() const noexcept {
        if (!first_) {
            return std::nullopt;
        }
        return std::min<steady_time>(last_ + quiet, *first_ + longest);
    }

    void clear() noexcept { first_.reset(); }

private:
    std::optional<steady_time> first_;
    steady_time last_{};
};

} // namespace kallglot

#endif
