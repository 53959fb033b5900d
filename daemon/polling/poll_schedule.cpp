#include "kallglot/polling/poll_schedule.hpp"

#include "kallglot/polling/alert_crossing.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// Length of the moving average over the stretch of routine polls, in polls.
constexpr double polls_in_served_stretch = 32;

/// First polls wait in the order of their crossings for so long. Beyond, the newest goes first: a session whose alert is
/// late already loses little, and the others stay in time.
constexpr steady_duration patience = 5s;

/// After a surge, requests suffice for the new sessions again, and one first poll in so many goes to the longest waiting
/// one: without it, the first sessions of the surge wait for as long as the surge and its aftermath last.
constexpr unsigned first_polls_a_late_one = 2;

/// A session that has waited for so long has probably ended: it gets what others leave.
constexpr steady_duration hopeless = 20min;

/// While not every session can be decided, one confirm of a session that counts already goes after so many first polls:
/// most sessions need one request, and in an outage each would need two.
constexpr unsigned first_polls_a_confirm = 15;

/// Of the first polls that cannot all be sent, one in so many goes before the others, chosen by a hash of the id.
constexpr std::uint64_t sessions_in_sample = 8;

} // namespace

poll_schedule::poll_schedule(const session_registry& registry,
                             poll_policy policy,
                             steady_time start)
    : registry_(registry),
      policy_(std::move(policy)),
      wheel_(entries_, start),
      queues_(entries_, queue_count) {
    // Reserved once: growing would move millions of entries in one turn of the loop.
    entries_.reserve(registry.max_tracked());
}

void poll_schedule::update(session_slot slot, steady_time now) {
    // New sessions get their entries here, so that the registry needs no reference to the schedule.
    make_room();
    // The former due time is void; a place in a queue may still be right.
    wheel_.remove(slot);
    const session_record& record = registry_[slot];
    const pending_work work = due_work(record, policy_, demand_of(slot), now);
    // A GET is in flight, or the session is gone: its answer or its removal comes next.
    if (work.what == pending_work::kind::nothing) {
        dequeue(slot);
        return;
    }
    // Not due yet: it waits in the wheel, and in no queue.
    if (work.at > now) {
        dequeue(slot);
        // In a shortage intervals depend on its end, so they are checked again before they are over.
        wheel_.set(slot, shortage() ? std::min(work.at, next_look(work, record, now)) : work.at);
        return;
    }
    // A session that waits in this queue already does not lose its place.
    if (const queue which = queue_for(work, slot); queue_of(slot) != which) {
        if (queue_of(slot) == queue::none && decides(which, record)) {
            decisions_.note_due(work.at);
        }
        dequeue(slot);
        enqueue(which, slot);
    }
    // While the session waits for a request, it may cross a threshold and become urgent, or more urgent.
    const bool confirm = work.what == pending_work::kind::confirm;
    if (!confirm && work.what != pending_work::kind::expiry) {
        if (const steady_time crossing = next_crossing(policy_, record).at; crossing > now) {
            wheel_.set(slot, crossing);
        }
    }
    if (confirm && !work.alert && supply_.degree() >= scarcity::hard) {
        if (const steady_time crossing = next_alert_crossing(policy_, record).at; crossing > now) {
            wheel_.set(slot, crossing);
        }
    }
}

void poll_schedule::note_arrival(session_slot slot) noexcept {
    // What a webhook or a restart has reported needs no poll to be decided.
    if (is_new(registry_[slot], policy_)) {
        supply_.note_arrival();
    }
}

steady_time poll_schedule::next_look(const pending_work& work,
                                     const session_record& record,
                                     steady_time now) const noexcept {
    // Look at an interval that age has stretched again in time: the shortage may be over by then.
    const bool may_age =
        work.what == pending_work::kind::routine || work.what == pending_work::kind::audit;
    return may_age ? now + std::max<steady_duration>(plain_interval(policy_, record), 1s) : work.at;
}

void poll_schedule::make_room() {
    // The registry has added slots since the last call; entries are parallel to its records.
    while (entries_.size() < registry_.slot_count()) {
        const session_slot slot{static_cast<std::uint32_t>(entries_.size())};
        entries_.emplace_back();
        wheel_.add(slot);
        queues_.add(slot);
    }
}

void poll_schedule::remove(session_slot slot) {
    make_room();
    wheel_.remove(slot);
    dequeue(slot);
}

void poll_schedule::advance(steady_time now) {
    wheel_.advance(
        now,
        [this, now](session_slot slot) { update(slot, now); },
        [this](session_slot slot) { registry_.prefetch(slot); });
}

std::optional<due_poll> poll_schedule::take(steady_time now) {
    const queue which = next_queue(now);
    if (which == queue::none) {
        return std::nullopt;
    }
    // A routine poll starts the count of urgent ones again.
    urgent_run_ = which < queue::first_routine ? urgent_run_ + 1 : 0;
    first_run_ = which == queue::again ? 0 : first_run_ + 1;

    const session_slot slot = next_in(which, now);
    const session_record& record = registry_[slot];
    const pending_work work = due_work(record, policy_, demand_of(slot), now);
    // Describe the poll before remove(): lateness and stretch come from the state at this moment.
    const steady_time last = last_poll(record);
    const steady_duration interval = effective_interval(policy_, record, last, shortage());
    const due_poll poll{slot, class_of(which), std::min(work.at, now), interval, served_stretch_};
    if (which >= queue::first_routine) {
        // A moving average: one poll that was late by chance must not look like a stretch.
        const double served = to_seconds(now - last) / to_seconds(interval);
        served_stretch_ += (std::max(1.0, served) - served_stretch_) / polls_in_served_stretch;
    }
    supply_.note_poll(record.failures != 0);
    if (decides(which, record)) {
        decisions_.note_sent(work.at, now);
    }
    remove(slot);
    prefetch_second(which);
    return poll;
}

poll_schedule::queue poll_schedule::next_queue(steady_time now) const noexcept {
    // Urgent polls go first, but after some in a row one routine poll gets its turn.
    const queue urgent = first_urgent();
    if (urgent != queue::none && urgent_run_ < supply_.urgent_in_a_row()) {
        return urgent;
    }
    const queue routine = most_overdue_routine(now);
    return routine != queue::none ? routine : urgent;
}

session_slot poll_schedule::next_in(queue which, steady_time now) const noexcept {
    // The longest waiting session of the queue.
    const session_slot first = queues_.front(list_of(which));
    const bool chooses = which == queue::event || which == queue::chosen || which == queue::again;
    if (!chooses || supply_.degree() < scarcity::hard) {
        return first;
    }
    const auto late = [&](session_slot slot) {
        return now - due_work(registry_[slot], policy_, demand_of(slot), now).at;
    };
    const steady_duration longest = late(first);
    const bool turn_of_late = supply_.decides_all() && urgent_run_ % first_polls_a_late_one == 0;
    if (longest <= patience || (turn_of_late && longest <= hopeless)) {
        return first;
    }
    // While all are late, the oldest goes first, so that no wait is longer than it has to be.
    const session_slot newest = queues_.back(list_of(which));
    return longest > hopeless || late(newest) <= patience ? newest : first;
}

void poll_schedule::prefetch_second(queue which) const noexcept {
    // The first one is in the cache: its entry since its neighbour left, its record since it was the second.
    const session_slot first = queues_.front(list_of(which));
    if (first == no_slot) {
        return;
    }
    if (const session_slot second = queues_.after(first); second != no_slot) {
        registry_.prefetch(second);
        __builtin_prefetch(&entries_[index_of(second)]);
    }
}

std::optional<session_slot> poll_schedule::take_expired() {
    const session_slot slot = queues_.front(list_of(queue::expiry));
    if (slot == no_slot) {
        return std::nullopt;
    }
    remove(slot);
    return slot;
}

bool poll_schedule::has_due() const noexcept {
    return std::any_of(waiting_.begin(), waiting_.end(), [](auto count) { return count != 0; });
}

double poll_schedule::demand() const noexcept {
    const poll_intervals& intervals = policy_.poll.intervals;
    const kind_tally& tally = registry_.tally();
    double demand = 0;
    for (std::size_t i = 0; i < poll_kind_count; ++i) {
        const auto kind = static_cast<poll_kind>(i);
        // Ended sessions have no routine polls.
        if (kind == kind_of(session_status::ended)) {
            continue;
        }
        const double own = to_seconds(plain_interval(intervals, kind));
        // Sessions that webhooks report cost the audit interval only.
        const double audited = policy_.webhooks_flow ? to_seconds(intervals.audit) : own;
        // The tally is kept by the registry: index 1 counts the sessions that webhooks report.
        demand += tally[0][i] / own + tally[1][i] / audited;
    }
    return demand;
}

double poll_schedule::stretch(steady_time now) const noexcept {
    // The head that waits longest relative to its interval stands for all.
    const queue which = most_overdue_routine(now);
    return which == queue::none ? 1.0 : std::max(1.0, ratio_of(queues_.front(list_of(which)), now));
}

demand_state poll_schedule::demand_of(session_slot slot) const noexcept {
    const session_record& record = registry_[slot];
    demand_state demand{supply_.degree(), {}};
    // The slot spreads as evenly as a hash of the id, costs less, and no client chooses it.
    constexpr std::uint32_t golden_ratio = 0x9E37'79B9;
    const double share = (index_of(slot) * golden_ratio) / 0x1p32;
    if (!shortage()) {
        // During a shortage polls are not moved: the budget spreads them, and an earlier poll would cost requests.
        demand.phase = share;
    }
    // Only the first polls of a bulk import: all its sessions are due at once.
    if (record.bulk && record.last_sent == no_time) {
        demand.spread = from_seconds(to_seconds(policy_.poll.intervals.created) * share);
    }
    return demand;
}

poll_schedule::queue poll_schedule::queue_for(const pending_work& work,
                                              session_slot slot) const noexcept {
    const session_record& record = registry_[slot];
    switch (work.what) {
        // Each rank of confirms has its own queue, so that ranks never mix.
        case pending_work::kind::confirm:
            if (supply_.degree() >= scarcity::hard && !work.alert) {
                return queue::unwaited;
            }
            if (supply_.degree() == scarcity::too_few && is_stuck(policy_.thresholds, record)) {
                return queue::again;
            }
            return offset(
                queue::first_confirm,
                work.not_started ? not_started_confirm_rank : rules_of(record.status).confirm_rank);
        // A sample by hash is fair to every provider, whatever the order of registrations.
        case pending_work::kind::event:
            return supply_.degree() == scarcity::too_few && is_new(record, policy_)
                           && hash_of(registry_.id_of(slot).view()) % sessions_in_sample == 0
                       ? queue::chosen
                       : queue::event;
        case pending_work::kind::audit:
            return queue::audit;
        case pending_work::kind::expiry:
            return queue::expiry;
        case pending_work::kind::routine:
        case pending_work::kind::nothing:
            break;
    }
    return routine_queue(kind_of(record));
}

poll_class poll_schedule::class_of(queue which) noexcept {
    if (which < queue::chosen || which == queue::again || which == queue::unwaited) {
        return poll_class::confirm;
    }
    if (which <= queue::event) {
        return poll_class::event;
    }
    return which == queue::audit ? poll_class::audit : poll_class::routine;
}

bool poll_schedule::decides(queue which, const session_record& record) const noexcept {
    // A first poll decides about a new session, a confirm about a crossing. A retry was counted with its first
    // attempt.
    const bool first = which == queue::chosen || which == queue::event;
    return which < queue::again && (!first || is_new(record, policy_)) && record.failures == 0;
}

poll_schedule::queue poll_schedule::first_urgent() const noexcept {
    // Mostly none waits: no need to look into each queue.
    if (overdue(poll_class::confirm) + overdue(poll_class::event) == 0) {
        return queue::none;
    }
    if (first_run_ >= first_polls_a_confirm && !queues_.empty(list_of(queue::again))) {
        return queue::again;
    }
    // The order of the enumerators is the order of urgency.
    for (queue which = queue::first_confirm; which < queue::first_routine;
         which = offset(which, 1)) {
        if (!queues_.empty(list_of(which))) {
            return which;
        }
    }
    return queue::none;
}

double poll_schedule::ratio_of(session_slot slot, steady_time now) const noexcept {
    const session_record& record = registry_[slot];
    const steady_time last = last_poll(record);
    return to_seconds(now - last)
           / to_seconds(effective_interval(policy_, record, last, shortage()));
}

poll_schedule::queue poll_schedule::most_overdue_routine(steady_time now) const noexcept {
    queue latest = queue::none;
    double largest = -1;
    for (queue which = queue::first_routine; which <= queue::audit; which = offset(which, 1)) {
        // Within a queue all sessions have one interval, so the head is the most overdue.
        const session_slot head = queues_.front(list_of(which));
        if (head == no_slot) {
            continue;
        }
        // The largest ratio stretches all intervals alike, short and long ones.
        if (const double ratio = ratio_of(head, now); ratio > largest) {
            largest = ratio;
            latest = which;
        }
    }
    return latest;
}

void poll_schedule::enqueue(queue which, session_slot slot) {
    queues_.push_back(list_of(which), slot);
    // The tag says which queue the slot is in, so that dequeue() can count without a search.
    wheel_.set_tag(slot, static_cast<std::uint8_t>(which));
    // Expired sessions need no request, so they are not overdue polls.
    if (which != queue::expiry) {
        ++waiting_[static_cast<std::size_t>(class_of(which))];
    }
}

void poll_schedule::dequeue(session_slot slot) {
    const queue which = queue_of(slot);
    if (which == queue::none) {
        return;
    }
    queues_.unlink(slot);
    wheel_.set_tag(slot, static_cast<std::uint8_t>(queue::none));
    if (which != queue::expiry) {
        --waiting_[static_cast<std::size_t>(class_of(which))];
    }
}

void poll_schedule::report(gauge_sink& gauges, steady_time now) const {
    gauges.set(metric::poll_demand, demand());
    gauges.set(metric::poll_stretch, stretch(now));
    gauges.set(metric::decisions, decisions_.ratio(now));
    for (const auto& cls : poll_class_words) {
        gauges.set(metric::polls_overdue, cls.text, static_cast<double>(overdue(cls.value)));
    }
}

} // namespace kallglot
