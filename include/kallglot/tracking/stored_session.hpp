/// What is kept of a session across restarts, and the way there and back.
///
/// Only what cannot be learned again: the id and where it came from, the last known status with the bounds of its
/// beginning, up to which age it was confirmed, when it was made and started. What was already counted follows from
/// these: a session that was known as ended or started is not counted as that again. Nothing personal, nothing
/// secret. It knows nothing of databases.

#ifndef KALLGLOT_TRACKING_STORED_SESSION_HPP
#define KALLGLOT_TRACKING_STORED_SESSION_HPP

#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "tracking/stored_time.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// Units: milliseconds; `stored_time` where a moment is meant.
struct stored_session {
    explicit stored_session(const session_id& of) noexcept : id(of) {}

    session_id id;
    std::uint8_t sources = 0; ///< set of session_source
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    end_reason reason = end_reason::none;
    bool by_webhook = false;

    stored_time since; ///< later bound of the beginning of the status, or when it was told
    std::optional<std::int64_t> slack; ///< how much earlier it may have begun
    std::optional<std::int64_t>
        seen; ///< `observed - since`: thresholds up to this age are confirmed
    std::optional<stored_time> created; ///< later bound
    std::optional<stored_time> started; ///< later bound
    std::optional<stored_time> missing; ///< first of the 404 answers since the last good one
    std::uint8_t missing_count = 0;
    std::uint32_t call_ms = 0;

    [[nodiscard]] bool operator==(const stored_session&) const = default;
};

[[nodiscard]] stored_session to_stored(const session_id& id,
                                       const session_record& record,
                                       const stored_timeline& line) noexcept;

/// The record as a restart finds it: unverified, its polls routine.
///
/// No moment of it is later than `now`: where a clock that was put back would say so, all of them are moved by the
/// same time, so that ages are rather too short and what was confirmed stays confirmed.
[[nodiscard]] session_record to_record(const stored_session& stored,
                                       const stored_timeline& line,
                                       steady_time now) noexcept;

/// Whether the values are such as to_stored makes: the last check of what was read from a disk. `mark`: of that store, so
/// that no clock of today says what is damaged.
[[nodiscard]] bool is_sound(const stored_session& stored, stored_time mark) noexcept;

} // namespace kallglot

#endif
