/// The form of a session in the store, and its conversion from and to a record.
///
/// It has only what the daemon cannot learn again: id and sources, last known status with the bounds of its
/// beginning, the age up to which it was confirmed, creation and start. What was already counted follows from these:
/// a session that is stored as started or ended is not counted so again. No personal data, no secrets. It knows
/// nothing of databases.

#ifndef KALLGLOT_TRACKING_STORED_SESSION_HPP
#define KALLGLOT_TRACKING_STORED_SESSION_HPP

#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "tracking/stored_time.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// Units: milliseconds; `stored_time` for moments.
struct stored_session {
    explicit stored_session(const session_id& of) noexcept : id(of) {}

    session_id id;
    std::uint8_t sources = 0; ///< set of session_source
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    end_reason reason = end_reason::none;
    bool by_webhook = false;

    stored_time
        since; ///< later bound of the beginning of the status, or when the id was registered
    std::optional<std::int64_t> slack; ///< how much earlier it may have begun
    std::optional<std::int64_t>
        seen; ///< `observed - since`: thresholds up to this age are confirmed
    std::optional<stored_time> created; ///< later bound
    std::optional<stored_time> started; ///< later bound
    std::optional<stored_time> missing; ///< first 404 answer since the last good one
    std::uint8_t missing_count = 0;
    std::uint32_t call_ms = 0;

    [[nodiscard]] bool operator==(const stored_session&) const = default;
};

[[nodiscard]] stored_session to_stored(const session_id& id,
                                       const session_record& record,
                                       const stored_timeline& line) noexcept;

/// The record after a restart: unverified, with routine polls.
///
/// No moment of it is later than `now`. If a clock was put back, all moments move by the same time. Then ages are
/// rather too short, and confirmed thresholds stay confirmed.
[[nodiscard]] session_record to_record(const stored_session& stored,
                                       const stored_timeline& line,
                                       steady_time now) noexcept;

/// Whether to_stored can have made these values: the last check of a row that was read from disk. `mark` is that of the
/// store, so that the check does not depend on today's clock.
[[nodiscard]] bool is_sound(const stored_session& stored, stored_time mark) noexcept;

} // namespace kallglot

#endif
