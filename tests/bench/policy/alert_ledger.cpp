#include "bench/policy/alert_ledger.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;

constexpr std::array<session_status, 4> own_statuses = {session_status::created,
                                                        session_status::connecting,
                                                        session_status::active,
                                                        session_status::ending};

double quantile(std::vector<double>& values, double q) {
    if (values.empty()) {
        return 0;
    }
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
    const auto place =
        values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

} // namespace

void alert_ledger::note(simulated_session& session,
                        const session_record& record,
                        steady_time asked,
                        steady_time now) {
    const std::uint64_t bits = counted_now(record);
    const std::uint64_t fresh = bits & ~session.counted;
    replace(session, bits);
    for (std::uint64_t left = fresh; left != 0; left &= left - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(left));
        const bool right = asked != no_time && is_true(session.life, bit, asked);
        false_alarms_ += right ? 0 : 1;
        const std::size_t which = bit / list_bits;
        const bool alert = (which == 0 || which == 2) && list(which)[bit % list_bits] == alert_age;
        if (alert && session.alerted_at == no_time && asked < session.life.left_waiting()) {
            session.alerted_at = now;
            ++detected_;
            if (session.fresh) {
                delays_.push_back(to_seconds(now - session.owed));
            }
        }
    }
}

void alert_ledger::forget(simulated_session& session) {
    replace(session, 0);
    session.forgotten = true;
}

bool alert_ledger::agrees(const census& counts) const {
    for (std::size_t which = 0; which < lists; ++which) {
        for (std::size_t i = 0; i < list(which).size(); ++i) {
            std::int64_t sum = 0;
            if (which == 0) {
                for (const auto& of_status : counts.not_started_over_threshold) {
                    sum += i < of_status.size() ? of_status[i] : 0;
                }
            } else {
                const auto status = static_cast<std::size_t>(own_statuses[which - 1]);
                sum = counts.over_threshold[status][i];
            }
            if (sum != sums_[which * list_bits + i]) {
                return false;
            }
        }
    }
    return true;
}

void alert_ledger::close(const std::vector<simulated_session>& sessions,
                         const api_model& api,
                         steady_time end,
                         outcome& figures) {
    std::vector<double> in_time_delays;
    for (const simulated_session& session : sessions) {
        // The API was reachable for a minute after the crossing.
        steady_time deadline = session.owed + 60s;
        for (int round = 0; round < 3; ++round) {
            deadline = session.owed + 60s + api.unusable(session.owed, deadline);
        }
        if (deadline > end || session.life.left_waiting() <= deadline) {
            continue;
        }
        ++figures.stuck;
        figures.missed += session.alerted_at == no_time ? 1 : 0;
        if (session.alerted_at != no_time && session.alerted_at - session.owed <= in_time) {
            ++figures.in_time;
            in_time_delays.push_back(to_seconds(session.alerted_at - session.owed));
        }
    }
    figures.in_time_p99 = quantile(in_time_delays, 0.99);
    figures.false_alarms = false_alarms_;
    figures.detected = detected_;
    figures.delay = {quantile(delays_, 0.5), quantile(delays_, 0.99), quantile(delays_, 1)};
}

const threshold_settings::list& alert_ledger::list(std::size_t index) const noexcept {
    return index == 0 ? thresholds_.not_started
                      : thresholds_of(thresholds_, own_statuses[index - 1]);
}

std::uint64_t alert_ledger::counted_now(const session_record& record) const noexcept {
    std::uint64_t bits = 0;
    const auto collect = [&](std::size_t which, steady_time begin) {
        for (std::size_t i = 0; i < list(which).size(); ++i) {
            if (confirmed_over(record, begin, list(which)[i])) {
                bits |= std::uint64_t{1} << (which * list_bits + i);
            }
        }
    };
    if (not_started(record)) {
        collect(0, record.created);
    }
    for (std::size_t i = 0; i < own_statuses.size(); ++i) {
        if (record.status == own_statuses[i]) {
            collect(i + 1, record.since);
        }
    }
    return bits;
}

bool alert_ledger::is_true(const session_life& life, std::size_t bit, steady_time at) const {
    const std::size_t which = bit / list_bits;
    const steady_duration age = list(which)[bit % list_bits];
    const steady_time seen = at - status_lag_;
    if (which == 0) {
        return seen < life.left_waiting() && at - life.created >= age;
    }
    return life.status_at(seen) == own_statuses[which - 1] && at - life.entered_at(seen) >= age;
}

void alert_ledger::replace(simulated_session& session, std::uint64_t bits) {
    const std::uint64_t changed = session.counted ^ bits;
    for (std::uint64_t left = changed; left != 0; left &= left - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(left));
        sums_[bit] += ((bits >> bit) & 1U) != 0 ? 1 : -1;
    }
    session.counted = bits;
}

} // namespace kallglot::policy
