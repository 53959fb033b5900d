#include "intake/departed_ids.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// A larger set becomes a batch of its own by a move; a smaller one is copied into the current batch. So the number of
// batches to search stays small.
constexpr std::size_t min_batch_size = 4096;

} // namespace

void departed_ids::add(std::uint64_t hash, steady_time now) {
    // Ids of one second share a batch: 30 batches cover the grace period, whatever the number of ids.
    if (batches_.empty() || !batches_.back().file.empty()
        || now - batches_.back().first >= grace_ / 30) {
        batches_.push_back(batch{now, now, {}, {}});
    }
    // The batch leaves when its last id has been missing for the grace period, so no id leaves early.
    batches_.back().last = now;
    batches_.back().ids.insert(hash);
}

void departed_ids::add_all(id_hashes ids, steady_time now, const std::string& file) {
    // A file has a batch of its own, so that the log can name it when the ids leave.
    if (ids.size() > min_batch_size || !file.empty()) {
        batches_.push_back(batch{now, now, std::move(ids), file});
        return;
    }
    for (std::size_t shard = 0; shard < id_hashes::shard_count; ++shard) {
        for (const std::uint64_t hash : ids.at(shard)) {
            add(hash, now);
        }
    }
}

bool departed_ids::erase(std::uint64_t hash) {
    bool found = false;
    for (batch& one : batches_) {
        // An id may be in several batches, once for each file that lost it.
        found = one.ids.erase(hash) || found;
    }
    return found;
}

bool departed_ids::contains(std::uint64_t hash) const {
    return std::ranges::any_of(batches_,
                               [hash](const batch& one) { return one.ids.contains(hash); });
}

std::optional<steady_time> departed_ids::due() const {
    if (batches_.empty()) {
        return std::nullopt;
    }
    // Batches are in the order of time, so the first one is the next to leave.
    return batches_.front().last + grace_;
}

std::optional<departed_batch> departed_ids::take(steady_time now) {
    if (batches_.empty() || batches_.front().last + grace_ > now) {
        return std::nullopt;
    }
    // The caller checks whether the ids are in another file before it removes them.
    departed_batch due{std::move(batches_.front().ids), std::move(batches_.front().file)};
    batches_.pop_front();
    return due;
}

} // namespace kallglot
