/// Tables whose size follows bursts, such as a million ids in one file.

#ifndef KALLGLOT_STORE_BURST_MEMORY_HPP
#define KALLGLOT_STORE_BURST_MEMORY_HPP

#include <cstddef>

namespace kallglot {

/// A hash table keeps the room of its fullest moment; this gives it back once it is empty, if it is more than some
/// hundred kilobytes. Invalidates nothing but end().
template <class Table>
void give_back_room(Table& table) {
    constexpr std::size_t kept_buckets = 4096;
    if (table.empty() && table.bucket_count() > kept_buckets) {
        Table().swap(table);
    }
}

} // namespace kallglot

#endif
