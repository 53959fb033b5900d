#include "kallglot/tracking/remembered_keys.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace kallglot {

namespace {

// What a key stands for: "session", "event" and "1" as bytes. On disk they are part of every key.
// Never change these: keys on disk would match nothing, and ended sessions would be tracked again.
constexpr std::uint64_t session_tag = 0x006E'6F69'7373'6573;
constexpr std::uint64_t event_tag = 0x0000'0074'6E65'7665;
constexpr std::uint64_t version_1_tag = 0x31;

/// Old entries that each call of add() removes: bounded work for every caller.
constexpr std::size_t max_purged = 1000;

} // namespace

remembered_key key_of_session(const hash_key& secret, std::string_view id) noexcept {
    // The tag keeps ids of sessions and of events apart, because a sender of webhooks chooses both.
    return hash_of_text(secret, session_tag, id);
}

remembered_key key_of_event(const hash_key& secret, std::string_view id) noexcept {
    return hash_of_text(secret, event_tag, id);
}

remembered_key key_of_version_1(const hash_key& secret, std::uint64_t key) noexcept {
    // Byte by byte, lowest first, so that the key is the same on a machine with another byte order.
    std::array<char, sizeof key> bytes{};
    for (char& byte : bytes) {
        byte = static_cast<char>(key);
        key >>= 8;
    }
    return hash_of_text(secret, version_1_tag, {bytes.data(), bytes.size()});
}

std::uint64_t version_1_key(std::string_view text) noexcept {
    // FNV-1a, then the last steps of splitmix64, because the upper bits of FNV-1a are weak.
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3ULL;
    }
    hash = (hash ^ (hash >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
    hash = (hash ^ (hash >> 27)) * 0x94D0'49BB'1331'11EBULL;
    return hash ^ (hash >> 31);
}

remembered_keys::remembered_keys() {
    // Shards bound the pause of a rehash: one table of a million keys would grow within one turn of the loop.
    shards_.reserve(shard_count);
    for (std::size_t i = 0; i < shard_count; ++i) {
        shards_.emplace_back(0, hash_of{this}, same_key{this});
    }
}

bool remembered_keys::add(const remembered_entry& entry) {
    // Each added key pays for the removal of old ones, so the set needs no timer.
    purge(entry.at);
    shard& index = shard_of(entry.key);
    if (const auto found = index.find(entry.key); found != index.end()) {
        // Known and recent: the first time counts, so repeated events do not prolong it.
        if (!is_old(this->entry(*found), entry.at)) {
            return false;
        }
        // The old entry stays in the queue. purge() sees that the index does not name it.
        index.erase(found);
    }
    // Whole seconds fit 32 bits, which saves four bytes a key.
    const auto at = std::chrono::floor<seconds>(entry.at.time_since_epoch()).count();
    // In the order of time, so that purge() looks at the front only.
    entries_.push_back({entry.key, static_cast<std::int32_t>(at), entry.kind});
    // The index has numbers of entries and no keys: a key of 16 bytes is in memory once.
    index.insert(static_cast<number>(first_number_ + entries_.size() - 1));
    return true;
}

bool remembered_keys::contains(const remembered_key& key, steady_time now) const {
    const shard& index = shard_of(key);
    const auto found = index.find(key);
    return found != index.end() && !is_old(entry(*found), now);
}

bool remembered_keys::erase(const remembered_key& key, steady_time now) {
    shard& index = shard_of(key);
    const auto found = index.find(key);
    if (found == index.end()) {
        return false;
    }
    // An old entry may not be purged yet; for the caller it is gone.
    const bool counted = !is_old(entry(*found), now);
    index.erase(found);
    return counted;
}

void remembered_keys::purge(steady_time now) {
    for (std::size_t left = max_purged;
         left > 0 && !entries_.empty() && is_old(entries_.front(), now);
         --left) {
        // A key that was erased and added again has a younger entry in the index, which must stay.
        shard& index = shard_of(entries_.front().key);
        const auto found = index.find(entries_.front().key);
        if (found != index.end() && *found == static_cast<number>(first_number_)) {
            index.erase(found);
        }
        // Numbers grow with the front, so all other entries keep theirs.
        entries_.pop_front();
        ++first_number_;
    }
}

bool remembered_keys::list(std::uint64_t& cursor,
                           std::size_t limit,
                           std::vector<remembered_entry>& entries) const {
    // Entries before the cursor may be purged since the last call: continue with the first that is left.
    std::uint64_t at = std::max(cursor, first_number_) - first_number_;
    for (; at < entries_.size() && entries.size() < limit; ++at) {
        // An erased key leaves its entry in the queue until it is old; the index says which entries count.
        const packed_entry& one = entries_[at];
        const shard& index = shard_of(one.key);
        const auto found = index.find(one.key);
        if (found != index.end() && *found == static_cast<number>(first_number_ + at)) {
            entries.push_back({one.key, steady_time(seconds(one.at)), one.kind});
        }
    }
    cursor = first_number_ + at;
    return at < entries_.size();
}

std::size_t remembered_keys::size() const noexcept {
    std::size_t sum = 0;
    for (const shard& index : shards_) {
        sum += index.size();
    }
    return sum;
}

} // namespace kallglot
