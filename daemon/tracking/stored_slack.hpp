/// How far back the bounds of a time reach, as it is stored: unknown is an empty field on disk, not a large number.

#ifndef KALLGLOT_TRACKING_STORED_SLACK_HPP
#define KALLGLOT_TRACKING_STORED_SLACK_HPP

#include "kallglot/tracking/session_record.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

[[nodiscard]] inline std::optional<std::int64_t> stored_slack(std::uint32_t slack_ms) noexcept {
    return slack_ms == session_record::unknown_slack ? std::nullopt
                                                     : std::optional<std::int64_t>(slack_ms);
}

/// Precondition: is_sound_slack().
[[nodiscard]] inline std::uint32_t slack_ms(const std::optional<std::int64_t>& stored) noexcept {
    return stored ? static_cast<std::uint32_t>(*stored) : session_record::unknown_slack;
}

/// Whether stored_slack() can have made the value.
[[nodiscard]] inline bool is_sound_slack(const std::optional<std::int64_t>& stored) noexcept {
    return !stored || (*stored >= 0 && *stored < session_record::unknown_slack);
}

} // namespace kallglot

#endif
