#include "support/replaced_new.hpp"

#include <cstdlib>
#include <new>

namespace kallglot::test {

void* aligned_block(std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
        return std::malloc(size);
    }
    void* memory = nullptr;
    return ::posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

} // namespace kallglot::test

namespace {

using kallglot::test::allocate_block;
using kallglot::test::release_block;

constexpr std::size_t default_alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

std::size_t bytes_of(std::align_val_t alignment) noexcept {
    return static_cast<std::size_t>(alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = allocate_block(size, alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

} // namespace

void* operator new(std::size_t size) {
    return allocate_or_throw(size, default_alignment);
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate_or_throw(size, bytes_of(alignment));
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate_block(size, default_alignment);
}

void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_block(size, bytes_of(alignment));
}

void* operator new[](std::size_t size) {
    return allocate_or_throw(size, default_alignment);
}

void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate_or_throw(size, bytes_of(alignment));
}

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return allocate_block(size, default_alignment);
}

void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_block(size, bytes_of(alignment));
}

void operator delete(void* memory) noexcept {
    release_block(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    release_block(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    release_block(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    release_block(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept {
    release_block(memory);
}

void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    release_block(memory);
}

void operator delete[](void* memory) noexcept {
    release_block(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    release_block(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    release_block(memory);
}

void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    release_block(memory);
}

void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    release_block(memory);
}

void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    release_block(memory);
}
