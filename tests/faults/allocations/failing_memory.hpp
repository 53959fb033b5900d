// Memory that runs out on demand: for operator new, for OpenSSL and for SQLite, counted together.

#ifndef KALLGLOT_TESTS_FAULTS_ALLOCATIONS_FAILING_MEMORY_HPP
#define KALLGLOT_TESTS_FAULTS_ALLOCATIONS_FAILING_MEMORY_HPP

#include <cstdint>

namespace kallglot::test {

/// Puts itself under both libraries. Before their first use, once a process; one thread only.
void install_failing_memory();

/// From now on the `number`th allocation fails, counted from 1, and with `lasting` all behind it; 0: none does.
void fail_allocation(std::uint64_t number, bool lasting) noexcept;

/// Nothing fails any more: how many allocations there were since fail_allocation().
std::uint64_t stop_failing() noexcept;

/// Blocks in use that operator new gave, and those of SQLite. OpenSSL keeps some for its lifetime and is not counted.
std::int64_t blocks_in_use() noexcept;

} // namespace kallglot::test

#endif
