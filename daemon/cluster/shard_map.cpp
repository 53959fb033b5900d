#include "cluster/shard_map.hpp"

namespace kallglot {

shard_changes shard_map::update(std::span<const shard_row> rows, incarnation self) {
    epochs_.resize(rows.size());
    shard_changes changes;
    const shard_set owned = held_ | leaving_ | finished_;
    for (std::size_t shard = 0; shard < rows.size(); ++shard) {
        const bool is_mine = rows[shard].owner == self;
        if (is_mine == owned[shard] && (!is_mine || rows[shard].epoch == epochs_[shard])) {
            continue;
        }
        if (owned[shard]) {
            changes.lost.set(shard);
            held_.reset(shard);
            leaving_.reset(shard);
            finished_.reset(shard);
        }
        if (is_mine) {
            held_.set(shard);
            epochs_[shard] = rows[shard].epoch;
            changes.gained.set(shard);
        }
    }
    return changes;
}

shard_set shard_map::clear() noexcept {
    const shard_set lost = held_ | leaving_ | finished_;
    held_.reset();
    leaving_.reset();
    finished_.reset();
    return lost;
}

void shard_map::begin_leaving(const shard_set& shards) noexcept {
    leaving_ |= shards & held_;
    held_ &= ~shards;
}

void shard_map::finish_leaving(const shard_set& shards) noexcept {
    finished_ |= shards & leaving_;
    leaving_ &= ~shards;
}

std::vector<released_shard> shard_map::to_release() const {
    std::vector<released_shard> released;
    for (std::size_t shard = 0; shard < epochs_.size(); ++shard) {
        if (finished_[shard]) {
            released.push_back({static_cast<shard_number>(shard), epochs_[shard]});
        }
    }
    return released;
}

} // namespace kallglot
