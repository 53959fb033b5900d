#include "simulator/population.hpp"

#include <algorithm>
#include <limits>

namespace kallglot::simulator {

namespace {

enum class cohort : std::uint64_t { standing = 0, arrived = 1, added = 2 };

// 2^40 sessions in a cohort; the cohort is in the bits above the index.
constexpr unsigned place_bits = 40;
constexpr std::uint64_t place_mask = (1ULL << place_bits) - 1;

constexpr std::uint64_t number_of(cohort where, std::uint64_t place) {
    return (static_cast<std::uint64_t>(where) << place_bits) | place;
}

double level_rate(const population_settings& settings) {
    const std::uint64_t held = settings.stuck + settings.never_started;
    const double ordinary =
        static_cast<double>(settings.sessions - std::min(held, settings.sessions));
    const double mean = mean_life(settings.life).count();
    return mean > 0 ? ordinary / mean : 0;
}

asked_range range_of(const std::vector<std::uint32_t>& counts, std::uint64_t sessions) {
    asked_range range;
    range.sessions = sessions;
    if (sessions == 0) {
        return range;
    }
    std::uint64_t least = std::numeric_limits<std::uint32_t>::max();
    for (std::uint64_t place = 0; place < sessions; ++place) {
        const std::uint64_t asked = place < counts.size() ? counts[place] : 0;
        least = std::min(least, asked);
        range.most = std::max(range.most, asked);
        range.never_asked += asked == 0 ? 1 : 0;
    }
    range.least = least;
    return range;
}

} // namespace

population::population(const population_settings& settings, system_time epoch)
    : settings_(settings),
      codec_(settings.life.seed, settings.id_length),
      epoch_(epoch),
      arrivals_per_second_(settings.keep_level ? level_rate(settings)
                                               : settings.arrivals_per_second) {}

std::uint64_t population::arrived(system_time now) const {
    if (now <= epoch_ || arrivals_per_second_ <= 0) {
        return 0;
    }
    const double seconds = std::chrono::duration<double>(now - epoch_).count();
    return static_cast<std::uint64_t>(seconds * arrivals_per_second_);
}

session_life population::standing_life(std::uint64_t index) const {
    session_kind kind = session_kind::ordinary;
    if (index < settings_.stuck) {
        kind = session_kind::stuck;
    } else if (index < settings_.stuck + settings_.never_started) {
        kind = session_kind::never_started;
    }
    return make_standing_life(settings_.life, number_of(cohort::standing, index), kind, epoch_);
}

session_life population::arrived_life(std::uint64_t index) const {
    const std::uint64_t number = number_of(cohort::arrived, index);
    // The n-th session arrives when n = seconds * rate. Rounded up, so that it is not created before it counts.
    const double seconds = static_cast<double>(index + 1) / arrivals_per_second_;
    const auto after =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
    const double share =
        static_cast<double>(scatter(settings_.life.seed ^ scatter(number)) >> 11U) * 0x1p-53;
    session_kind kind = session_kind::ordinary;
    if (share < settings_.arriving_stuck_share) {
        kind = session_kind::stuck;
    } else if (share < settings_.arriving_stuck_share + settings_.arriving_never_started_share) {
        kind = session_kind::never_started;
    }
    return make_arriving_life(settings_.life, number, kind, epoch_ + after);
}

std::optional<session_life> population::added_life(std::uint64_t index) const {
    const auto after = std::upper_bound(
        batches_.begin(),
        batches_.end(),
        index,
        [](std::uint64_t number, const batch& candidate) { return number < candidate.first; });
    if (after == batches_.begin()) {
        return std::nullopt;
    }
    const batch& home = *std::prev(after);
    if (index >= home.first + home.count) {
        return std::nullopt;
    }
    return make_arriving_life(settings_.life,
                              number_of(cohort::added, index),
                              home.kind,
                              home.created_at);
}

std::optional<session_life> population::find(std::string_view id, system_time now) const {
    const auto number = codec_.decode(id);
    if (!number) {
        return std::nullopt;
    }
    const std::uint64_t place = *number & place_mask;
    switch (static_cast<cohort>(*number >> place_bits)) {
        case cohort::standing:
            return place < settings_.sessions ? std::optional(standing_life(place)) : std::nullopt;
        case cohort::arrived:
            return place < arrived(now) ? std::optional(arrived_life(place)) : std::nullopt;
        case cohort::added:
            return added_life(place);
    }
    return std::nullopt;
}

std::uint32_t population::count_question(std::uint64_t number) {
    std::vector<std::uint32_t>& counts = questions_.at(number >> place_bits);
    const auto place = static_cast<std::size_t>(number & place_mask);
    if (place >= counts.size()) {
        counts.resize(std::max(place + 1, counts.size() * 2));
    }
    return ++counts[place];
}

std::uint32_t population::questions(std::uint64_t number) const {
    const std::vector<std::uint32_t>& counts = questions_.at(number >> place_bits);
    const auto place = static_cast<std::size_t>(number & place_mask);
    return place < counts.size() ? counts[place] : 0;
}

asked_range population::questions_about_standing() const {
    return range_of(questions_[0], settings_.sessions);
}

asked_range population::questions_about_arrived(system_time now) const {
    return range_of(questions_[1], arrived(now));
}

std::vector<std::string> population::add(std::uint64_t count, session_kind kind, system_time now) {
    const std::uint64_t first =
        batches_.empty() ? 0 : batches_.back().first + batches_.back().count;
    batches_.push_back(batch{first, count, kind, now});
    std::vector<std::string> ids;
    ids.reserve(count);
    for (std::uint64_t place = first; place < first + count; ++place) {
        ids.push_back(codec_.encode(number_of(cohort::added, place)));
    }
    return ids;
}

std::vector<std::string> population::take_arrived(system_time now) {
    std::vector<std::string> ids;
    for (const std::uint64_t there = arrived(now); announced_ < there; ++announced_) {
        ids.push_back(codec_.encode(number_of(cohort::arrived, announced_)));
    }
    return ids;
}

void population::for_each(system_time now,
                          const std::function<void(const session_life&)>& visit) const {
    for (std::uint64_t place = 0; place < settings_.sessions; ++place) {
        visit(standing_life(place));
    }
    for (std::uint64_t place = 0, there = arrived(now); place < there; ++place) {
        visit(arrived_life(place));
    }
    for (const batch& home : batches_) {
        for (std::uint64_t place = home.first; place < home.first + home.count; ++place) {
            visit(make_arriving_life(settings_.life,
                                     number_of(cohort::added, place),
                                     home.kind,
                                     home.created_at));
        }
    }
}

population_counts population::count(system_time now, std::chrono::milliseconds threshold) const {
    population_counts counts;
    for_each(now, [&](const session_life& life) {
        const session_status status = status_at(life, now);
        const auto place = static_cast<std::size_t>(status);
        ++counts.sessions;
        ++counts.by_status[place];
        counts.over_threshold[place] += now - status_since(life, now) >= threshold ? 1 : 0;
        counts.stuck += life.kind == session_kind::stuck && now >= life.connecting_at ? 1 : 0;
        counts.never_started += life.kind == session_kind::never_started ? 1 : 0;
    });
    return counts;
}

} // namespace kallglot::simulator
