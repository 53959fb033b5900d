#include "intake/departed_ids.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// Larger sets are moved, smaller ones copied, so that there are never many batches to look into.
constexpr std::size_t worth_a_batch = 4096;

} // namespace

void departed_ids::add(std::uint64_t hash, steady_time now) {
    if (batches_.empty() || now - batches_.back().first >= seconds(1)) {
        batches_.push_back(batch{now, now, {}});
    }
    batches_.back().last = now;
    batches_.back().ids.insert(hash);
}

void departed_ids::add_all(id_hashes ids, steady_time now) {
    if (ids.size() > worth_a_batch) {
        batches_.push_back(batch{now, now, std::move(ids)});
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
    return batches_.front().last + grace;
}

std::optional<id_hashes> departed_ids::take(steady_time now) {
    if (batches_.empty() || batches_.front().last + grace > now) {
        return std::nullopt;
    }
    id_hashes ids = std::move(batches_.front().ids);
    batches_.pop_front();
    return ids;
}

} // namespace kallglot
