#include "unit/api/allocations.hpp"

#include "support/replaced_new.hpp"

#include <array>
#include <cstdlib>

namespace {

struct block {
    const char* begin = nullptr;
    std::size_t size = 0;
};

std::size_t count = 0;
bool recording = false;
std::array<block, 64> blocks;
std::size_t block_count = 0;

// A block that is gone must not be searched.
void forget(const void* memory) noexcept {
    for (std::size_t i = 0; i < block_count; ++i) {
        if (blocks[i].begin == memory) {
            blocks[i] = blocks[--block_count];
            return;
        }
    }
}

} // namespace

namespace kallglot::test {

void* allocate_block(std::size_t size, std::size_t alignment) noexcept {
    void* const memory = aligned_block(size, alignment);
    if (memory == nullptr) {
        return nullptr;
    }
    ++count;
    if (recording && block_count < blocks.size()) {
        blocks[block_count++] = {static_cast<const char*>(memory), size};
    }
    return memory;
}

void release_block(void* memory) noexcept {
    forget(memory);
    std::free(memory);
}

std::size_t allocation_count() noexcept {
    return count;
}

block_recorder::block_recorder() noexcept {
    block_count = 0;
    recording = true;
}

block_recorder::~block_recorder() {
    recording = false;
}

void block_recorder::stop() noexcept {
    recording = false;
}

bool block_recorder::holds(std::string_view text) const noexcept {
    for (std::size_t i = 0; i < block_count; ++i) {
        const std::string_view bytes(blocks[i].begin, blocks[i].size);
        if (bytes.find(text) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

std::size_t block_recorder::bytes() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < block_count; ++i) {
        sum += blocks[i].size;
    }
    return sum;
}

} // namespace kallglot::test
