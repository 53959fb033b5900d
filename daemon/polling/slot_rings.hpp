/// Intrusive doubly linked lists over session slots: six bytes a session, no nodes, no allocations.
///
/// The lists are circular, and their heads are in the same index space as the slots. So a slot can be unlinked without
/// knowing its list. A slot is in at most one list of a ring. Wheel and queues are one ring each; both have their links
/// in the slot's schedule_entry. Knows nothing of time or sessions.

#ifndef KALLGLOT_POLLING_SLOT_RINGS_HPP
#define KALLGLOT_POLLING_SLOT_RINGS_HPP

#include "kallglot/tracking/session_id.hpp"

#include <boost/assert.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kallglot {

/// Two indexes of 24 bits: the next and the previous in a list.
using slot_link = std::array<std::uint8_t, 6>;

/// The schedule's data of one slot, in one place: with a million sessions each access to another array is a cache miss.
struct alignas(16) schedule_entry {
    slot_link in_wheel{};
    slot_link in_queue{};
    std::uint32_t due =
        0; ///< used by timing_wheel: the owner's tag (5 bits), then the low 27 bits of the due tick
};

static_assert(sizeof(schedule_entry) == 16);

using schedule_entries = std::vector<schedule_entry>;

/// Indexes have 24 bits: up to 16 million slots. Loop only. Lifetime: the entries outlive the rings.
template <slot_link schedule_entry::* Link>
class slot_rings {
public:
    static constexpr std::uint32_t max_slots = 0xFF'0000;

    /// `lists` empty lists, at most 65,535.
    slot_rings(schedule_entries& entries, std::size_t lists) : entries_(entries), heads_(lists) {
        BOOST_ASSERT(lists < 0x1'0000);
        for (std::size_t list = 0; list < lists; ++list) {
            link_to_itself(head(list));
        }
    }

    /// Adds a new entry that is in no list. Call it once for each slot, before anything else.
    void add(session_slot slot) noexcept {
        BOOST_ASSERT(index_of(slot) < max_slots);
        link_to_itself(index_of(slot));
    }

    [[nodiscard]] bool is_linked(session_slot slot) const noexcept {
        return next_of(index_of(slot)) != index_of(slot);
    }

    /// Appends an unlinked slot to a list.
    void push_back(std::size_t list, session_slot slot) noexcept {
        BOOST_ASSERT(!is_linked(slot));
        const std::uint32_t self = index_of(slot);
        const std::uint32_t last = previous_of(head(list));
        set_next(last, self);
        set_previous(self, last);
        set_next(self, head(list));
        set_previous(head(list), self);
    }

    /// Removes a slot from its list, if it is in one.
    void unlink(session_slot slot) noexcept {
        const std::uint32_t self = index_of(slot);
        const std::uint32_t next = next_of(self);
        if (next == self) {
            return;
        }
        const std::uint32_t previous = previous_of(self);
        set_next(previous, next);
        set_previous(next, previous);
        link_to_itself(self);
    }

    /// The first slot of a list; no_slot if it is empty.
    [[nodiscard]] session_slot front(std::size_t list) const noexcept {
        const std::uint32_t first = next_of(head(list));
        return first == head(list) ? no_slot : session_slot{first};
    }

    /// The last slot of a list; no_slot if it is empty.
    [[nodiscard]] session_slot back(std::size_t list) const noexcept {
        const std::uint32_t last = previous_of(head(list));
        return last == head(list) ? no_slot : session_slot{last};
    }

    /// The slot behind a linked one in its list; no_slot if there is none.
    [[nodiscard]] session_slot after(session_slot slot) const noexcept {
        const std::uint32_t next = next_of(index_of(slot));
        return next < first_head ? session_slot{next} : no_slot;
    }

    [[nodiscard]] bool empty(std::size_t list) const noexcept { return front(list) == no_slot; }

private:
    static constexpr std::uint32_t first_head = max_slots;

    [[nodiscard]] static std::uint32_t head(std::size_t list) noexcept {
        return first_head + static_cast<std::uint32_t>(list);
    }

    [[nodiscard]] const slot_link& at(std::uint32_t index) const noexcept {
        return index < first_head ? entries_[index].*Link : heads_[index - first_head];
    }

    [[nodiscard]] slot_link& at(std::uint32_t index) noexcept {
        return index < first_head ? entries_[index].*Link : heads_[index - first_head];
    }

    [[nodiscard]] static std::uint32_t load(const slot_link& link, std::size_t where) noexcept {
        return static_cast<std::uint32_t>(link[where] | (link[where + 1] << 8)
                                          | (link[where + 2] << 16));
    }

    static void store(slot_link& link, std::size_t where, std::uint32_t index) noexcept {
        link[where] = static_cast<std::uint8_t>(index);
        link[where + 1] = static_cast<std::uint8_t>(index >> 8);
        link[where + 2] = static_cast<std::uint8_t>(index >> 16);
    }

    [[nodiscard]] std::uint32_t next_of(std::uint32_t index) const noexcept {
        return load(at(index), 0);
    }

    [[nodiscard]] std::uint32_t previous_of(std::uint32_t index) const noexcept {
        return load(at(index), 3);
    }

    void set_next(std::uint32_t index, std::uint32_t next) noexcept { store(at(index), 0, next); }

    void set_previous(std::uint32_t index, std::uint32_t previous) noexcept {
        store(at(index), 3, previous);
    }

    void link_to_itself(std::uint32_t index) noexcept {
        set_next(index, index);
        set_previous(index, index);
    }

    schedule_entries& entries_;
    std::vector<slot_link> heads_;
};

} // namespace kallglot

#endif
