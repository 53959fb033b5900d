#include "kallglot/core/remembered_keys.hpp"

#include <algorithm>

namespace kallglot {

std::uint64_t remembered_key(std::string_view text) noexcept {
    // FNV-1a, and the finish of splitmix64 for its weak upper bits.
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3ULL;
    }
    hash = (hash ^ (hash >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
    hash = (hash ^ (hash >> 27)) * 0x94D0'49BB'1331'11EBULL;
    return hash ^ (hash >> 31);
}

bool remembered_keys::add(const remembered_entry& entry) {
    if (!keys_.try_emplace(entry.key, first_number_ + entries_.size()).second) {
        return false;
    }
    entries_.push_back(entry);
    return true;
}

void remembered_keys::purge(steady_time now) {
    while (!entries_.empty() && now - entries_.front().at > retention) {
        // One that was erased and came again has a younger entry.
        const auto found = keys_.find(entries_.front().key);
        if (found != keys_.end() && found->second == first_number_) {
            keys_.erase(found);
        }
        entries_.pop_front();
        ++first_number_;
    }
}

bool remembered_keys::list(std::uint64_t& cursor,
                           std::size_t limit,
                           std::vector<remembered_entry>& entries) const {
    std::uint64_t at = std::max(cursor, first_number_) - first_number_;
    for (; at < entries_.size() && entries.size() < limit; ++at) {
        // One that was erased keeps its place until it is old.
        const auto found = keys_.find(entries_[at].key);
        if (found != keys_.end() && found->second == first_number_ + at) {
            entries.push_back(entries_[at]);
        }
    }
    cursor = first_number_ + at;
    return at < entries_.size();
}

} // namespace kallglot
