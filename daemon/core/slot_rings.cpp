#include "kallglot/core/slot_rings.hpp"

#include <boost/assert.hpp>

namespace kallglot {

slot_rings::slot_rings(std::size_t lists) : heads_(lists) {
    BOOST_ASSERT(lists < 0x1'0000);
    for (std::size_t list = 0; list < lists; ++list) {
        set_next(head(list), head(list));
        set_previous(head(list), head(list));
    }
}

void slot_rings::resize(std::size_t count) {
    BOOST_ASSERT(count <= max_slots);
    for (std::size_t index = links_.size(); index < count; ++index) {
        link& self = links_.emplace_back();
        store(self, 0, static_cast<std::uint32_t>(index));
        store(self, 3, static_cast<std::uint32_t>(index));
    }
}

void slot_rings::push_back(std::size_t list, session_slot slot) noexcept {
    BOOST_ASSERT(!is_linked(slot));
    const std::uint32_t self = index_of(slot);
    const std::uint32_t last = previous_of(head(list));
    set_next(last, self);
    set_previous(self, last);
    set_next(self, head(list));
    set_previous(head(list), self);
}

void slot_rings::unlink(session_slot slot) noexcept {
    const std::uint32_t self = index_of(slot);
    const std::uint32_t next = next_of(self);
    const std::uint32_t previous = previous_of(self);
    set_next(previous, next);
    set_previous(next, previous);
    set_next(self, self);
    set_previous(self, self);
}

} // namespace kallglot
