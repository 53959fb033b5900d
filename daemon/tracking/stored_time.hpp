/// Time line of the store: conversion of steady times to times on disk, and back after a restart.
///
/// The steady clock is the same for every process of one boot. So ages stay exact over a restart of the daemon alone.
/// Across a reboot, only this machine's wall clock knows how long the machine was off. The line therefore runs on the
/// steady clock and crosses a reboot by the difference of two readings of the wall clock. Steps of that clock while the
/// daemon ran do not count, and a clock that was put back counts as no time. Only a machine that boots with a clock
/// that is ahead makes ages too long, until the first poll. The caller passes all times in.

#ifndef KALLGLOT_TRACKING_STORED_TIME_HPP
#define KALLGLOT_TRACKING_STORED_TIME_HPP

#include "kallglot/base/time.hpp"

#include <cstdint>

namespace kallglot {

/// A moment of the store's time line, in milliseconds; near the wall clock of the day the store was made.
struct stored_time {
    std::int64_t ms = 0;

    [[nodiscard]] auto operator<=>(const stored_time&) const = default;
};

/// One moment on three clocks. The store persists it and updates it while the daemon runs.
struct time_mark {
    stored_time stored;
    api_time wall{};
    steady_time steady{};
    std::uint64_t boot = 0; ///< names the boot that `steady` belongs to; 0: not known

    [[nodiscard]] bool operator==(const time_mark&) const = default;
};

/// Whether a mark from disk is plausible: no real clock is further off.
[[nodiscard]] bool is_sound(const time_mark& mark) noexcept;

/// Immutable after construction.
class stored_timeline {
public:
    explicit stored_timeline(const time_mark& begin) noexcept : begin_(begin) {}

    /// The line of a new store.
    [[nodiscard]] static stored_timeline begin(api_time wall,
                                               steady_time now,
                                               std::uint64_t boot) noexcept;

    /// The line of a store whose newest mark is `last`.
    [[nodiscard]] static stored_timeline resume(const time_mark& last,
                                                api_time wall,
                                                steady_time now,
                                                std::uint64_t boot) noexcept;

    /// Rounds up to a millisecond: a stay never begins earlier on disk than it did.
    [[nodiscard]] stored_time to_stored(steady_time at) const noexcept;

    /// Precondition: within two centuries of the mark; the store checks each row that it reads.
    [[nodiscard]] steady_time to_steady(stored_time at) const noexcept;

    [[nodiscard]] time_mark mark(api_time wall, steady_time now) const noexcept;

private:
    time_mark begin_;
};

} // namespace kallglot

#endif
