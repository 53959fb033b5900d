/// Hierarchical timing wheel: three rounds of 256 places that say when a session slot is due.
///
/// A place is 1 ms in the first round, 256 ms in the second and 65.5 s in the third: 4.6 hours in all. A slot that is
/// due later waits at the far end and is placed again from there. Setting, moving and removing cost the same with a
/// thousand and with a million slots. Knows nothing of sessions; poll_schedule decides what a slot is due for.
///
/// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.

#ifndef KALLGLOT_POLLING_TIMING_WHEEL_HPP
#define KALLGLOT_POLLING_TIMING_WHEEL_HPP

#include "kallglot/base/time.hpp"
#include "polling/slot_rings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: the entries outlive it; it uses their wheel links and due times.
class timing_wheel {
public:
    /// Due times may be up to this far ahead; later ones expire at this distance.
    static constexpr steady_duration horizon = std::chrono::hours(36);

    /// Values that `tag` can hold: 0 to 31. An entry's 32 bits are shared: 27 for its due time in milliseconds, which
    /// must reach beyond `horizon`, and 5 for the tag.
    static constexpr std::uint8_t max_tag = 31;

    struct no_announcement {
        void operator()(session_slot) const noexcept {}
    };

    /// `start`: no due time before it is distinguished from it.
    timing_wheel(schedule_entries& entries, steady_time start);

    /// Adds a new entry without a due time. Call it once for each slot, before anything else.
    void add(session_slot slot) noexcept { rings_.add(slot); }

    /// Sets the due time of `slot`, rounded up to the next millisecond, and replaces a former one. A time that has
    /// passed expires with the next advance().
    void set(session_slot slot, steady_time due) noexcept;

    /// Removes the due time of `slot`, if it has one.
    void remove(session_slot slot) noexcept;

    [[nodiscard]] bool is_set(session_slot slot) const noexcept { return rings_.is_linked(slot); }

    /// Five bits for each slot that the owner may use; 0 at first. Setting a due time does not change them.
    [[nodiscard]] std::uint8_t tag(session_slot slot) const noexcept {
        return static_cast<std::uint8_t>(entries_[index_of(slot)].due >> due_bits);
    }

    void set_tag(session_slot slot, std::uint8_t tag) noexcept {
        std::uint32_t& word = entries_[index_of(slot)].due;
        word = (word & due_mask) | (static_cast<std::uint32_t>(tag) << due_bits);
    }

    /// Takes out the slots that are due at `now`, earliest first, and calls `expire(session_slot)` for each. `expire`
    /// may set or remove any slot. A slot that it sets to a time up to `now` expires in this call too, at least a
    /// millisecond after the slot that set it. `announce(session_slot)` names a slot that will probably expire soon,
    /// so that the caller can prefetch its data.
    template <class Expire, class Announce = no_announcement>
    void advance(steady_time now, Expire&& expire, Announce&& announce = {}) {
        const std::uint64_t target = floor_tick(now);
        while (const auto tick = next_tick()) {
            if (*tick > target) {
                break;
            }
            turn_to(*tick);
            // The loop ends: an entry that is set meanwhile goes to a later tick.
            while (const auto slot = take_expired()) {
                if (const session_slot next = next_expired(); next != no_slot) {
                    announce(next);
                }
                expire(*slot);
            }
        }
        if (target > current_) {
            turn_to(target);
        }
    }

    /// The latest time for the next call of advance(). Exact for slots due within 256 ms; for later ones the start of
    /// their place of 256 ms or 65.5 s. Empty if no due time is set. After a removal no slot may be due at that time.
    [[nodiscard]] std::optional<steady_time> next_turn() const noexcept;

private:
    static constexpr std::size_t rounds = 3;
    static constexpr std::size_t places = 256;
    static constexpr unsigned due_bits = 27;
    static constexpr std::uint32_t due_mask = (std::uint32_t{1} << due_bits) - 1;
    static_assert(horizon / milliseconds(1) < due_mask);
    static_assert(max_tag >> (32 - due_bits) == 0);
    using occupancy = std::array<std::uint64_t, places / 64>;

    [[nodiscard]] static std::size_t place(std::size_t round, std::uint64_t tick) noexcept {
        return round * places + ((tick >> (8 * round)) & (places - 1));
    }

    [[nodiscard]] std::uint64_t floor_tick(steady_time t) const noexcept;
    [[nodiscard]] std::uint64_t ceil_tick(steady_time t) const noexcept;
    /// The full due tick of a slot, from its low 27 bits: it is not before `current_`, nor beyond `horizon`.
    [[nodiscard]] std::uint64_t due_tick(session_slot slot) const noexcept;
    void put(session_slot slot, std::uint64_t tick) noexcept;
    void turn_to(std::uint64_t tick) noexcept;
    [[nodiscard]] std::optional<session_slot> take_expired() noexcept;
    /// The slot after the one that take_expired() returns next, if there is one. Prefetches its entry.
    [[nodiscard]] session_slot next_expired() const noexcept;
    void cascade(std::size_t round) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> next_tick() const noexcept;

    schedule_entries& entries_;
    slot_rings<&schedule_entry::in_wheel> rings_;
    std::array<occupancy, rounds>
        occupied_{}; ///< a set bit may be out of date, a clear one never is
    steady_time start_;
    std::uint64_t current_ = 0; ///< all ticks up to this one have expired
};

} // namespace kallglot

#endif
