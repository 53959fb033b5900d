#include "tracking/id_pool.hpp"

#include <cstring>

namespace kallglot {

std::uint32_t id_pool::put(std::string_view text) {
    // One pool for each multiple of the granule, so that a free place fits every text of its class.
    const std::size_t which = class_of(text.size());
    size_class& pool = classes_[which];
    std::uint32_t place = pool.first_free;
    // Reuse a free place first. Its first four bytes name the next free one.
    if (place != none) {
        std::memcpy(&pool.first_free, address(which, place), sizeof pool.first_free);
    } else {
        place = pool.used;
        // The last chunk is full: a new one, because chunks never move and never grow.
        if ((place & (chunk_size - 1)) == 0) {
            pool.chunks.push_back(std::make_unique<char[]>(chunk_size * (which + 1) * granule));
        }
        ++pool.used;
    }
    // Without a zero at the end: the record has the length.
    std::memcpy(address(which, place), text.data(), text.size());
    return place;
}

std::string_view id_pool::get(std::uint32_t place, std::size_t size) const noexcept {
    return {address(class_of(size), place), size};
}

void id_pool::release(std::uint32_t place, std::size_t size) noexcept {
    const std::size_t which = class_of(size);
    size_class& pool = classes_[which];
    // The free list lives in the free places themselves, so it costs no memory.
    std::memcpy(address(which, place), &pool.first_free, sizeof pool.first_free);
    pool.first_free = place;
}

} // namespace kallglot
