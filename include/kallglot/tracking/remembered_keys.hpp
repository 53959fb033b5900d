/// What must not come back: ids forgotten as ended or not found, and events that were already applied, for 72 hours.
///
/// A late event or an unchanged file does not revive such an id. Keys of 64 bits stand for the texts, since nothing is
/// ever read back but "was it there", and millions of texts would cost memory and disk: a session of which three events
/// came is four keys. Knows nothing of storage.

#ifndef KALLGLOT_TRACKING_REMEMBERED_KEYS_HPP
#define KALLGLOT_TRACKING_REMEMBERED_KEYS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace kallglot {

enum class remembered_kind : std::uint8_t { ended, not_found, event };

inline constexpr auto remembered_kind_words = make_vocabulary<remembered_kind>({
    {remembered_kind::ended, "ended", 0},
    {remembered_kind::not_found, "not_found", 1},
    {remembered_kind::event, "event", 2},
});
inline constexpr std::size_t remembered_kind_count = remembered_kind_words.size();

/// Stands for the text on disk, so this function never changes.
[[nodiscard]] std::uint64_t remembered_key(std::string_view text) noexcept;

struct remembered_entry {
    std::uint64_t key = 0;
    steady_time at{};
    remembered_kind kind = remembered_kind::ended;

    [[nodiscard]] bool operator==(const remembered_entry&) const = default;
};

/// Loop only. Times are kept in whole seconds, rounded down.
///
/// Cost: 27 bytes a key. The index is cut into shards, so that growing holds the loop for 1 ms at a million keys, 4 ms at
/// four millions.
class remembered_keys {
public:
    static constexpr std::chrono::hours retention{72};

    remembered_keys();
    // The index refers to the entries.
    remembered_keys(const remembered_keys&) = delete;
    remembered_keys& operator=(const remembered_keys&) = delete;

    /// False if it is there already, and not too old. Entries come in the order of their times, and up to 1,000 that are
    /// older than the retention then go: nothing grows without end, even if nobody asks, and none holds the loop.
    bool add(const remembered_entry& entry);

    /// The operator wants it back. False if it was not there, or too old.
    bool erase(std::uint64_t key, steady_time now);

    /// Whether it was added, and within the retention before `now`.
    [[nodiscard]] bool contains(std::uint64_t key, steady_time now) const;

    /// Fills `entries` with up to `limit` of them from `cursor` (0 at first) on, and moves the cursor. False: that was
    /// the end. Entries may come and go between two calls.
    bool list(std::uint64_t& cursor,
              std::size_t limit,
              std::vector<remembered_entry>& entries) const;

    [[nodiscard]] std::size_t size() const noexcept;

private:
    struct kept {
        std::uint64_t key = 0;
        std::int32_t at = 0; ///< seconds of the steady clock; before the boot they are negative
        remembered_kind kind = remembered_kind::ended;
    };

    /// The lower 32 bits of the number of an entry, counted from the first ever; it stands in the index for the key.
    using number = std::uint32_t;

    struct hash_of {
        using is_transparent = void;
        using is_avalanching = void; // the keys are even already

        const remembered_keys* owner;

        std::size_t operator()(std::uint64_t key) const noexcept { return key; }

        std::size_t operator()(number at) const noexcept { return owner->entry(at).key; }
    };

    struct same_key {
        using is_transparent = void;

        const remembered_keys* owner;

        bool operator()(number a, number b) const noexcept { return a == b; }

        bool operator()(std::uint64_t key, number at) const noexcept {
            return owner->entry(at).key == key;
        }

        bool operator()(number at, std::uint64_t key) const noexcept {
            return owner->entry(at).key == key;
        }
    };

    using shard = boost::unordered_flat_set<number, hash_of, same_key>;
    static constexpr std::size_t shard_count = 64;

    [[nodiscard]] static bool is_old(const kept& entry, steady_time now) noexcept {
        return now - steady_time(seconds(entry.at)) > retention;
    }

    [[nodiscard]] const kept& entry(number at) const noexcept {
        return entries_[static_cast<number>(at - static_cast<number>(first_number_))];
    }

    // By bits that the table in a shard does not use: it takes the upper ones, and the lowest eight.
    [[nodiscard]] const shard& shard_of(std::uint64_t key) const noexcept {
        return shards_[(key >> 16) % shard_count];
    }

    [[nodiscard]] shard& shard_of(std::uint64_t key) noexcept {
        return shards_[(key >> 16) % shard_count];
    }

    void purge(steady_time now);

    std::deque<kept> entries_;       ///< by time
    std::uint64_t first_number_ = 0; ///< of entries_.front(), counted from the first ever
    std::vector<shard> shards_;      ///< numbers of the entries that count
};

} // namespace kallglot

#endif
