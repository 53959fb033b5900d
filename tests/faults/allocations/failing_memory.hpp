// Lets allocations fail on request: of operator new, OpenSSL and SQLite, counted together.

#ifndef KALLGLOT_TESTS_FAULTS_ALLOCATIONS_FAILING_MEMORY_HPP
#define KALLGLOT_TESTS_FAULTS_ALLOCATIONS_FAILING_MEMORY_HPP

#include <cstdint>

namespace kallglot::test {

/// Installs the allocators of both libraries. Call it once in a process, before their first use; one thread only.
void install_failing_memory();

/// From now on the allocation `number` fails, counted from 1, and with `lasting` all after it too; 0: none fails.
void fail_allocation(std::uint64_t number, bool lasting) noexcept;

/// Ends the failures. Returns the number of allocations since fail_allocation().
std::uint64_t stop_failing() noexcept;

/// Blocks in use of operator new and of SQLite. OpenSSL keeps some until the process ends, so it is not counted.
std::int64_t blocks_in_use() noexcept;

} // namespace kallglot::test

#endif
