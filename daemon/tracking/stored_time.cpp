#include "tracking/stored_time.hpp"

#include <algorithm>

namespace kallglot {

namespace {
// The longest time that a machine is taken to have been off.
constexpr milliseconds max_time_off = std::chrono::hours(24 * 3660);

bool is_within_a_millennium(std::chrono::milliseconds since_1970) noexcept {
    // Far beyond any real clock, and far from the ends of the integer types.
    constexpr std::chrono::hours millennium(24 * 366'000);
    return since_1970 > -millennium && since_1970 < millennium;
}
} // namespace

bool is_sound(const time_mark& mark) noexcept {
    constexpr std::chrono::hours century(24 * 36'600);
    const steady_duration up = mark.steady.time_since_epoch();
    return is_within_a_millennium(milliseconds(mark.stored.ms))
           && is_within_a_millennium(mark.wall.time_since_epoch()) && up > -century && up < century;
}

stored_timeline stored_timeline::begin(api_time wall,
                                       steady_time now,
                                       std::uint64_t boot) noexcept {
    // The line starts at the wall clock, so that times on disk can be read by people. It goes on by the steady clock.
    return stored_timeline(time_mark{{wall.time_since_epoch().count()}, wall, now, boot});
}

stored_timeline stored_timeline::resume(const time_mark& last,
                                        api_time wall,
                                        steady_time now,
                                        std::uint64_t boot) noexcept {
    // Within one boot the steady clock has run through: the time off is exact.
    const bool same_boot = boot != 0 && boot == last.boot && now >= last.steady;
    // Bounded by ten years: a clock may be decades ahead, and is_sound() rejects times far from the line.
    const milliseconds passed =
        same_boot
            ? std::chrono::floor<milliseconds>(now - last.steady)
            // Another boot: only the wall clock says how long the machine was off. Below zero, it was set back,
            // and no time has passed.
            : std::clamp(wall - last.wall, milliseconds::zero(), max_time_off);
    return stored_timeline(time_mark{{last.stored.ms + passed.count()}, wall, now, boot});
}

stored_time stored_timeline::to_stored(steady_time at) const noexcept {
    // Round up here and down in mark(): an age on disk is never longer than the true one.
    return {begin_.stored.ms + std::chrono::ceil<milliseconds>(at - begin_.steady).count()};
}

steady_time stored_timeline::to_steady(stored_time at) const noexcept {
    return begin_.steady + milliseconds(at.ms - begin_.stored.ms);
}

time_mark stored_timeline::mark(api_time wall, steady_time now) const noexcept {
    return {{begin_.stored.ms + std::chrono::floor<milliseconds>(now - begin_.steady).count()},
            wall,
            now,
            begin_.boot};
}

} // namespace kallglot
