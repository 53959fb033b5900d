/// Settings of the section `metrics`: the bound of what may grow with the sessions.

#ifndef KALLGLOT_CORE_SETTINGS_METRICS_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_METRICS_SETTINGS_HPP

#include <cstddef>

namespace kallglot {

struct metrics_settings {
    std::size_t per_session_limit = 200; ///< sessions with series of their own; 0 = none

    [[nodiscard]] bool operator==(const metrics_settings&) const = default;
};

} // namespace kallglot

#endif
