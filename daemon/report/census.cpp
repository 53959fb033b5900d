#include "kallglot/report/census.hpp"

#include "kallglot/polling/alert_crossing.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <algorithm>

namespace kallglot {

namespace {

std::size_t index(session_status status) noexcept {
    return static_cast<std::size_t>(status);
}

/// Adds `weight` (1, or -1 as an unsigned number) to each count whose age the predicate accepts.
template <class Accept>
void count_ages(const threshold_settings::list& ages,
                std::vector<std::uint32_t>& counts,
                std::uint32_t weight,
                Accept accept) {
    // Ages ascend: after the first one that is not reached, no other is.
    for (std::size_t i = 0; i < ages.size() && accept(ages[i]); ++i) {
        counts[i] += weight;
    }
}

bool is_stale(const session_record& record, const census_terms& terms) {
    // Ended sessions are not polled, so they cannot be overdue.
    if (record.status == session_status::ended) {
        return false;
    }
    const steady_time seen = record.was_observed() ? record.observed : record.since;
    // A record that was just added has no times yet.
    if (seen == no_time) {
        return false;
    }
    const double interval =
        to_seconds(effective_interval(*terms.policy, record, seen, terms.shortage))
        * std::max(1.0, terms.stretch);
    // Three intervals: one missed poll is normal, two can be chance.
    return terms.at - seen > from_seconds(3 * interval) + terms.request_timeout;
}

/// Nothing says whether the session has started: no poll, and no webhook.
bool is_unobserved(const session_record& record) {
    return rules_of(record.status).waits_for_start && !record.was_observed()
           && record.not_found_since == no_time;
}

/// The index in trait_counts::by_creation_hour.
std::size_t creation_hour(const session_record& record, const census_terms& terms) {
    constexpr std::size_t earlier = creation_hour_count - 1;
    if (record.created == no_time) {
        return earlier;
    }
    // Hours of the clock on the wall, since an operator remembers what happened at 14:00.
    const auto age = std::chrono::duration_cast<milliseconds>(terms.at - record.created);
    const auto hours_ago = std::chrono::floor<std::chrono::hours>(terms.wall)
                           - std::chrono::floor<std::chrono::hours>(terms.wall - age);
    return static_cast<std::size_t>(
        std::clamp<std::chrono::hours::rep>(hours_ago.count(), 0, earlier));
}

} // namespace

census_pass::census_pass(const session_registry& registry, const census_terms& terms)
    : registry_(registry),
      terms_(terms),
      deciding_age_(deciding_age(terms.policy->thresholds)) {
    census_.at = terms.at;
    // no_time stands for a status without sessions.
    census_.oldest_since.fill(no_time);
    const threshold_settings& thresholds = terms.policy->thresholds;
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const auto status = static_cast<session_status>(i);
        // The threshold vectors get their size once, so that counting never allocates.
        const std::size_t own = thresholds_of(thresholds, status).size();
        census_.over_threshold[i].assign(own, 0);
        census_.suspected_over_threshold[i].assign(own, 0);
        if (rules_of(status).episode != nullptr) {
            census_.over_threshold_by_provider[i].resize(own);
        }
        // `not_started` is counted in the statuses that wait for a start.
        const bool may_start = rules_of(status).waits_for_start;
        census_.not_started_over_threshold[i].assign(may_start ? thresholds.not_started.size() : 0,
                                                     0);
    }
    // From here on the registry reports each change, so that the counts stay consistent between steps.
    registry_.observe_with(this);
}

census_pass::~census_pass() {
    // Also when the pass is abandoned: the registry must not call an object that is gone.
    registry_.observe_with(nullptr);
}

bool census_pass::step(std::size_t records) {
    const auto end = static_cast<std::uint32_t>(
        std::min<std::size_t>(registry_.slot_count(), cursor_ + records));
    // Records behind the cursor are counted; those in front of it are not yet.
    for (; cursor_ < end; ++cursor_) {
        const session_slot slot{cursor_};
        if (registry_.is_tracked(slot)) {
            take_in(slot, registry_[slot]);
        }
    }
    return cursor_ < registry_.slot_count();
}

const census& census_pass::outcome() {
    // A record that left its status during the pass may have been the oldest. A minimum cannot be subtracted like a
    // count, so it is computed again.
    if (oldest_dirty_) {
        census_.oldest_since.fill(no_time);
        for (std::uint32_t i = 0; i < registry_.slot_count(); ++i) {
            const session_slot slot{i};
            if (registry_.is_tracked(slot)) {
                const session_record& record = registry_[slot];
                steady_time& oldest = census_.oldest_since[index(record.status)];
                oldest = oldest == no_time ? record.since : std::min(oldest, record.since);
            }
        }
        oldest_dirty_ = false;
    }
    return census_;
}

void census_pass::before_change(session_slot slot, const session_record& record) {
    // A record in front of the cursor is counted later, in its new state.
    if (index_of(slot) < cursor_ && registry_.is_tracked(slot)) {
        // Unsigned arithmetic wraps around, so adding -1 subtracts.
        count(record, static_cast<std::uint32_t>(-1));
        // Only if this record was the oldest of its status, the minimum may be wrong now.
        oldest_dirty_ |= census_.oldest_since[index(record.status)] == record.since;
    }
}

void census_pass::after_change(session_slot slot, const session_record& record) {
    if (index_of(slot) < cursor_ && registry_.is_tracked(slot)) {
        // The new state of the record; its old one was subtracted in before_change().
        take_in(slot, record);
    }
}

void census_pass::take_in(session_slot slot, const session_record& record) {
    count(record, 1);
    // A changed record is offered again; the candidates drop the repeated one at the end.
    if (terms_.candidates != nullptr) {
        terms_.candidates->offer(slot, record);
    }
}

void census_pass::count(const session_record& record, std::uint32_t weight) {
    const std::size_t i = index(record.status);
    // Plain counts first, then those that depend on policy and time.
    census_.by_status[i] += weight;
    census_.by_mode[i][static_cast<std::size_t>(record.mode)] += weight;
    census_.by_provider[i][static_cast<std::size_t>(record.provider)] += weight;
    census_.unverified += record.unverified ? weight : 0;
    census_.stuck[i] += is_stuck(terms_.policy->thresholds, record) ? weight : 0;
    census_.stale[i] += is_stale(record, terms_) ? weight : 0;

    const steady_time now = terms_.at;
    if (is_unobserved(record) && past(record.since, deciding_age_, now)) {
        census_.unobserved += weight;
    }
    const threshold_settings& thresholds = terms_.policy->thresholds;
    const auto& own = thresholds_of(thresholds, record.status);
    // Confirmed by an observation: these numbers may raise an alert.
    count_ages(own, census_.over_threshold[i], weight, [&](steady_duration age) {
        return confirmed_over(record, record.since, age);
    });
    auto& by_provider = census_.over_threshold_by_provider[i];
    for (std::size_t k = 0; k < by_provider.size() && confirmed_over(record, record.since, own[k]);
         ++k) {
        by_provider[k][static_cast<std::size_t>(record.provider)] += weight;
    }
    count_traits(record, weight);
    // Suspected: past the age by the clock and not confirmed. Before the first report of a status, `since` is the
    // moment of registration.
    for (std::size_t k = 0; k < own.size() && past(record.since, own[k], now); ++k) {
        census_.suspected_over_threshold[i][k] +=
            confirmed_over(record, record.since, own[k]) ? 0 : weight;
    }
    // The age since creation, over all statuses that wait: `since` starts again with each status.
    if (not_started(record)) {
        count_ages(
            thresholds.not_started,
            census_.not_started_over_threshold[i],
            weight,
            [&](steady_duration age) { return confirmed_over(record, record.created, age); });
    }
    // Only additions can lower a minimum.
    if (weight == 1) {
        steady_time& oldest = census_.oldest_since[i];
        oldest = oldest == no_time ? record.since : std::min(oldest, record.since);
    }
}

void census_pass::count_traits(const session_record& record, std::uint32_t weight) {
    // An ended session is over, so it is neither stuck nor a fair comparison.
    if (record.status == session_status::ended) {
        return;
    }
    const bool is_long = is_past_episode_threshold(terms_.policy->thresholds, record);
    trait_counts& into = is_long ? census_.in_episode[index(record.status)] : census_.others;
    into.by_provider[static_cast<std::size_t>(record.provider)] += weight;
    into.by_mode[static_cast<std::size_t>(record.mode)] += weight;
    // The two groups, stuck and other sessions, are compared: what they differ in hints at the cause.
    into.by_creation_hour[creation_hour(record, terms_)] += weight;
}

} // namespace kallglot
