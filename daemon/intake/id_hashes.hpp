/// A set of ids that keeps 64 bits of each instead of its text.
///
/// A million ids cost about 10 to 18 MB. Two different ids are taken for one with a probability of 1 in 10^7 at a
/// million ids. The set is cut into shards, so that neither growing nor walking it holds the loop: a shard of a
/// million ids grows within a millisecond.

#ifndef KALLGLOT_INTAKE_ID_HASHES_HPP
#define KALLGLOT_INTAKE_ID_HASHES_HPP

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kallglot {

/// Hashes of core's hash_of(). Loop only.
class id_hashes {
    // The hashes are even already; mixing them again would only cost.
    struct as_it_is {
        using is_avalanching = void;

        [[nodiscard]] std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };

public:
    using shard = boost::unordered_flat_set<std::uint64_t, as_it_is>;
    static constexpr std::size_t shard_count = 16;

    /// False if it was there.
    bool insert(std::uint64_t hash) { return shard_of(hash).insert(hash).second; }

    /// False if it was not there.
    bool erase(std::uint64_t hash) { return shard_of(hash).erase(hash) > 0; }

    [[nodiscard]] bool contains(std::uint64_t hash) const {
        return shards_[index_of_shard(hash)].contains(hash);
    }

    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t sum = 0;
        for (const shard& one : shards_) {
            sum += one.size();
        }
        return sum;
    }

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// For walks; `index` is below shard_count.
    [[nodiscard]] const shard& at(std::size_t index) const { return shards_[index]; }

    /// Gives the memory of a shard back.
    void drop(std::size_t index) { shards_[index] = shard(); }

private:
    // Which shard a byte of the hash leads to. The largest shard gets twice as much as the smallest, each a little
    // more than the one before, so that they grow one after the other instead of all at once.
    static constexpr std::array<std::uint8_t, 256> spread = [] {
        std::array<std::uint8_t, 256> table{};
        double end = 1.0;
        std::size_t byte = 0;
        for (std::uint8_t shard = 0; shard < shard_count; ++shard) {
            end *= 1.0442737824274138; // the 16th root of 2
            for (; byte < table.size() && 256.0 + static_cast<double>(byte) < 256.0 * end; ++byte) {
                table[byte] = shard;
            }
        }
        return table;
    }();

    // A byte from the middle: the set itself places by the upper bits and compares by the lower ones.
    [[nodiscard]] static std::size_t index_of_shard(std::uint64_t hash) noexcept {
        return spread[(hash >> 24) & 0xFF];
    }

    [[nodiscard]] shard& shard_of(std::uint64_t hash) { return shards_[index_of_shard(hash)]; }

    std::array<shard, shard_count> shards_;
};

} // namespace kallglot

#endif
