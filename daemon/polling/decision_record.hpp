/// Share of the sessions that were decided in time, over the last quarter of an hour.
///
/// A session is to be decided when a poll is due that can count it as stuck: its first poll, or the confirm of a
/// threshold. Counts by the minute of the due time, so a session that waits for good counts too. Pure: moments go in.

#ifndef KALLGLOT_POLLING_DECISION_RECORD_HPP
#define KALLGLOT_POLLING_DECISION_RECORD_HPP

#include "kallglot/base/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kallglot {

/// Loop only.
class decision_record {
public:
    /// A poll that is sent so long after its due time still decides in time.
    static constexpr steady_duration in_time = std::chrono::seconds(10);

    /// A deciding poll is due. Call it once for each.
    void note_due(steady_time due) noexcept;

    /// That poll is sent.
    void note_sent(steady_time due, steady_time now) noexcept;

    /// 0 to 1, over the minutes that can be judged by `now`. Empty if no decision was due in them.
    [[nodiscard]] std::optional<double> ratio(steady_time now) const noexcept;

private:
    static constexpr std::int64_t minutes_judged = 15;
    /// With the running minute and the one whose last polls are not late yet.
    static constexpr std::size_t minutes_kept = minutes_judged + 2;

    struct minute {
        std::int64_t number = -1; ///< since the begin of the steady clock
        std::uint32_t due = 0;
        std::uint32_t decided = 0;
    };

    [[nodiscard]] minute& minute_of(steady_time due) noexcept;

    std::array<minute, minutes_kept> minutes_{};
};

} // namespace kallglot

#endif
