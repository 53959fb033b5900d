#include "kallglot/tracking/session_registry.hpp"

#include <boost/assert.hpp>

namespace kallglot {

namespace {
// The end of the free list. No slot has this number, because max_tracked is far below it.
constexpr std::uint32_t no_place = 0xFFFF'FFFF;
} // namespace

session_registry::session_registry(std::size_t max_tracked)
    : index_(0, hash_through{this}, equal_through{this}),
      max_tracked_(max_tracked),
      first_free_(no_place) {
    // Reserved once: a growing index would rehash a million ids within one turn of the loop.
    index_.reserve(max_tracked);
}

session_registry::added session_registry::add(const session_id& id) {
    if (full()) {
        // The table is full, but a known id is still found.
        return {find(id.view()), false};
    }
    return add_beyond_limit(id);
}

session_registry::added session_registry::add_beyond_limit(const session_id& id) {
    if (const session_slot known = find(id.view()); known != no_slot) {
        return {known, false};
    }
    // From here on nothing can fail but memory, so the steps need no undo.
    const session_slot slot = take_slot();
    session_record& record = at(index_of(slot));
    // The slot may have been used before: start from the defaults.
    record = session_record{};
    record.id_place = ids_.put(id.view());
    record.id_size = static_cast<std::uint8_t>(id.view().size());
    index_.insert(slot);
    // Only now the record counts: the observer must see it complete.
    put_in(slot, record);
    return {slot, true};
}

session_slot session_registry::find(std::string_view id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? no_slot : *found;
}

void session_registry::remove(session_slot slot) {
    session_record& record = at(index_of(slot));
    BOOST_ASSERT(is_tracked(slot));
    // Before the record changes: the tally and the observer need its old values.
    take_out(slot, record);
    // While the record still has its text: the index finds the slot through it.
    index_.erase(slot);
    // Marks the slot as reserved; is_tracked() is false from here on.
    record.forgotten = true;
    // The answer of a GET in flight names this slot, so no other session may get it before release().
    if (!record.in_flight) {
        // No answer is under way, so the slot may be used again at once.
        free_slot(slot);
    }
}

void session_registry::release(session_slot slot) {
    BOOST_ASSERT((*this)[slot].forgotten);
    free_slot(slot);
}

session_id session_registry::id_of(session_slot slot) const {
    return session_id::parse(text_of(slot)).value();
}

std::string_view session_registry::text_of(session_slot slot) const noexcept {
    const session_record& record = (*this)[slot];
    return ids_.get(record.id_place, record.id_size);
}

session_slot session_registry::take_slot() {
    if (first_free_ != no_place) {
        const std::uint32_t index = first_free_;
        // A free record uses id_place as the link to the next free one.
        first_free_ = at(index).id_place;
        return session_slot{index};
    }
    if ((slot_count_ & (chunk_size - 1)) == 0) {
        // The last chunk is full. Chunks never move, so references to records stay valid.
        chunks_.push_back(std::make_unique<chunk>());
    }
    return session_slot{slot_count_++};
}

void session_registry::free_slot(session_slot slot) {
    session_record& record = at(index_of(slot));
    // The text goes first: the record forgets where it is.
    ids_.release(record.id_place, record.id_size);
    record = session_record{};
    // The record is empty again and links to the next free one, so the list costs no memory.
    record.id_place = first_free_;
    first_free_ = index_of(slot);
}

std::size_t session_registry::hash_through::operator()(session_slot slot) const noexcept {
    return hash_of(registry->text_of(slot));
}

std::size_t session_registry::hash_through::operator()(std::string_view id) const noexcept {
    return hash_of(id);
}

bool session_registry::equal_through::operator()(session_slot a, session_slot b) const noexcept {
    // Two slots never have the same id, so only a slot itself is equal to it.
    return a == b;
}

bool session_registry::equal_through::operator()(session_slot a,
                                                 std::string_view b) const noexcept {
    return registry->text_of(a) == b;
}

bool session_registry::equal_through::operator()(std::string_view a,
                                                 session_slot b) const noexcept {
    return registry->text_of(b) == a;
}

} // namespace kallglot
