/// A set of session ids that stores a 64-bit hash of each id instead of its text.
///
/// A million ids cost about 10 to 18 MB. At a million ids, two of them have the same hash with a probability of 1 in
/// 10^7. The set has shards, so that neither growing nor walking it blocks the loop: with a million ids, one shard
/// grows within a millisecond.

#ifndef KALLGLOT_INTAKE_ID_HASHES_HPP
#define KALLGLOT_INTAKE_ID_HASHES_HPP

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kallglot {

/// Holds values of hash_of(). Loop only.
class id_hashes {
    // hash_of() distributes evenly already, so the set must not mix the bits again.
    struct as_it_is {
        using is_avalanching = void;

        [[nodiscard]] std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };

public:
    using shard = boost::unordered_flat_set<std::uint64_t, as_it_is>;
    static constexpr std::size_t shard_count = 16;

    /// False if the hash was in the set.
    bool insert(std::uint64_t hash) { return shard_of(hash).insert(hash).second; }

    /// False if the hash was not in the set.
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

    /// One shard, for walks; `index` is below shard_count.
    [[nodiscard]] const shard& at(std::size_t index) const { return shards_[index]; }

    /// Empties a shard and frees its memory.
    void drop(std::size_t index) { shards_[index] = shard(); }

private:
    // The shard for each byte of the hash. Each shard gets a little more than the one before, the last twice as much as
    // the first. So the shards grow one after the other and not all at once.
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

    // A byte from the middle: the hash set of a shard uses the upper and the lower bits itself.
    [[nodiscard]] static std::size_t index_of_shard(std::uint64_t hash) noexcept {
        return spread[(hash >> 24) & 0xFF];
    }

    [[nodiscard]] shard& shard_of(std::uint64_t hash) { return shards_[index_of_shard(hash)]; }

    std::array<shard, shard_count> shards_;
};

} // namespace kallglot

#endif
