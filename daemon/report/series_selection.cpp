#include "kallglot/report/series_selection.hpp"

#include "kallglot/tracking/poll_policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

// A member stays for this time, so that series do not appear and vanish at every scrape.
constexpr steady_duration min_stay = 5min;

/// Extra candidates: records that change during the pass leave outdated entries behind.
constexpr std::size_t slack = 64;

/// Order before the rank: stuck sessions first, then members that joined recently.
enum class precedence : std::uint8_t { stuck, stays, other };

/// A session that competes for a place in the set.
struct contender {
    precedence first = precedence::other;
    ranked_session place;
    const series_selection::member* member = nullptr; ///< in the present set; null for others

    [[nodiscard]] bool operator<(const contender& other) const noexcept {
        return first != other.first ? first < other.first : place < other.place;
    }
};

precedence precedence_of(const ranked_session& place, bool stays) noexcept {
    // A stuck session is what an operator looks for, so nothing protects other members against it.
    if (place.rank == series_rank::stuck) {
        return precedence::stuck;
    }
    return stays ? precedence::stays : precedence::other;
}

bool is_still(const series_selection::member& one, const session_registry& registry) {
    // The slot may have a new session since, so the id is compared.
    return registry.is_tracked(one.slot) && registry.text_of(one.slot) == one.id.view();
}

} // namespace

ranked_session rank_session(const threshold_settings& thresholds,
                            session_slot slot,
                            const session_record& record) noexcept {
    // By the beginning of the status: the longest stay is the smallest value.
    if (is_stuck(thresholds, record)) {
        return {series_rank::stuck, record.since, slot};
    }
    if (record.status == session_status::active) {
        // Active: the longest call first. `since` stands in for a start that is not known.
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
    // The common case of a large table: one comparison and no copy.
    if (count_ == 0 || (last_ && !(place < *last_))) {
        return;
    }
    first_.push_back(place);
    // Select the best half now and then: a constant number of comparisons for each offered session.
    if (first_.size() == 2 * count_) {
        keep_first();
    }
}

void series_candidates::keep_first() {
    const auto last = first_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
    // Partition, not sort: only membership in the first half matters here.
    std::ranges::nth_element(first_, last);
    // From now on a session behind this one cannot get in, and costs one comparison.
    last_ = *last;
    first_.resize(count_);
}

std::vector<ranked_session> series_candidates::take(const session_registry& registry) {
    if (first_.size() > count_) {
        keep_first();
    }
    // Since it was offered, a session may have been forgotten, or its record may have changed.
    std::erase_if(first_,
                  [&](const ranked_session& one) { return !registry.is_tracked(one.slot); });
    for (ranked_session& one : first_) {
        one = rank_session(thresholds_, one.slot, registry[one.slot]);
    }
    std::ranges::sort(first_);
    // A session that changed during the pass was offered more than once.
    const auto repeated = std::ranges::unique(first_);
    first_.erase(repeated.begin(), repeated.end());
    return std::move(first_);
}

const std::vector<series_selection::member>& series_selection::choose(
    const std::vector<ranked_session>& candidates,
    const session_registry& registry,
    const threshold_settings& thresholds,
    steady_time now) {
    std::vector<contender> contenders;
    contenders.reserve(members_.size() + candidates.size());
    std::vector<session_slot> present;
    present.reserve(members_.size());
    for (const member& one : members_) {
        // Members first, by their present records: a slot may belong to another session now.
        if (is_still(one, registry)) {
            const ranked_session place = rank_session(thresholds, one.slot, registry[one.slot]);
            // The time of entry is that of the first selection, so a member cannot stay by being chosen again.
            const bool stays = now - one.entered < min_stay;
            contenders.push_back({precedence_of(place, stays), place, &one});
            present.push_back(one.slot);
        }
    }
    std::ranges::sort(present);
    for (const ranked_session& one : candidates) {
        // A member is a candidate as well; it must not compete twice.
        if (!std::ranges::binary_search(present, one.slot)) {
            contenders.push_back({precedence_of(one, false), one, nullptr});
        }
    }

    std::ranges::sort(contenders, std::less());
    // The first ones in the order get the places.
    contenders.resize(std::min(contenders.size(), limit_));
    std::vector<member> chosen;
    chosen.reserve(contenders.size());
    for (const contender& one : contenders) {
        // A member that stays keeps its time of entry, on which its protection depends.
        chosen.push_back(one.member != nullptr
                             ? *one.member
                             : member{registry.id_of(one.place.slot), one.place.slot, now});
    }
    // The contenders point into the old list until here.
    members_ = std::move(chosen);
    return members_;
}

} // namespace kallglot
