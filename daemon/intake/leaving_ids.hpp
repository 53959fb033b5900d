/// Ids whose grace period is over, on their way out: large sets that are taken apart id by id.

#ifndef KALLGLOT_INTAKE_LEAVING_IDS_HPP
#define KALLGLOT_INTAKE_LEAVING_IDS_HPP

#include "intake/id_hashes.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only. Cost: memory is freed set by set, and copied a shard at a time.
class leaving_ids {
public:
    void add(id_hashes ids) { sets_.push_back(std::move(ids)); }

    /// Whether no id is left.
    [[nodiscard]] bool empty() {
        while (shard_.empty() && !sets_.empty()) {
            // The first set is done.
            if (next_shard_ == id_hashes::shard_count) {
                sets_.pop_front();
                next_shard_ = 0;
                continue;
            }
            const auto& shard = sets_.front().at(next_shard_++);
            shard_.assign(shard.begin(), shard.end());
        }
        return shard_.empty();
    }

    /// The next id, unless it is empty().
    [[nodiscard]] std::uint64_t take() {
        const std::uint64_t hash = shard_.back();
        shard_.pop_back();
        return hash;
    }

private:
    std::deque<id_hashes> sets_;
    std::size_t next_shard_ = 0;       // of the first set
    std::vector<std::uint64_t> shard_; // rest of the shard before that
};

} // namespace kallglot

#endif
