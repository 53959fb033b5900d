/// When is a slot due: a hierarchical timing wheel of three rounds of 256 places.
///
/// One millisecond a place in the first round, 256 ms in the second, 65.5 s in the third: 4.6 hours in
/// all; what lies further out waits at the end and is placed anew when it comes round. Setting, moving
/// and removing cost the same at a thousand and at a million slots. Source: Varghese and Lauck, "Hashed and
/// Hierarchical Timing Wheels", 1987. Knows nothing of sessions; who is due for what is poll_schedule's.

#ifndef KALLGLOT_POLLING_TIMING_WHEEL_HPP
#define KALLGLOT_POLLING_TIMING_WHEEL_HPP

#include "kallglot/base/time.hpp"
#include "polling/slot_rings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: the entries, of which it keeps link and due time, outlive it.
class timing_wheel {
public:
    /// Due times may lie up to this far ahead; later ones expire there.
    static constexpr steady_duration horizon = std::chrono::hours(36);

    /// Values that `tag` can hold: 0 to 31. An entry's 32 bits are shared: 27 for its due time in milliseconds, which must
    /// reach beyond `horizon`, and 5 for the tag.
    static constexpr std::uint8_t max_tag = 31;

    struct no_announcement {
        void operator()(session_slot) const noexcept {}
    };

    /// `start`: no due time before it is distinguished from it.
    timing_wheel(schedule_entries& entries, steady_time start);

    /// A new entry has nothing arranged: to be called once for each, before anything else.
    void add(session_slot slot) noexcept { rings_.add(slot); }

    /// Arranges that `slot` expires at `due`, rounded up to the next millisecond, in place of what was
    /// arranged for it before. A time that has passed expires with the next advance.
    void set(session_slot slot, steady_time due) noexcept;

    /// Nothing is arranged for `slot` any more.
    void remove(session_slot slot) noexcept;

    [[nodiscard]] bool is_set(session_slot slot) const noexcept { return rings_.is_linked(slot); }

    /// Five spare bits a slot for the owner's own use; 0 at first. Setting a due time keeps them.
    [[nodiscard]] std::uint8_t tag(session_slot slot) const noexcept {
        return static_cast<std::uint8_t>(entries_[index_of(slot)].due >> due_bits);
    }

    void set_tag(session_slot slot, std::uint8_t tag) noexcept {
        std::uint32_t& word = entries_[index_of(slot)].due;
        word = (word & due_mask) | (static_cast<std::uint32_t>(tag) << due_bits);
    }

    /// Takes out the slots that are due at `now`, earliest first, by calling `expire(session_slot)`, which
    /// may set or remove any slot. A slot set meanwhile to a time that is due by `now` expires in this call
    /// too, a millisecond after the one that set it at the earliest. `announce(session_slot)` names beforehand
    /// a slot that is likely to expire soon, so that what is kept of it can be fetched from memory.
    template <class Expire, class Announce = no_announcement>
    void advance(steady_time now, Expire&& expire, Announce&& announce = {}) {
        const std::uint64_t target = floor_tick(now);
        while (const auto tick = next_tick()) {
            if (*tick > target) {
                break;
            }
            turn_to(*tick);
            // Only what was in the place before: an entry set now goes to a later tick.
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

    /// When advance must be called again at the latest: exact for what is due within 256 ms, the start of
    /// its 256 ms or 65.5 s for later ones. Empty if nothing is arranged; after a removal it may name a turn
    /// at which nothing is due.
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
    /// The one after the one that take_expired() gives next, if there is one; its own entry is fetched.
    [[nodiscard]] session_slot next_expired() const noexcept;
    void cascade(std::size_t round) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> next_tick() const noexcept;

    schedule_entries& entries_;
    slot_rings<&schedule_entry::in_wheel> rings_;
    std::array<occupancy, rounds>
        occupied_{}; ///< a set bit may be out of date, a clear one never is
    steady_time start_;
    std::uint64_t current_ = 0; ///< every tick up to this one has expired
};

} // namespace kallglot

#endif
