/// Many doubly linked lists over the same slots: six bytes a session, no node, no allocation a move.
///
/// Circular lists whose heads live in the same index space as the slots, so that a slot can be unlinked
/// without knowing which list it is in. A slot is in one list of a ring at most. Wheel and queues are one
/// ring each. Knows nothing of time or sessions.

#ifndef KALLGLOT_CORE_SLOT_RINGS_HPP
#define KALLGLOT_CORE_SLOT_RINGS_HPP

#include "kallglot/core/session_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kallglot {

/// Indexes are kept in 24 bits: up to 16 million slots. Loop only.
class slot_rings {
public:
    static constexpr std::uint32_t max_slots = 0xFF'0000;

    /// `lists` empty lists, at most 65,535, and no slots yet.
    explicit slot_rings(std::size_t lists);

    /// Makes room for slots below `count`. Cost: grows by doubling; reserve() first to avoid copies.
    void resize(std::size_t count);

    void reserve(std::size_t count) { links_.reserve(count); }

    [[nodiscard]] bool is_linked(session_slot slot) const noexcept {
        return next_of(index_of(slot)) != index_of(slot);
    }

    /// Puts an unlinked slot at the end of a list.
    void push_back(std::size_t list, session_slot slot) noexcept;

    /// Takes a slot out of whatever list it is in; nothing if it is in none.
    void unlink(session_slot slot) noexcept;

    /// The first slot of a list; no_slot if it is empty.
    [[nodiscard]] session_slot front(std::size_t list) const noexcept {
        const std::uint32_t first = next_of(head(list));
        return first == head(list) ? no_slot : session_slot{first};
    }

    [[nodiscard]] bool empty(std::size_t list) const noexcept { return front(list) == no_slot; }

private:
    /// Two indexes of 24 bits.
    using link = std::array<std::uint8_t, 6>;
    static constexpr std::uint32_t first_head = max_slots;

    [[nodiscard]] static std::uint32_t head(std::size_t list) noexcept {
        return first_head + static_cast<std::uint32_t>(list);
    }

    [[nodiscard]] const link& at(std::uint32_t index) const noexcept {
        return index < first_head ? links_[index] : heads_[index - first_head];
    }

    [[nodiscard]] link& at(std::uint32_t index) noexcept {
        return index < first_head ? links_[index] : heads_[index - first_head];
    }

    [[nodiscard]] static std::uint32_t load(const link& l, std::size_t where) noexcept {
        return static_cast<std::uint32_t>(l[where] | (l[where + 1] << 8) | (l[where + 2] << 16));
    }

    static void store(link& l, std::size_t where, std::uint32_t index) noexcept {
        l[where] = static_cast<std::uint8_t>(index);
        l[where + 1] = static_cast<std::uint8_t>(index >> 8);
        l[where + 2] = static_cast<std::uint8_t>(index >> 16);
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

    std::vector<link> links_;
    std::vector<link> heads_;
};

} // namespace kallglot

#endif
