#include "polling/decision_record.hpp"

#include <algorithm>

namespace kallglot {

namespace {

std::int64_t number_of(steady_time moment) noexcept {
    return std::chrono::floor<std::chrono::minutes>(moment.time_since_epoch()).count();
}

} // namespace

void decision_record::note_due(steady_time due) noexcept {
    const std::int64_t number = number_of(due);
    minute& kept = minute_of(due);
    // A due time from before the kept minutes: its place belongs to a later minute by now.
    if (kept.number > number) {
        return;
    }
    // The ring has come around: the place was of a minute that is over, and begins again.
    if (kept.number != number) {
        kept = {number, 0, 0};
    }
    ++kept.due;
}

void decision_record::note_sent(steady_time due, steady_time now) noexcept {
    minute& kept = minute_of(due);
    // Counted in the minute in which it was due, so that share and total are of the same polls.
    if (kept.number == number_of(due) && now - due <= in_time) {
        ++kept.decided;
    }
}

std::optional<double> decision_record::ratio(steady_time now) const noexcept {
    // A minute can be judged once its last due time is late.
    const std::int64_t end = number_of(now - in_time);
    std::uint64_t due = 0;
    std::uint64_t decided = 0;
    for (const minute& kept : minutes_) {
        if (kept.number < end && kept.number >= end - minutes_judged) {
            due += kept.due;
            decided += kept.decided;
        }
    }
    if (due == 0) {
        return std::nullopt;
    }
    // A due time can move while its poll waits, so a minute may get the decisions of its neighbour.
    return std::min(1.0, static_cast<double>(decided) / static_cast<double>(due));
}

decision_record::minute& decision_record::minute_of(steady_time due) noexcept {
    // A ring, so that the record never grows. Each place knows its minute.
    return minutes_[static_cast<std::uint64_t>(number_of(due)) % minutes_kept];
}

} // namespace kallglot
