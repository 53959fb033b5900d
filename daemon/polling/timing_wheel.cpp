#include "polling/timing_wheel.hpp"

#include <algorithm>
#include <bit>

namespace kallglot {

namespace {

/// Distance (1 to 256) from `place` to the next set bit, around the circle; empty if no bit is set.
std::optional<unsigned> distance_to_next(const std::array<std::uint64_t, 4>& bits,
                                         unsigned place) noexcept {
    // The first word is checked twice: its upper part at the beginning, its lower part at the end of the circle.
    const unsigned first = (place + 1) & 255U;
    for (unsigned i = 0; i <= 4; ++i) {
        const unsigned word = (first / 64 + i) % 4;
        std::uint64_t value = bits[word];
        if (i == 0) {
            value &= ~std::uint64_t{0} << (first % 64);
        }
        if (i == 4) {
            value &= (std::uint64_t{1} << (first % 64)) - 1;
        }
        if (value != 0) {
            const unsigned found = word * 64 + static_cast<unsigned>(std::countr_zero(value));
            return ((found - first) & 255U) + 1;
        }
    }
    return std::nullopt;
}

} // namespace

timing_wheel::timing_wheel(schedule_entries& entries, steady_time start)
    : entries_(entries),
      rings_(entries, rounds * places),
      start_(start) {}

void timing_wheel::set(session_slot slot, steady_time due) noexcept {
    // A slot has one due time: setting another one replaces it.
    rings_.unlink(slot);
    const std::uint64_t furthest = current_ + static_cast<std::uint64_t>(horizon / milliseconds(1));
    // Ticks up to current_ have expired, so a past due time expires at the next tick.
    put(slot, std::clamp(ceil_tick(due), current_ + 1, furthest));
}

void timing_wheel::remove(session_slot slot) noexcept {
    rings_.unlink(slot);
}

std::optional<steady_time> timing_wheel::next_turn() const noexcept {
    const auto tick = next_tick();
    if (!tick) {
        return std::nullopt;
    }
    return start_ + milliseconds(*tick);
}

std::uint64_t timing_wheel::floor_tick(steady_time t) const noexcept {
    const auto ticks = std::chrono::floor<milliseconds>(t - start_).count();
    return ticks < 0 ? 0 : static_cast<std::uint64_t>(ticks);
}

std::uint64_t timing_wheel::ceil_tick(steady_time t) const noexcept {
    const auto ticks = std::chrono::ceil<milliseconds>(t - start_).count();
    return ticks < 0 ? 0 : static_cast<std::uint64_t>(ticks);
}

std::uint64_t timing_wheel::due_tick(session_slot slot) const noexcept {
    // An entry stores the low bits only. Their distance from current_ is unambiguous within the horizon.
    const std::uint32_t ahead =
        (entries_[index_of(slot)].due - static_cast<std::uint32_t>(current_)) & due_mask;
    return current_ + ahead;
}

void timing_wheel::put(session_slot slot, std::uint64_t tick) noexcept {
    std::uint32_t& word = entries_[index_of(slot)].due;
    // The owner's tag is in the upper bits and stays.
    word = (word & ~due_mask) | (static_cast<std::uint32_t>(tick) & due_mask);
    const std::uint64_t ahead = tick - current_;
    // The finest round that reaches the tick: 256 ms, 65.5 s, or 4.6 hours.
    std::size_t round = 0;
    if (ahead >= places) {
        round = ahead < places * places ? 1 : 2;
    }
    // Beyond the last round, the slot waits at its far end and is placed again from there.
    constexpr std::uint64_t span = std::uint64_t{places} * places * (places - 1);
    const std::uint64_t where = ahead < span ? tick : current_ + span;
    const std::size_t target = place(round, where);
    rings_.push_back(target, slot);
    occupied_[round][(target % places) / 64] |= std::uint64_t{1} << (target % 64);
}

void timing_wheel::turn_to(std::uint64_t tick) noexcept {
    // next_tick() never jumps over the start of an occupied place, so each round turns at most once.
    const std::uint64_t before = current_;
    // Before the cascades, which place slots relative to it.
    current_ = tick;
    if ((before >> 16) != (tick >> 16)) {
        // The coarser round first: what it releases may belong to the place of the next finer one.
        cascade(2);
    }
    if ((before >> 8) != (tick >> 8)) {
        cascade(1);
    }
}

void timing_wheel::cascade(std::size_t round) noexcept {
    const std::size_t list = place(round, current_);
    occupied_[round][(list % places) / 64] &= ~(std::uint64_t{1} << (list % 64));
    // No slot returns to this list: slots due in this turn fit into the round below, and slots beyond the last round go
    // to its far end. So the loop ends.
    for (session_slot slot = rings_.front(list); slot != no_slot; slot = rings_.front(list)) {
        rings_.unlink(slot);
        put(slot, due_tick(slot));
    }
}

std::optional<session_slot> timing_wheel::take_expired() noexcept {
    const std::size_t list = place(0, current_);
    // First in, first out within a millisecond.
    const session_slot slot = rings_.front(list);
    if (slot == no_slot) {
        // The place is empty. Clear its bit only now: removals leave bits set.
        occupied_[0][list / 64] &= ~(std::uint64_t{1} << (list % 64));
        return std::nullopt;
    }
    rings_.unlink(slot);
    return slot;
}

session_slot timing_wheel::next_expired() const noexcept {
    const session_slot first = rings_.front(place(0, current_));
    const session_slot second = first == no_slot ? no_slot : rings_.after(first);
    if (second != no_slot) {
        // With a million sessions this entry is not in the cache; fetch it while the first one is handled.
        __builtin_prefetch(&entries_[index_of(second)]);
    }
    return second;
}

std::optional<std::uint64_t> timing_wheel::next_tick() const noexcept {
    std::optional<std::uint64_t> next;
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::uint64_t now = current_ >> (8 * round);
        const auto distance =
            distance_to_next(occupied_[round], static_cast<unsigned>(now & (places - 1)));
        if (distance) {
            // A place of a coarser round is due when its first tick begins: its slots move down then.
            const std::uint64_t tick = (now + *distance) << (8 * round);
            next = next ? std::min(*next, tick) : tick;
        }
    }
    return next;
}

} // namespace kallglot
