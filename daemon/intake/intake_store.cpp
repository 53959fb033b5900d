// What the store asks of the intake, and what it gives back at a restart.

#include "kallglot/intake/intake.hpp"

#include <algorithm>

namespace kallglot {

namespace {

/// Ids in one turn of the loop: about 10 ms.
constexpr std::size_t most_offered = 16'384;

} // namespace

void intake::on_not_stored(std::span<const session_id> ids) {
    for (const session_id& id : ids) {
        const session_slot slot = registry_.find(id.view());
        if (slot == no_slot) {
            continue;
        }
        // A file still has its line after a restart; of the others nobody was told that we have them.
        if ((registry_[slot].sources & source_bit(session_source::file)) != 0) {
            registry_.update(slot, [](session_record& record) { record.unstored = true; });
            next_unstored_ = std::min(next_unstored_, index_of(slot));
        } else {
            poller_.drop(slot);
        }
    }
}

void intake::on_store_unusable(const std::string& reason) {
    log_.error("the store cannot be written, new ids are refused", {{"reason", reason}});
}

void intake::on_store_usable() {
    log_.info("the store can be written again");
}

bool intake::on_store_room() {
    std::size_t offered = 0;
    for (; next_unstored_ < registry_.slot_count(); ++next_unstored_) {
        const session_slot slot{next_unstored_};
        if (!registry_.is_tracked(slot) || !registry_[slot].unstored) {
            continue;
        }
        // One that is refused is the first of the next time.
        if (offered++ == most_offered || offer(slot) == commit_ticket::refused) {
            return true;
        }
    }
    next_unstored_ = none_unstored;
    return false;
}

commit_ticket intake::offer(session_slot slot) {
    const commit_ticket ticket = store_.add(registry_.id_of(slot), registry_[slot]);
    registry_.update(slot, [ticket](session_record& record) {
        record.unstored = ticket == commit_ticket::refused;
    });
    return ticket;
}

bool intake::list_sessions(std::uint64_t& cursor,
                           std::size_t limit,
                           std::vector<kept_session>& sessions) {
    for (; cursor < registry_.slot_count() && sessions.size() < limit; ++cursor) {
        const session_slot slot{static_cast<std::uint32_t>(cursor)};
        if (registry_.is_tracked(slot)) {
            sessions.push_back({registry_.id_of(slot), registry_[slot]});
        }
    }
    return cursor < registry_.slot_count();
}

bool intake::list_remembered(std::uint64_t& cursor,
                             std::size_t limit,
                             std::vector<remembered_entry>& entries) {
    return remembered_.list(cursor, limit, entries);
}

void intake::on_sessions(std::span<const kept_session> sessions) {
    for (const kept_session& kept : sessions) {
        // More than max_tracked are kept all the same: they were acknowledged under another limit.
        const session_slot slot = registry_.add_beyond_limit(kept.id).slot;
        registry_.update(slot, [&](session_record& record) {
            const std::uint32_t place = record.id_place;
            const std::uint8_t size = record.id_size;
            record = kept.record;
            record.id_place = place;
            record.id_size = size;
        });
        poller_.restored(slot);
    }
}

void intake::on_remembered(std::span<const remembered_entry> entries) {
    for (const remembered_entry& entry : entries) {
        remembered_.add(entry);
    }
}

} // namespace kallglot
