#include "kallglot/core/stored_time.hpp"

#include <algorithm>

namespace kallglot {

stored_timeline stored_timeline::begin(api_time wall,
                                       steady_time now,
                                       std::uint64_t boot) noexcept {
    return stored_timeline(time_mark{{wall.time_since_epoch().count()}, wall, now, boot});
}

stored_timeline stored_timeline::resume(const time_mark& last,
                                        api_time wall,
                                        steady_time now,
                                        std::uint64_t boot) noexcept {
    const bool same_boot = boot != 0 && boot == last.boot && now >= last.steady;
    const milliseconds passed = same_boot ? std::chrono::floor<milliseconds>(now - last.steady)
                                          : std::max(wall - last.wall, milliseconds::zero());
    return stored_timeline(time_mark{{last.stored.ms + passed.count()}, wall, now, boot});
}

stored_time stored_timeline::to_stored(steady_time at) const noexcept {
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
