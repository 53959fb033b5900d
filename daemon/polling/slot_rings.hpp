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
            link_to_itself(heads_[list], head(list));
        }
    }

    /// Adds a new entry that is in no list. Call it once for each slot, before anything else.
    void add(session_slot slot) noexcept {
        BOOST_ASSERT(index_of(slot) < max_slots);
        link_to_itself(link_of(slot), index_of(slot));
    }

    [[nodiscard]] bool is_linked(session_slot slot) const noexcept {
        return next_of(link_of(slot)) != index_of(slot);
    }

    /// Appends an unlinked slot to a list.
    void push_back(std::size_t list, session_slot slot) noexcept {
        slot_link& own = link_of(slot);
        const std::uint32_t self = index_of(slot);
        BOOST_ASSERT(next_of(own) == self);
        slot_link& ring = heads_[list];
        const std::uint32_t last = previous_of(ring);
        set_next(at(last), self);
        set_previous(own, last);
        set_next(own, head(list));
        set_previous(ring, self);
    }

    /// Removes a slot from its list, if it is in one.
    void unlink(session_slot slot) noexcept {
        slot_link& own = link_of(slot);
        const std::uint32_t self = index_of(slot);
        const std::uint32_t next = next_of(own);
        if (next == self) {
            return;
        }
        const std::uint32_t previous = previous_of(own);
        set_next(at(previous), next);
        set_previous(at(next), previous);
        link_to_itself(own, self);
    }

    /// The first slot of a list; no_slot if it is empty.
    [[nodiscard]] session_slot front(std::size_t list) const noexcept {
        return slot_at(next_of(heads_[list]));
    }

    /// The last slot of a list; no_slot if it is empty.
    [[nodiscard]] session_slot back(std::size_t list) const noexcept {
        return slot_at(previous_of(heads_[list]));
    }

    /// The slot behind a linked one in its list; no_slot if there is none.
    [[nodiscard]] session_slot after(session_slot slot) const noexcept {
        return slot_at(next_of(link_of(slot)));
    }

    [[nodiscard]] bool empty(std::size_t list) const noexcept { return front(list) == no_slot; }

private:
    static constexpr std::uint32_t first_head = max_slots;

    [[nodiscard]] static std::uint32_t head(std::size_t list) noexcept {
        return first_head + static_cast<std::uint32_t>(list);
    }

    [[nodiscard]] static session_slot slot_at(std::uint32_t index) noexcept {
        return index < first_head ? session_slot{index} : no_slot;
    }

    [[nodiscard]] const slot_link& link_of(session_slot slot) const noexcept {
        return entries_[index_of(slot)].*Link;
    }

    [[nodiscard]] slot_link& link_of(session_slot slot) noexcept {
        return entries_[index_of(slot)].*Link;
    }

    /// The link of a slot or of a head.
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

    [[nodiscard]] static std::uint32_t next_of(const slot_link& link) noexcept {
        return load(link, 0);
    }

    [[nodiscard]] static std::uint32_t previous_of(const slot_link& link) noexcept {
        return load(link, 3);
    }

    static void set_next(slot_link& link, std::uint32_t next) noexcept { store(link, 0, next); }

    static void set_previous(slot_link& link, std::uint32_t previous) noexcept {
        store(link, 3, previous);
    }

    static void link_to_itself(slot_link& link, std::uint32_t own) noexcept {
        set_next(link, own);
        set_previous(link, own);
    }

    schedule_entries& entries_;
    std::vector<slot_link> heads_;
};

} // namespace kallglot

#endif
