#include "kallglot/core/series_selection.hpp"

#include "kallglot/core/poll_policy.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

constexpr steady_duration least_stay = 5min;

/// Room for records that change while the pass is under way, whose old places are kept.
constexpr std::size_t slack = 64;

/// A session that may become a member. Who stays by right comes behind the stuck ones only.
struct contender {
    ranked_session place;
    steady_time entered = no_time;
    bool stays = false;

    [[nodiscard]] auto order() const noexcept {
        const bool stuck = place.rank == series_rank::stuck;
        return std::tuple(!stuck, !stuck && !stays, place);
    }
};

bool is_still(const series_selection::member& one, const session_registry& registry) {
    return registry.is_tracked(one.slot) && registry.id_of(one.slot) == one.id;
}

} // namespace

ranked_session rank_session(const threshold_settings& thresholds,
                            session_slot slot,
                            const session_record& record) noexcept {
    if (is_stuck(thresholds, record)) {
        return {series_rank::stuck, record.since, slot};
    }
    if (record.status == session_status::active) {
        return {series_rank::active,
                record.started != no_time ? record.started : record.since,
                slot};
    }
    return {series_rank::other, record.since, slot};
}

series_candidates::series_candidates(const threshold_settings& thresholds, std::size_t count)
    : thresholds_(thresholds),
      count_(count == 0 ? 0 : count + slack) {}

void series_candidates::offer(session_slot slot, const session_record& record) {
    const ranked_session place = rank_session(thresholds_, slot, record);
    if (count_ == 0 || (last_ && !(place < *last_))) {
        return;
    }
    first_.push_back(place);
    if (first_.size() == 2 * count_) {
        keep_first();
    }
}

void series_candidates::keep_first() {
    const auto last = first_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
    std::ranges::nth_element(first_, last);
    last_ = *last;
    first_.resize(count_);
}

std::vector<ranked_session> series_candidates::take(const session_registry& registry) {
    if (first_.size() > count_) {
        keep_first();
    }
    std::erase_if(first_,
                  [&](const ranked_session& one) { return !registry.is_tracked(one.slot); });
    for (ranked_session& one : first_) {
        one = rank_session(thresholds_, one.slot, registry[one.slot]);
    }
    std::ranges::sort(first_);
    const auto doubles = std::ranges::unique(first_);
    first_.erase(doubles.begin(), doubles.end());
    return std::move(first_);
}

const std::vector<series_selection::member>& series_selection::choose(
    const std::vector<ranked_session>& candidates,
    const session_registry& registry,
    const threshold_settings& thresholds,
    steady_time now) {
    std::vector<contender> contenders;
    contenders.reserve(members_.size() + candidates.size());
    for (const member& one : members_) {
        if (is_still(one, registry)) {
            contenders.push_back({rank_session(thresholds, one.slot, registry[one.slot]),
                                  one.entered,
                                  now - one.entered < least_stay});
        }
    }
    for (const ranked_session& one : candidates) {
        contenders.push_back({one, now, false});
    }
    // Of a member that is a candidate too, the member is kept: it entered earlier.
    const auto by_slot = [](const contender& one) {
        return std::tuple(one.place.slot, one.entered, !one.stays);
    };
    std::ranges::sort(contenders, {}, by_slot);
    const auto doubles =
        std::ranges::unique(contenders, {}, [](const contender& one) { return one.place.slot; });
    contenders.erase(doubles.begin(), doubles.end());

    std::ranges::sort(contenders, {}, &contender::order);
    members_.clear();
    for (const contender& one : contenders) {
        if (members_.size() == limit_) {
            break;
        }
        members_.push_back({registry.id_of(one.place.slot), one.place.slot, one.entered});
    }
    return members_;
}

} // namespace kallglot
