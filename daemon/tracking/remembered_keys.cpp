#include "kallglot/tracking/remembered_keys.hpp"

#include <algorithm>
#include <chrono>

namespace kallglot {

std::uint64_t remembered_key(std::string_view text) noexcept {
    // FNV-1a, then the last steps of splitmix64, because the upper bits of FNV-1a are weak.
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3ULL;
    }
    hash = (hash ^ (hash >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
    hash = (hash ^ (hash >> 27)) * 0x94D0'49BB'1331'11EBULL;
    return hash ^ (hash >> 31);
}

namespace {

/// Old entries that each call of add() removes: bounded work for every caller.
constexpr std::size_t max_purged = 1000;

} // namespace

remembered_keys::remembered_keys() {
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
        index.erase(found);
    }
    // Whole seconds fit 32 bits, which saves four bytes a key.
    const auto at = std::chrono::floor<seconds>(entry.at.time_since_epoch()).count();
    entries_.push_back({entry.key, static_cast<std::int32_t>(at), entry.kind});
    index.insert(static_cast<number>(first_number_ + entries_.size() - 1));
    return true;
}

bool remembered_keys::contains(std::uint64_t key, steady_time now) const {
    const shard& index = shard_of(key);
    const auto found = index.find(key);
    return found != index.end() && !is_old(entry(*found), now);
}

bool remembered_keys::erase(std::uint64_t key, steady_time now) {
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
