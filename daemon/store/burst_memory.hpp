/// Releases the memory of hash tables after a burst, for example a million ids in one file.

#ifndef KALLGLOT_STORE_BURST_MEMORY_HPP
#define KALLGLOT_STORE_BURST_MEMORY_HPP

#include <cstddef>

namespace kallglot {

/// A hash table never shrinks by itself. This releases its memory once it is empty, if it exceeds some hundred kilobytes.
/// Invalidates nothing but end().
template <class Table>
void give_back_room(Table& table) {
    // Below this a table costs little, and the next burst would only allocate it again.
    constexpr std::size_t max_idle_buckets = 4096;
    if (table.empty() && table.bucket_count() > max_idle_buckets) {
        Table().swap(table);
    }
}

} // namespace kallglot

#endif
