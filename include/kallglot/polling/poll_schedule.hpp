/// Schedule of polls: decides which session is polled next.
///
/// A timing wheel finds the sessions that are due. They wait in first-in-first-out queues by class and status until a
/// request is permitted. Overload makes polls late and drops none: confirms go first, and routine polls are served by
/// the largest (now - last poll) / interval. So all intervals stretch by the same ratio. A session costs sixteen
/// bytes, in an array parallel to the records. The schedule neither sends nor counts requests (request_gate), and
/// reads no clock.

#ifndef KALLGLOT_POLLING_POLL_SCHEDULE_HPP
#define KALLGLOT_POLLING_POLL_SCHEDULE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/tracking/poll_policy.hpp"
#include "kallglot/tracking/session_registry.hpp"
#include "polling/decision_record.hpp"
#include "polling/due_work.hpp"
#include "polling/request_supply.hpp"
#include "polling/slot_rings.hpp"
#include "polling/timing_wheel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace kallglot {

/// Why a session is polled: the label of kallglot_exporter_polls_total.
enum class poll_class : std::uint8_t { confirm, event, routine, audit };

inline constexpr auto poll_class_words = make_vocabulary<poll_class>({
    {poll_class::confirm, "confirm"},
    {poll_class::event, "event"},
    {poll_class::routine, "routine"},
    {poll_class::audit, "audit"},
});
inline constexpr std::size_t poll_class_count = poll_class_words.size();

[[nodiscard]] constexpr std::string_view to_string(poll_class value) noexcept {
    return poll_class_words.text_of(value);
}

/// Whether a poll counts as late: confirm and event more than 1 s after they were due; the others more than 1 s and a
/// tenth of the stretched interval after the stretched due time.
///
/// `lateness` is measured from the due time before stretching, as the schedule gives it; so is `interval`.
[[nodiscard]] constexpr bool is_late(poll_class which,
                                     steady_duration lateness,
                                     steady_duration interval,
                                     double stretch) noexcept {
    if (which == poll_class::confirm || which == poll_class::event) {
        return lateness > seconds(1);
    }
    const double stretched = to_seconds(interval) * (stretch > 1 ? stretch : 1);
    const double overdue = to_seconds(lateness) - (stretched - to_seconds(interval));
    return overdue > 1 && overdue > stretched / 10;
}

/// A session whose poll may start now.
struct due_poll {
    session_slot slot = no_slot;
    poll_class cls = poll_class::routine;
    steady_time due = no_time;  ///< when the poll was due
    steady_duration interval{}; ///< of its routine polls, before stretching
    double stretch = 1;         ///< recent stretch of routine intervals
};

/// Loop only. Lifetime: the registry outlives the schedule.
class poll_schedule {
public:
    poll_schedule(const session_registry& registry, poll_policy policy, steady_time start);

    /// Replaces the policy. Call update() for every session afterwards, in slices if there are many.
    void use_policy(poll_policy policy) { policy_ = std::move(policy); }

    [[nodiscard]] const poll_policy& policy() const noexcept { return policy_; }

    /// Sets whether webhooks are reliable. True if that is a change: then update() every session, as after
    /// use_policy().
    bool use_webhooks(bool flow) noexcept {
        return std::exchange(policy_.webhooks_flow, flow) != flow;
    }

    /// Sets the long-term request budget, in requests a second; infinity without limit. Decides again whether there
    /// is a shortage, so call it regularly, because the number of sessions changes too. A pause or a ramp is not a
    /// shortage: polls that it holds back wait in the order of their lateness.
    /// True if due times changed with the degree of shortage: then update() every session, as after use_policy().
    [[nodiscard]] bool use_budget(double requests_per_second, steady_time now) noexcept {
        const scarcity before = supply_.degree();
        supply_.compare(demand(), requests_per_second, now);
        // At the begin of a shortage, what is due already stays due.
        return supply_.degree() != before
               && !(before == scarcity::plenty && supply_.degree() == scarcity::limited);
    }

    /// Counts a new session for the supply of requests. Call it once, after the first update().
    void note_arrival(session_slot slot) noexcept;

    [[nodiscard]] const request_supply& supply() const noexcept { return supply_; }

    /// Schedules the session again. Call it after it was added and after every change of its record.
    void update(session_slot slot, steady_time now);

    /// Removes a session that is no longer tracked.
    void remove(session_slot slot);

    /// Moves sessions that are due by `now` from the wheel into the queues.
    void advance(steady_time now);

    /// The most urgent session that is due, taken out of the schedule until the next update().
    ///
    /// Confirms go first (connecting, not started, ending, active, created), then events, then routine polls and
    /// audits. After four urgent polls in a row one routine poll gets its turn, so that routine never starves.
    [[nodiscard]] std::optional<due_poll> take(steady_time now);

    /// An ended session whose retention is over, taken out of the schedule; the caller forgets it.
    [[nodiscard]] std::optional<session_slot> take_expired();

    /// The inputs of due_work() for this session.
    [[nodiscard]] demand_state demand_of(session_slot slot) const noexcept;

    /// The earliest time at which advance() can find a due session.
    [[nodiscard]] std::optional<steady_time> next_turn() const noexcept {
        return wheel_.next_turn();
    }

    [[nodiscard]] bool has_due() const noexcept;

    /// Number of due sessions whose poll has not started.
    [[nodiscard]] std::size_t overdue(poll_class cls) const noexcept {
        return waiting_[static_cast<std::size_t>(cls)];
    }

    /// Requests a second that all plain intervals together need.
    [[nodiscard]] double demand() const noexcept;

    [[nodiscard]] bool shortage() const noexcept { return supply_.degree() != scarcity::plenty; }

    /// The factor by which routine intervals are stretched now; 1 while polls are on time.
    [[nodiscard]] double stretch(steady_time now) const noexcept;

    void report(gauge_sink& gauges, steady_time now) const;

private:
    /// Where a session waits, in the order in which queues are served. The number is the tag of the session's entry
    /// in the wheel.
    enum class queue : std::uint8_t {
        none = 0,
        first_confirm = 1, ///< one for each confirm rank
        chosen = first_confirm
                 + confirm_rank_count, ///< first polls of the sample, if not all can be sent
        event,
        again, ///< confirms of sessions that count already, while not every session can be decided
        unwaited,      ///< confirms that no alert waits for, while requests are hard to get
        first_routine, ///< one for each poll kind but `ended`, whose sessions have no routine polls
        audit = first_routine + poll_kind_count - 1,
        expiry,
    };
    static constexpr auto queue_count = static_cast<std::size_t>(queue::expiry);
    static_assert(queue_count <= timing_wheel::max_tag, "take a bit from the wheel's due times");

    [[nodiscard]] static constexpr queue offset(queue first, std::size_t by) noexcept {
        return static_cast<queue>(static_cast<std::size_t>(first) + by);
    }

    [[nodiscard]] static constexpr std::size_t list_of(queue which) noexcept {
        return static_cast<std::size_t>(which) - 1;
    }

    [[nodiscard]] static constexpr queue routine_queue(poll_kind kind) noexcept {
        const bool behind_ended = kind > kind_of(session_status::ended);
        return offset(queue::first_routine,
                      static_cast<std::size_t>(kind) - (behind_ended ? 1 : 0));
    }

    [[nodiscard]] queue queue_of(session_slot slot) const noexcept {
        return static_cast<queue>(wheel_.tag(slot));
    }

    [[nodiscard]] queue queue_for(const pending_work& work, session_slot slot) const noexcept;
    [[nodiscard]] static poll_class class_of(queue which) noexcept;

    /// Whether a poll from this queue can count its session as stuck for the first time. Repeated ones do not count again.
    [[nodiscard]] bool decides(queue which, const session_record& record) const noexcept;
    [[nodiscard]] queue next_queue(steady_time now) const noexcept;
    [[nodiscard]] queue first_urgent() const noexcept;
    [[nodiscard]] session_slot next_in(queue which, steady_time now) const noexcept;
    [[nodiscard]] double ratio_of(session_slot slot, steady_time now) const noexcept;
    [[nodiscard]] queue most_overdue_routine(steady_time now) const noexcept;
    [[nodiscard]] steady_time next_look(const pending_work& work,
                                        const session_record& record,
                                        steady_time now) const noexcept;
    /// With a million sessions a poll mostly waits for memory. So the data of the poll after the next one is fetched
    /// while this one is sent.
    void prefetch_second(queue which) const noexcept;
    void make_room();
    void enqueue(queue which, session_slot slot);
    void dequeue(session_slot slot);

    const session_registry& registry_;
    poll_policy policy_;
    schedule_entries entries_;
    timing_wheel wheel_;
    slot_rings<&schedule_entry::in_queue> queues_;
    std::array<std::uint32_t, poll_class_count> waiting_{};
    request_supply supply_;
    decision_record decisions_;
    double served_stretch_ = 1; ///< moving average over routine polls
    unsigned urgent_run_ = 0;   ///< urgent polls taken since routine had its turn
    unsigned first_run_ = 0;    ///< first polls taken since a confirm of `again` had its turn
};

} // namespace kallglot

#endif
