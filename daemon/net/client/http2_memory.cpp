#include "net/client/http2_memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace kallglot {

http2_memory::http2_memory() noexcept
    : native_{this, allocate, release, allocate_zeros, reallocate} {}

void* http2_memory::allocate(std::size_t bytes, void* self) noexcept {
    auto& memory = *static_cast<http2_memory*>(self);
    // nghttp2 takes a null for "out of memory" and ends the session. So a server cannot make one connection use up
    // the process.
    if (bytes > memory.max_size_bytes - std::min(memory.size_, memory.max_size_bytes)) {
        return nullptr;
    }
    void* const block = std::malloc(bytes);
    // The usable size is the same at the release, so no size has to be stored.
    memory.size_ += block != nullptr ? ::malloc_usable_size(block) : 0;
    return block;
}

void* http2_memory::allocate_zeros(std::size_t count, std::size_t bytes, void* self) noexcept {
    // Both are small: a session asks for single objects and for tables of fixed size.
    void* const block = allocate(count * bytes, self);
    if (block != nullptr) {
        std::memset(block, 0, count * bytes);
    }
    return block;
}

// Not realloc(): it would free the old block without wiping it.
void* http2_memory::reallocate(void* old, std::size_t bytes, void* self) noexcept {
    void* const block = allocate(bytes, self);
    if (block != nullptr && old != nullptr) {
        std::memcpy(block, old, std::min(::malloc_usable_size(old), bytes));
        release(old, self);
    }
    return block;
}

void http2_memory::release(void* block, void* self) noexcept {
    if (block == nullptr) {
        return;
    }
    auto& memory = *static_cast<http2_memory*>(self);
    const std::size_t size = ::malloc_usable_size(block);
    memory.size_ -= size;
    // Header tables hold the key and tokens of calls.
    ::explicit_bzero(block, size);
    std::free(block);
}

} // namespace kallglot
