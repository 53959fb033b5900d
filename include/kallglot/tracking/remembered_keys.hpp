/// Set of keys that are remembered for 72 hours: ids forgotten as ended or not found, and applied events.
///
/// A late event or an unchanged file must not revive such an id, and an event must not be applied twice. The set
/// answers only "is it remembered", so keys of 128 bits stand for the texts and save memory and disk. They are made with
/// a secret of the store, so a client cannot make an id whose key is that of another. A session with three
/// events costs four keys. Knows nothing of storage.

#ifndef KALLGLOT_TRACKING_REMEMBERED_KEYS_HPP
#define KALLGLOT_TRACKING_REMEMBERED_KEYS_HPP

#include "kallglot/base/keyed_hash.hpp"
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

using remembered_key = text_hash;

/// For tables by key. A key is distributed evenly already.
struct remembered_key_hash {
    using is_avalanching = void;

    std::size_t operator()(const remembered_key& key) const noexcept { return key.low; }
};

// The key of a text. An event whose id is also that of a session has another key than the session. Keys are on disk, so
// these functions must never change.
[[nodiscard]] remembered_key key_of_session(const hash_key& secret, std::string_view id) noexcept;
[[nodiscard]] remembered_key key_of_event(const hash_key& secret, std::string_view id) noexcept;

/// The key of a text in a store of version 1: a client can compute it. Such keys live on for 72 hours after an upgrade.
[[nodiscard]] std::uint64_t version_1_key(std::string_view text) noexcept;

/// What a key of version 1 becomes in the present version.
[[nodiscard]] remembered_key key_of_version_1(const hash_key& secret, std::uint64_t key) noexcept;

struct remembered_entry {
    remembered_key key;
    steady_time at{};
    remembered_kind kind = remembered_kind::ended;

    [[nodiscard]] bool operator==(const remembered_entry&) const = default;
};

/// Loop only. Times are in whole seconds, rounded down.
///
/// Cost: 36 bytes a key. The index has shards, so that growing blocks the loop for 1 ms at a million keys and 4 ms at
/// four million.
class remembered_keys {
public:
    static constexpr std::chrono::hours retention{72};

    remembered_keys();
    // The index refers to the entries.
    remembered_keys(const remembered_keys&) = delete;
    remembered_keys& operator=(const remembered_keys&) = delete;

    /// False if the key is remembered already. Call it in the order of the entries' times. Each call removes up to
    /// 1,000 entries that are older than the retention, so the set is bounded and no call blocks the loop.
    bool add(const remembered_entry& entry);

    /// Forgets a key. False if it was not remembered.
    bool erase(const remembered_key& key, steady_time now);

    /// Whether the key was added within the retention before `now`.
    [[nodiscard]] bool contains(const remembered_key& key, steady_time now) const;

    /// Appends entries from `cursor` (0 at first) on, until `entries` holds `limit`, and moves the cursor. False: there
    /// are no more. Entries may be added and removed between two calls.
    bool list(std::uint64_t& cursor,
              std::size_t limit,
              std::vector<remembered_entry>& entries) const;

    [[nodiscard]] std::size_t size() const noexcept;

private:
    struct packed_entry {
        remembered_key key;
        std::int32_t at = 0; ///< seconds of the steady clock; before the boot they are negative
        remembered_kind kind = remembered_kind::ended;
    };

    /// The lower 32 bits of an entry's number, counted from the first one added. The index has numbers instead of keys.
    using number = std::uint32_t;

    struct hash_of {
        using is_transparent = void;
        using is_avalanching = void; // keys are distributed evenly already

        const remembered_keys* owner;

        std::size_t operator()(const remembered_key& key) const noexcept { return key.low; }

        std::size_t operator()(number at) const noexcept { return owner->entry(at).key.low; }
    };

    struct same_key {
        using is_transparent = void;

        const remembered_keys* owner;

        bool operator()(number a, number b) const noexcept { return a == b; }

        bool operator()(const remembered_key& key, number at) const noexcept {
            return owner->entry(at).key == key;
        }

        bool operator()(number at, const remembered_key& key) const noexcept {
            return owner->entry(at).key == key;
        }
    };

    using shard = boost::unordered_flat_set<number, hash_of, same_key>;
    static constexpr std::size_t shard_count = 64;

    [[nodiscard]] static bool is_old(const packed_entry& entry, steady_time now) noexcept {
        return now - steady_time(seconds(entry.at)) > retention;
    }

    [[nodiscard]] const packed_entry& entry(number at) const noexcept {
        return entries_[static_cast<number>(at - static_cast<number>(first_number_))];
    }

    // Selects by bits that the hash table of a shard does not use: it takes the upper ones and the lowest eight.
    [[nodiscard]] const shard& shard_of(const remembered_key& key) const noexcept {
        return shards_[(key.low >> 16) % shard_count];
    }

    [[nodiscard]] shard& shard_of(const remembered_key& key) noexcept {
        return shards_[(key.low >> 16) % shard_count];
    }

    void purge(steady_time now);

    std::deque<packed_entry> entries_; ///< by time
    std::uint64_t first_number_ = 0;   ///< of entries_.front()
    std::vector<shard> shards_;        ///< numbers of the valid entries
};

} // namespace kallglot

#endif
