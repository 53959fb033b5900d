/// When to act on changes that come in bursts: 100 ms after the last change, at most 1 s after the first.

#ifndef KALLGLOT_INTAKE_QUIET_TIME_HPP
#define KALLGLOT_INTAKE_QUIET_TIME_HPP

#include "kallglot/base/time.hpp"

#include <algorithm>
#include <optional>

namespace kallglot {

/// Pure: the caller passes the time in.
class quiet_time {
public:
    static constexpr milliseconds quiet{100};
    static constexpr seconds max_delay{1};

    /// Notes a change.
    void changed(steady_time now) noexcept {
        first_ = first_.value_or(now);
        last_ = now;
    }

    /// When to act; nothing if no change is noted.
    [[nodiscard]] std::optional<steady_time> due() const noexcept {
        if (!first_) {
            return std::nullopt;
        }
        return std::min<steady_time>(last_ + quiet, *first_ + max_delay);
    }

    /// Forgets the changes; called once they are acted on.
    void clear() noexcept { first_.reset(); }

private:
    std::optional<steady_time> first_; // of the present burst
    steady_time last_{};
};

} // namespace kallglot

#endif
