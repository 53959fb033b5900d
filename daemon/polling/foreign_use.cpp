#include "polling/foreign_use.hpp"

#include <algorithm>
#include <cmath>

namespace kallglot {

namespace {

/// Weight of the newest window in the averages.
constexpr double newest_weight = 0.125;

/// Weight of the newest window in the level of its hour.
constexpr double newest_level_weight = 1.0 / 16;

/// Independent requests vary by the square root of their number; so many times that is left as a margin.
constexpr double margin_deviations = 4.6;

/// At the begin of a window a few requests say little about the rest of it.
constexpr double least_place = 0.05;

/// A part counts if at least so much of it was observed; the rest is filled in proportion.
constexpr double observed_enough = 0.5;

double margin_for(double expected) noexcept {
    return margin_deviations * std::sqrt(std::max(expected, 0.0));
}

} // namespace

void foreign_use::note(double place, double used) noexcept {
    place = std::clamp(place, 0.0, 1.0);
    // What was used before the first note has no place in the rhythm, unless the note comes at once.
    if (place_ < 0) {
        place_ = place < observed_enough / parts ? 0 : place;
        used_ = place < observed_enough / parts ? 0 : used;
        part_ = part_at(place_);
    }
    const double more = std::max(used - used_, 0.0);
    used_ = std::max(used_, used);
    // The window may last longer than expected: what is used then belongs to its last part.
    if (place <= place_) {
        in_part_.used += more;
        return;
    }
    // Requests since the last note, spread evenly over the parts between.
    const double grown = more / (place - place_);
    while (place_ < place) {
        const double end = static_cast<double>(part_ + 1) / parts;
        const double until = part_ + 1 < parts ? std::min(place, end) : place;
        in_part_.used += grown * (until - place_);
        in_part_.observed += (until - place_) * parts;
        place_ = until;
        if (place_ >= end && part_ + 1 < parts) {
            end_part();
            ++part_;
        }
    }
}

void foreign_use::end_part() noexcept {
    if (in_part_.observed >= observed_enough) {
        // In proportion: a part that was observed by half counts as if it had gone on like that.
        const double seen = in_part_.used / in_part_.observed;
        double& mean = means_[part_];
        // Negative: nothing was seen yet, and the first window is all that is known.
        mean = mean < 0 ? seen : mean + (seen - mean) * newest_weight;
    }
    in_part_ = {};
}

void foreign_use::end_window(std::size_t hour) noexcept {
    if (place_ >= 0) {
        // Without answers in the rest of the window, others are assumed to have gone on as usual.
        const double whole = used_ + usual_after(place_);
        end_part();
        double& level = by_hour_[hour % hours];
        level = level < 0 ? whole : level + (whole - level) * newest_level_weight;
    }
    usual_ = usual_after(0);
    in_part_ = {};
    // No note of the new window yet; see note().
    place_ = -1;
    used_ = 0;
}

foreign_use::forecast foreign_use::rest(double place,
                                        double used,
                                        std::size_t hour,
                                        double slack) const noexcept {
    place = std::clamp(place, 0.0, 1.0);
    const bool first_window = usual_ < 0;
    const double usual = first_window ? usual_after(0) : usual_;
    // In an hour that was busier yesterday, the whole rhythm is scaled up to it. The parts of this window that are over do
    // not change the scale of the others.
    const double scale = usual > 0 ? std::max(1.0, by_hour_[hour % hours] / usual) : 1.0;
    // Others use more than ever: expect them to go on like that. What was used before the first answer may be our own
    // requests from before a restart, so the first window has no surprises.
    const double until_now = scale * std::max(usual - usual_after(place), 0.0);
    const double surprise =
        first_window ? 0.0 : std::max(used - until_now - margin_for(until_now), 0.0);
    const double surprise_pace = surprise / std::max(place, least_place);

    const double since = std::max(place - slack, 0.0);
    const double expected =
        scale * usual_after(since) + held_back(place, scale) + surprise_pace * (1 - place);
    if (expected <= 0) {
        return {};
    }
    // The margin shrinks with the square root of what is expected, and that by `pace`.
    const double pace = scale * usual_in(part_at(since)) * parts + surprise_pace;
    const double margin = margin_for(expected);
    return {expected, margin, margin * pace / (2 * expected)};
}

double foreign_use::held_back(double place, double scale) const noexcept {
    // The last part ends with the window, so nothing of it comes later.
    if (place_ < 0 || part_at(place) != part_ || part_ + 1 == parts) {
        return 0;
    }
    const double over = place * parts - static_cast<double>(part_);
    return std::max(scale * usual_in(part_) * over - in_part_.used, 0.0);
}

std::size_t foreign_use::part_at(double place) noexcept {
    return std::min(static_cast<std::size_t>(place * parts), parts - 1);
}

double foreign_use::usual_in(std::size_t at) const noexcept {
    if (means_[at] >= 0) {
        return means_[at];
    }
    // A part without history gets the average of those that have one, the running part included.
    const bool running = in_part_.observed >= observed_enough;
    double used = running ? in_part_.used : 0;
    double observed = running ? in_part_.observed : 0;
    for (const double mean : means_) {
        used += std::max(mean, 0.0);
        observed += mean < 0 ? 0 : 1;
    }
    return observed > 0 ? used / observed : 0;
}

double foreign_use::usual_after(double place) const noexcept {
    const std::size_t first = part_at(place);
    double sum = usual_in(first) * (static_cast<double>(first + 1) - place * parts);
    for (std::size_t i = first + 1; i < parts; ++i) {
        sum += usual_in(i);
    }
    return sum;
}

} // namespace kallglot
