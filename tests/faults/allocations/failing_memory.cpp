#include "failing_memory.hpp"

#include "support/replaced_new.hpp"

#include <openssl/crypto.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdlib>

namespace {

bool counting = false;
std::uint64_t seen = 0;    // allocations since fail_allocation()
std::uint64_t failing = 0; // the number of the one that fails; 0: none
bool for_good = false;     // all after it fail too
std::int64_t in_use = 0;

// Counts an allocation, and decides whether it fails.
bool refused() noexcept {
    if (!counting) {
        return false;
    }
    ++seen;
    return failing != 0 && (seen == failing || (for_good && seen > failing));
}

// SQLite asks for the size of a block, so it is stored in front of it.
constexpr std::size_t head = alignof(std::max_align_t);

void* sqlite_allocate(int size) {
    auto* const memory =
        refused() ? nullptr
                  : static_cast<char*>(std::malloc(head + static_cast<std::size_t>(size)));
    if (memory == nullptr) {
        return nullptr;
    }
    ++in_use;
    *reinterpret_cast<int*>(memory) = size;
    return memory + head;
}

int sqlite_size(void* memory) {
    return memory == nullptr ? 0 : *reinterpret_cast<int*>(static_cast<char*>(memory) - head);
}

void sqlite_free(void* memory) {
    if (memory != nullptr) {
        --in_use;
        std::free(static_cast<char*>(memory) - head);
    }
}

void* sqlite_reallocate(void* memory, int size) {
    if (refused()) {
        return nullptr;
    }
    auto* const moved = static_cast<char*>(
        std::realloc(static_cast<char*>(memory) - head, head + static_cast<std::size_t>(size)));
    if (moved == nullptr) {
        return nullptr;
    }
    *reinterpret_cast<int*>(moved) = size;
    return moved + head;
}

int sqlite_round(int size) {
    return (size + 7) / 8 * 8;
}

void* openssl_allocate(std::size_t size, const char*, int) {
    return refused() ? nullptr : std::malloc(size);
}

void* openssl_reallocate(void* memory, std::size_t size, const char*, int) {
    return refused() ? nullptr : std::realloc(memory, size);
}

void openssl_free(void* memory, const char*, int) {
    std::free(memory);
}

} // namespace

namespace kallglot::test {

void* allocate_block(std::size_t size, std::size_t alignment) noexcept {
    void* const memory = refused() ? nullptr : aligned_block(size, alignment);
    in_use += memory != nullptr ? 1 : 0;
    return memory;
}

void release_block(void* memory) noexcept {
    in_use -= memory != nullptr ? 1 : 0;
    std::free(memory);
}

void install_failing_memory() {
    static const sqlite3_mem_methods methods = {.xMalloc = sqlite_allocate,
                                                .xFree = sqlite_free,
                                                .xRealloc = sqlite_reallocate,
                                                .xSize = sqlite_size,
                                                .xRoundup = sqlite_round,
                                                .xInit = [](void*) { return SQLITE_OK; },
                                                .xShutdown = [](void*) {},
                                                .pAppData = nullptr};
    if (CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free) != 1
        || sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        std::abort();
    }
}

void fail_allocation(std::uint64_t number, bool lasting) noexcept {
    seen = 0;
    failing = number;
    for_good = lasting;
    counting = true;
}

std::uint64_t stop_failing() noexcept {
    counting = false;
    return seen;
}

std::int64_t blocks_in_use() noexcept {
    return in_use;
}

} // namespace kallglot::test
